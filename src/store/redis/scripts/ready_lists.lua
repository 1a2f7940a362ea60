-- The ready lists of a partition.
-- KEYS[1] the job partition
local p, lists = KEYS[1], {}
for i, site in ipairs(redis.call('ZRANGE', p .. 'rota', 0, -1)) do
  for n, project in ipairs(redis.call('ZRANGE', p .. 'rota:' .. site, 0, -1)) do
    lists[#lists + 1] = p .. 'ready:' .. site .. '/' .. project
  end
end
return lists
