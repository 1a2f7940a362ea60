-- Takes an event off the inbox, now that its jobs stand in their queues.
-- KEYS[1] the event partition
-- ARGV    id, fence, generation, now (ms)
local p, id = KEYS[1], ARGV[1]
if redis.call('HGET', p .. 'router', 'fence') ~= ARGV[2] then return 'lost' end
local record = p .. 'ev:' .. id
local e = redis.call('HMGET', record, 'state', 'generation')
if e[1] == 'waiting' and e[2] == ARGV[3] then
  settle(p, id, ARGV[4])
  redis.call('HDEL', record, 'only', 'replayed')
end
redis.call('LREM', p .. 'in', 1, id)
redis.call('DEL', p .. 'pl:' .. id)
return 'done'
