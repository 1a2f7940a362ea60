-- Makes an event durable with its dedupe, its place in the inbox and its index entries.
-- The record comes last: it is the dedupe, so a prefix of these writes leaves the same delivery new.
-- KEYS[1] the event partition
-- ARGV    id, received (µs), repository, occurrence, content key, content, outcome, now (ms), merge, then
--         the record's fields
local p, id, at, repo, occurrence = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local outcome, merge = ARGV[7], ARGV[9]
local record = p .. 'ev:' .. id
if redis.call('EXISTS', record) == 1 then return 'known' end

local first = false
local waits = outcome == 'waiting'
if waits and occurrence ~= '' then
  first = redis.call('GET', p .. 'oc:' .. occurrence)
  if first == id or (first and redis.call('EXISTS', p .. 'ev:' .. first) == 0) then first = false end
end

local fields = {unpack(ARGV, 10)}
local function field(name, value)
  fields[#fields + 1] = name
  fields[#fields + 1] = value
end
if first then
  waits, outcome = false, 'nothing_to_do'
  field('verdict', 'nothing_to_do duplicate')
  field('of', first)
end
field('state', waits and 'waiting' or 'finished')
field('outcome', outcome)
if occurrence ~= '' then field('o', occurrence) end
if waits and merge ~= '' then field('c', merge) end

redis.call('SET', p .. ARGV[5] .. id, ARGV[6])
if waits then
  redis.call('RPUSH', p .. 'in', id)
  if merge ~= '' then
    -- Nearly always the only one of its commit; a torn script may have entered it already.
    local ids = redis.call('HGET', p .. 'ix:m', merge)
    if not ids then ids = id elseif not string.find(ids, id, 1, true) then ids = ids .. ' ' .. id end
    redis.call('HSET', p .. 'ix:m', merge, ids)
  end
  if occurrence ~= '' then redis.call('SET', p .. 'oc:' .. occurrence, id) end
else
  redis.call('ZADD', p .. 'ix:done', ARGV[8], id)
end
redis.call('ZADD', p .. 'ix:s:' .. outcome, at, id)
if repo ~= '' then redis.call('ZADD', p .. 'ix:r:' .. repo, at, id) end
redis.call('HSET', record, unpack(fields))
-- Whoever is busy looks anyway: a list that is full already is left alone.
if waits and redis.call('LLEN', p .. 'wake') < 64 then redis.call('RPUSH', p .. 'wake', '1') end
return first and 'duplicate' or 'new'
