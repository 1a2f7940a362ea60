-- Sends an event through again, as its next generation.
-- KEYS[1] the event partition
-- ARGV    id, the generation it was read at, 'yes' when a person asked, the tickets as JSON ('' for all), the tickets
-- Answers 0 when it has changed since it was read.
local p, id, generation = KEYS[1], ARGV[1], tonumber(ARGV[2])
local record = p .. 'ev:' .. id
local e = redis.call('HMGET', record, 'state', 'generation', 'score')
if not e[1] or e[1] == 'waiting' or tonumber(e[2]) ~= generation then return 0 end
redis.call('RPUSH', p .. 'in', id)
redis.call('HSET', record, 'state', 'waiting', 'generation', generation + 1, 'only', ARGV[4], 'replayed', ARGV[3])
redis.call('ZADD', p .. 'ix:open', e[3], id)
for i = 5, #ARGV do
  local entry = redis.call('HGET', p .. 'tk:' .. id, ARGV[i])
  local head, site = string.match(entry or '', '^(%d+ %d+) %S+ %S+ (.*)$')
  if head then redis.call('HSET', p .. 'tk:' .. id, ARGV[i], head .. ' waiting queued ' .. site) end
end
if ARGV[4] == '' then redis.call('HDEL', record, 'verdict', 'detail') end
index_outcome(p, id, e[3], outcome_of(p, id))
redis.call('RPUSH', p .. 'wake', id)
redis.call('LTRIM', p .. 'wake', -64, -1)
return 1
