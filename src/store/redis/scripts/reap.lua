-- Takes back what dead workers held: to the front, because it was there before.
-- KEYS[1] the job partition   ARGV how many, ms ahead
local p = KEYS[1]
local expired = redis.call('ZRANGEBYSCORE', p .. 'lease', '-inf', now_ms(ARGV[2]), 'LIMIT', 0, ARGV[1])
-- Backwards, so that who was leased first stands first again.
for i = #expired, 1, -1 do give_back(p, expired[i], 'LPUSH') end
if #expired > 0 then wake(p, #expired) end
return #expired
