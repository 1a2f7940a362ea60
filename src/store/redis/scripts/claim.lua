-- Leases the heads of tickets that are ready, sites and their projects in turns.
-- KEYS[1] the job partition
-- ARGV    worker, lease in ms, how many, ms ahead, then the sites to leave out
-- Answers {job, site, project, found_in, queued at, fence, expired, state} of each.
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

local function lease(ticket, job, list)
  local fence = next_fence(redis.call('GET', p .. 'fence'), now)
  redis.call('SET', p .. 'fence', fence)
  redis.call('ZADD', p .. 'lease', now + ARGV[2], ticket)
  redis.call('HSET', p .. 'own', ticket, fence .. ' ' .. job.id .. ' ' .. worker)
  redis.call('LREM', list, 1, ticket)
  local j = redis.call('HMGET', p .. 'job:' .. job.id, 'found_in', 'queued_at')
  local state = redis.call('GET', p .. 'js:' .. job.id)
  return {job.id, job.site, job.project, j[1] or '', j[2] or '', tostring(fence),
    tonumber(redis.call('HGET', p .. 'expired', ticket) or 0), state or ''}
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
        local claimed = lease(ticket, job, list)
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
