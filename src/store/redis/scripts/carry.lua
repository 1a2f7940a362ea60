-- Tells an event how tickets of it ended, or what they wait for.
-- KEYS[1] the event partition
-- ARGV    id, then key, generation, outcome and reason of each ticket
local p, id = KEYS[1], ARGV[1]
local state = redis.call('HGET', p .. 'ev:' .. id, 'state')
if not state then return 0 end
for i = 2, #ARGV, 4 do
  local key, generation = ARGV[i], tonumber(ARGV[i + 1])
  local entry = redis.call('HGET', p .. 'tk:' .. id, key)
  local position, standing, site
  if entry then position, standing, site = string.match(entry, '^(%d+) (%d+) %S+ %S+ (.*)$') end
  -- A later generation is not this one's business.
  if tonumber(standing) == generation and redis.call('SISMEMBER', p .. 'op:' .. id, key) == 1 then
    local verdict = ARGV[i + 2] .. ' ' .. ARGV[i + 3]
    redis.call('HSET', p .. 'tk:' .. id, key, position .. ' ' .. generation .. ' ' .. verdict .. ' ' .. site)
    if ARGV[i + 2] ~= 'waiting' then redis.call('SREM', p .. 'op:' .. id, key) end
  end
end
if state == 'working' then settle(p, id) end
return 1
