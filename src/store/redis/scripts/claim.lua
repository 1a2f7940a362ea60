-- Leases the heads of tickets that are ready, sites and their projects in turns.
-- KEYS[1] the job partition
-- ARGV    worker, lease in ms, how many, ms ahead, then the sites to leave out
-- Answers what `lease` does of each.
local p, worker, most = KEYS[1], ARGV[1], tonumber(ARGV[3])
local now = now_ms(ARGV[4])
local skip = {unpack(ARGV, 5)}
for i, pause in ipairs(redis.call('HKEYS', p .. 'paused')) do skip[#skip + 1] = string.match(pause, '^%S+ (.*)$') end
local skipped = {}
for i, site in ipairs(skip) do skipped[site] = true end

for i, ticket in ipairs(redis.call('ZRANGEBYSCORE', p .. 'delay', '-inf', now, 'LIMIT', 0, 200)) do
  local job = not is_leased(p, ticket) and head(p, ticket)
  if job then make_ready(p, ticket, job.site, job.project, 'RPUSH') end
  redis.call('ZREM', p .. 'delay', ticket)
end

-- The next ticket of a site, from the project whose last turn is longest ago.
local function take(site)
  local projects = p .. 'rota:' .. site
  while true do
    local project = redis.call('ZRANGE', projects, 0, 0)[1]
    if not project then
      redis.call('ZREM', p .. 'rota', site)
      return nil
    end
    local list = p .. 'ready:' .. site .. '/' .. project
    local ticket = redis.call('LINDEX', list, 0)
    if not ticket then
      redis.call('ZREM', projects, project)
    elseif is_leased(p, ticket) or is_delayed(p, ticket) then
      redis.call('LREM', list, 1, ticket)
    else
      local job = head(p, ticket)
      if job then
        local claimed = lease(p, ticket, job, worker, now, ARGV[2])
        local turn = redis.call('INCR', p .. 'turn')
        redis.call('ZADD', p .. 'rota', turn, site)
        redis.call('ZADD', projects, turn, project)
        return claimed
      end
      redis.call('LREM', list, 1, ticket)
    end
  end
end

local claims, sites = {}, {}
for i, site in ipairs(redis.call('ZRANGE', p .. 'rota', 0, -1)) do
  if not skipped[site] then sites[#sites + 1] = site end
end
while #claims < most and #sites > 0 do
  local more = {}
  for i, site in ipairs(sites) do
    local claimed = #claims < most and take(site)
    if claimed then
      claims[#claims + 1] = claimed
      more[#more + 1] = site
    end
  end
  sites = more
end
return claims
