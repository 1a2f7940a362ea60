-- Tells an event how tickets of it ended, or what they wait for. Answers when it was received (µs), if this
-- was the end of it.
-- KEYS[1] the event partition
-- ARGV    id, now (ms), then key, generation, outcome and reason of each ticket
local p, id = KEYS[1], ARGV[1]
local record = p .. 'ev:' .. id
local e = redis.call('HMGET', record, 'state', 'outcome', 'score')
local state, outcome = e[1], e[2]
if not state then return nil end
for i = 3, #ARGV, 4 do
  local key, generation = ARGV[i], tonumber(ARGV[i + 1])
  local entry = redis.call('HGET', p .. 'tk:' .. id, key)
  local position, standing, site
  if entry then position, standing, site = string.match(entry, '^(%d+) (%d+) %S+ %S+ (.*)$') end
  -- A later generation is not this one's business.
  if tonumber(standing) == generation and redis.call('SISMEMBER', p .. 'op:' .. id, key) == 1 then
    local verdict = ARGV[i + 2] .. ' ' .. ARGV[i + 3]
    outcome = graver(outcome, ARGV[i + 2])
    redis.call('HSET', p .. 'tk:' .. id, key, position .. ' ' .. generation .. ' ' .. verdict .. ' ' .. site)
    if ARGV[i + 2] ~= 'waiting' then redis.call('SREM', p .. 'op:' .. id, key) end
  end
end
if state == 'working' then
  -- While tickets are open the outcome only gets graver: a release's list is not read for each of its tickets.
  if redis.call('SCARD', p .. 'op:' .. id) == 0 then
    settle(p, id, ARGV[2])
    return e[3]
  elseif outcome ~= e[2] then
    index_outcome(p, id, e[3], outcome, true)
  end
end
return nil
