-- Enters a ticket in a routed event's list by the key that it bears by now, unless this run has it there.
-- KEYS[1] the event partition
-- ARGV    id, key, generation, site
-- Answers whether the ticket waits for this run: one that was settled, or is finished, is not to be worked on again.
local p, id, key, generation = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])
local score = redis.call('HGET', p .. 'ev:' .. id, 'score')
if not score then return 0 end
local known = ticket_entry(p, id, key)
if not known or known.generation < generation then
  local position = known and known.position or redis.call('HLEN', p .. 'tk:' .. id) + 1
  redis.call('SADD', p .. 'op:' .. id, key)
  redis.call('ZADD', p .. 'ix:k:' .. key, score, id)
  redis.call('HSET', p .. 'tk:' .. id, key, position .. ' ' .. generation .. ' waiting queued ' .. ARGV[4])
end
return redis.call('SISMEMBER', p .. 'op:' .. id, key)
