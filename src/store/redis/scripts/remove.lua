-- Removes a finished event whose jobs are gone already. Its place in the index of finished events goes last, so
-- that half a removal is found again.
-- KEYS[1] the event partition
-- ARGV    id, the generation it was read at
local p, id = KEYS[1], ARGV[1]
local record = p .. 'ev:' .. id
local e = redis.call('HMGET', record, 'state', 'generation', 'repo', 'o', 'c')
if e[1] and (e[1] ~= 'finished' or e[2] ~= ARGV[2]) then return 0 end
for i, key in ipairs(redis.call('HKEYS', p .. 'tk:' .. id)) do
  redis.call('ZREM', p .. 'ix:k:' .. key, id)
end
if e[3] then redis.call('ZREM', p .. 'ix:r:' .. e[3], id) end
if e[5] then
  local others = {}
  for other in string.gmatch(redis.call('HGET', p .. 'ix:m', e[5]) or '', '%S+') do
    if other ~= id then others[#others + 1] = other end
  end
  if #others > 0 then
    redis.call('HSET', p .. 'ix:m', e[5], table.concat(others, ' '))
  else
    redis.call('HDEL', p .. 'ix:m', e[5])
  end
end
if e[4] and redis.call('GET', p .. 'oc:' .. e[4]) == id then redis.call('DEL', p .. 'oc:' .. e[4]) end
for i, kind in ipairs({'no:', 'bd:', 'st:', 'op:', 'pl:', 'tk:', 'ev:'}) do
  redis.call('UNLINK', p .. kind .. id)
end
redis.call('ZREM', p .. 'ix:open', id)
for outcome in pairs(GRAVITY) do redis.call('ZREM', p .. 'ix:s:' .. outcome, id) end
redis.call('ZREM', p .. 'ix:done', id)
return 1
