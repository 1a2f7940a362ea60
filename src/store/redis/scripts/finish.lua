-- Ends a job: trace, outbox and verdict are written before its ticket goes on. The working state goes last,
-- because an intent must not be lost before the end is known.
-- KEYS[1] the job partition
-- ARGV    ticket, job, fence, trace, outcome, reason, event and key ('event:key'), finished at (ms)
local p, ticket, id = KEYS[1], ARGV[1], ARGV[2]
if not is_held(p, ticket, id, ARGV[3]) then return 'lost' end
redis.call('SET', p .. 'tt:' .. id, ARGV[4])
redis.call('RPUSH', p .. 'fin', id .. ' ' .. ARGV[5] .. ' ' .. ARGV[6])
if ARGV[5] == 'dead' then redis.call('ZADD', p .. 'dead', ARGV[8], ARGV[7]) end
redis.call('HSET', p .. 'job:' .. id, 'state', 'finished')
redis.call('HDEL', p .. 'expired', ticket)
local next_job = head(p, ticket)
give_back(p, ticket, 'RPUSH')
if next_job then wake(p, 1) end
redis.call('DEL', p .. 'js:' .. id)
return 'held'
