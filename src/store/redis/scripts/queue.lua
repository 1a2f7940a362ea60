-- Counts tickets that are ready, leased, delayed and dead.
-- KEYS[1] the job partition
local p, ready = KEYS[1], 0
for i, site in ipairs(redis.call('ZRANGE', p .. 'rota', 0, -1)) do
  for n, project in ipairs(redis.call('ZRANGE', p .. 'rota:' .. site, 0, -1)) do
    ready = ready + redis.call('LLEN', p .. 'ready:' .. site .. '/' .. project)
  end
end
return {ready, redis.call('ZCARD', p .. 'lease'), redis.call('ZCARD', p .. 'delay'), redis.call('ZCARD', p .. 'dead')}
