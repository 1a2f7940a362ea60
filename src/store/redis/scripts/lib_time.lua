-- The server's time in milliseconds, moved ahead by what the caller's clock is.
local function now_ms(ahead)
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ahead)
end
