-- Gives a ticket back: to wait for a retry, or untouched to the front.
-- KEYS[1] the job partition
-- ARGV    ticket, job, fence, state ('' leaves it), delay in ms ('' for none), ms ahead
local p, ticket, id = KEYS[1], ARGV[1], ARGV[2]
if not is_held(p, ticket, id, ARGV[3]) then return 'lost' end
if ARGV[4] ~= '' then redis.call('SET', p .. 'js:' .. id, ARGV[4]) end
redis.call('HDEL', p .. 'expired', ticket)
if ARGV[5] ~= '' then
  redis.call('ZADD', p .. 'delay', now_ms(ARGV[6]) + ARGV[5], ticket)
  release(p, ticket)
else
  give_back(p, ticket, 'LPUSH')
  wake(p, 1)
end
return 'held'
