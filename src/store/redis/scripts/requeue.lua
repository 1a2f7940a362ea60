-- Sends an event through again, as its next generation.
-- KEYS[1] the event partition
-- ARGV    id, the generation it was read at, 'yes' when a person asked, the tickets as JSON ('' for all)
-- Answers 0 when it has changed since it was read.
local p, id, generation = KEYS[1], ARGV[1], tonumber(ARGV[2])
local record = p .. 'ev:' .. id
local e = redis.call('HMGET', record, 'state', 'generation', 'score')
if not e[1] or e[1] == 'waiting' or tonumber(e[2]) ~= generation then return 0 end
redis.call('RPUSH', p .. 'in', id)
redis.call('HSET', record, 'state', 'waiting', 'generation', generation + 1, 'only', ARGV[4], 'replayed', ARGV[3])
redis.call('HDEL', record, 'verdict', 'detail')
index_outcome(p, id, e[3], outcome_of(p, id, true), true)
redis.call('ZREM', p .. 'ix:done', id)
if redis.call('LLEN', p .. 'wake') < 64 then redis.call('RPUSH', p .. 'wake', '1') end
return 1
