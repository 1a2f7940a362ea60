-- Writes down how an event fans out, before any job is added. A plan that stands already wins, so that a
-- repetition adds the same jobs, whatever the rules say by then.
-- KEYS[1] the event partition
-- ARGV    id, fence, generation, the plan as JSON
-- Answers {'go', plan}, {'done'} when nothing is left to do, {'lost'} when another worker holds the partition.
local p, id, generation = KEYS[1], ARGV[1], tonumber(ARGV[3])
if redis.call('HGET', p .. 'router', 'fence') ~= ARGV[2] then return {'lost'} end
local record = p .. 'ev:' .. id
local e = redis.call('HMGET', record, 'state', 'generation', 'score')
if e[1] ~= 'waiting' or tonumber(e[2]) ~= generation then
  redis.call('LREM', p .. 'in', 1, id)
  return {'done'}
end

local text = redis.call('GET', p .. 'pl:' .. id)
local plan = text and cjson.decode(text)
if not plan or plan.generation ~= generation then
  text = ARGV[4]
  plan = cjson.decode(text)
  redis.call('SET', p .. 'pl:' .. id, text)
end

-- A run over the whole event replaces its list; one over some tickets leaves the others alone, and those it
-- no longer finds are what they were before.
local whole = (redis.call('HGET', record, 'only') or '') == ''
local found = {}
for i, job in ipairs(plan.jobs) do found[job.key] = job.position end
for i, ticket in ipairs(plan.settled) do found[ticket.key] = ticket.position end
for i, key in ipairs(whole and redis.call('HKEYS', p .. 'tk:' .. id) or {}) do
  if not found[key] then
    redis.call('ZREM', p .. 'ix:k:' .. key, id)
    redis.call('HDEL', p .. 'st:' .. id, key)
    redis.call('HDEL', p .. 'tk:' .. id, key)
  end
end

local function enter(key, verdict, site)
  local known = not whole and ticket_entry(p, id, key)
  local position = whole and found[key] or known and known.position or redis.call('HLEN', p .. 'tk:' .. id) + 1
  redis.call('ZADD', p .. 'ix:k:' .. key, e[3], id)
  redis.call('HSET', p .. 'tk:' .. id, key, position .. ' ' .. generation .. ' ' .. verdict .. ' ' .. site)
end

for i, job in ipairs(plan.jobs) do
  local known = ticket_entry(p, id, job.key)
  if not known or known.generation < generation then
    redis.call('SADD', p .. 'op:' .. id, job.key)
    enter(job.key, 'waiting queued', job.site)
  end
end
for i, ticket in ipairs(plan.settled) do
  redis.call('HSET', p .. 'st:' .. id, ticket.key, ticket.trace)
  enter(ticket.key, ticket.verdict, '')
end
for name, value in pairs({verdict = plan.verdict, detail = plan.detail, ignored = plan.ignored}) do
  if value == '' then redis.call('HDEL', record, name) else redis.call('HSET', record, name, value) end
end
return {'go', text}
