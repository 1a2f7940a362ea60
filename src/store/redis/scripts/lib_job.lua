-- A ticket's place in the rotation. What a torn script may leave (a ticket in two places, a finished head) is
-- settled here: lease counts before delay, delay before ready.
local function is_leased(p, ticket) return redis.call('ZSCORE', p .. 'lease', ticket) end
local function is_delayed(p, ticket) return redis.call('ZSCORE', p .. 'delay', ticket) end

-- The first unfinished job of a ticket with its site and project; nil when there is none.
local function head(p, ticket)
  local queue = p .. 'g:' .. ticket
  while true do
    local id = redis.call('LINDEX', queue, 0)
    if not id then return nil end
    local job = redis.call('HMGET', p .. 'job:' .. id, 'state', 'site', 'project')
    if job[1] and job[1] ~= 'finished' then return {id = id, site = job[2], project = job[3]} end
    redis.call('LREM', queue, 1, id)
  end
end

-- Lets a site, or a project of one, join a rotation behind those already in it.
local function join(p, rotation, member)
  if not redis.call('ZSCORE', rotation, member) then
    redis.call('ZADD', rotation, redis.call('INCR', p .. 'turn'), member)
  end
end

-- Puts a ticket in the list of its site and project.
local function make_ready(p, ticket, site, project, push)
  join(p, p .. 'rota', site)
  join(p, p .. 'rota:' .. site, project)
  redis.call(push, p .. 'ready:' .. site .. '/' .. project, ticket)
end

local function release(p, ticket)
  redis.call('HDEL', p .. 'own', ticket)
  redis.call('ZREM', p .. 'lease', ticket)
end

-- Gives a ticket back to its ready list, when it still has work and does not wait for a retry.
local function give_back(p, ticket, push)
  local job = head(p, ticket)
  if job and not is_delayed(p, ticket) then make_ready(p, ticket, job.site, job.project, push) end
  release(p, ticket)
end

-- Whether this fence still holds this job. A lease that has run out holds until it is taken back: nobody
-- else can have worked on the ticket.
local function is_held(p, ticket, id, fence)
  local own = redis.call('HGET', p .. 'own', ticket)
  local held_fence, held_job = string.match(own or '', '^(%d+) (%S+)')
  return held_fence == fence and held_job == id
end

-- As many hints as there are new things to do.
local function wake(p, things)
  local hints = {}
  for i = 1, math.min(things, 64 - redis.call('LLEN', p .. 'wake')) do hints[i] = '1' end
  if #hints > 0 then redis.call('RPUSH', p .. 'wake', unpack(hints)) end
end
