-- Leases a ticket's head. Answers {job, site, project, found_in, queued at, fence, expired, siblings, state}.
local function lease(p, ticket, job, worker, now, duration)
  local fence = next_fence(redis.call('GET', p .. 'fence'), now)
  redis.call('SET', p .. 'fence', fence)
  redis.call('ZADD', p .. 'lease', now + duration, ticket)
  redis.call('HSET', p .. 'own', ticket, fence .. ' ' .. job.id .. ' ' .. worker)
  redis.call('LREM', p .. 'ready:' .. job.site .. '/' .. job.project, 1, ticket)
  local j = redis.call('HMGET', p .. 'job:' .. job.id, 'found_in', 'queued_at', 'siblings')
  local state = redis.call('GET', p .. 'js:' .. job.id)
  return {job.id, job.site, job.project, j[1] or '', j[2] or '', tostring(fence),
    tonumber(redis.call('HGET', p .. 'expired', ticket) or 0), j[3] or '', state or ''}
end

