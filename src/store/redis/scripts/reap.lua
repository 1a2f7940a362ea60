-- Takes back what dead workers held: to the front, because it was there before. What keeps expiring comes back
-- one after the other: if it kills its worker, it shall not take the same ones with it each time.
-- KEYS[1] the job partition   ARGV how many, ms ahead, suspect after so many, ms between suspects
local p, now = KEYS[1], now_ms(ARGV[2])
local expired = redis.call('ZRANGEBYSCORE', p .. 'lease', '-inf', now, 'LIMIT', 0, ARGV[1])
local suspects = 0
-- Backwards, so that who was leased first stands first again.
for i = #expired, 1, -1 do
  local ticket = expired[i]
  if redis.call('HINCRBY', p .. 'expired', ticket, 1) < tonumber(ARGV[3]) then
    give_back(p, ticket, 'LPUSH')
  else
    suspects = suspects + 1
    redis.call('ZADD', p .. 'delay', now + suspects * ARGV[4], ticket)
    release(p, ticket)
  end
end
if #expired > suspects then wake(p, #expired - suspects) end
return #expired
