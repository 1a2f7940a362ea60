-- Renews a lease and, when there is one, saves the job's state.
-- KEYS[1] the job partition
-- ARGV    ticket, job, fence, lease in ms, ms ahead, state ('' leaves it)
local p, ticket = KEYS[1], ARGV[1]
if not is_held(p, ticket, ARGV[2], ARGV[3]) then return 'lost' end
if ARGV[6] ~= '' then redis.call('SET', p .. 'js:' .. ARGV[2], ARGV[6]) end
redis.call('ZADD', p .. 'lease', now_ms(ARGV[5]) + ARGV[4], ticket)
return 'held'
