-- The server's time in milliseconds, moved ahead by what the caller's clock is.
local function now_ms(ahead)
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ahead)
end

-- The next fence. It is at least the time, so that one handed out and lost with a server's last second (or with
-- a primary) never comes back.
local function next_fence(last, now) return math.max((tonumber(last) or 0) + 1, now) end
