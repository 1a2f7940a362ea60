-- Puts jobs of one event at the end of their tickets' queues, each once.
-- KEYS[1] the job partition
-- ARGV    event, generation, queued at, then key, site, project, found_in, siblings and state ('' for none) of each
--         ticket
local p = KEYS[1]
for i = 4, #ARGV, 6 do
  local key, site, project = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local id = ARGV[1] .. ':' .. key .. ':' .. ARGV[2]
  local job, ticket = p .. 'job:' .. id, site .. '/' .. key
  local state = redis.call('HGET', job, 'state')
  if state ~= 'finished' then
    local queue = p .. 'g:' .. ticket
    if not state then
      if ARGV[i + 5] ~= '' then redis.call('SET', p .. 'js:' .. id, ARGV[i + 5]) end
      redis.call('HSET', job, 'state', 'queued', 'site', site, 'project', project,
        'found_in', ARGV[i + 3], 'queued_at', ARGV[3])
      if ARGV[i + 4] ~= '' then redis.call('HSET', job, 'siblings', ARGV[i + 4]) end
    end
    -- A new one cannot stand there yet, and a long queue is not searched for it.
    if not state or not redis.call('LPOS', queue, id) then redis.call('RPUSH', queue, id) end
    -- A longer queue is in the rotation already. A repetition may mend a torn one: a ticket too often in a
    -- ready list does no harm.
    local alone = redis.call('LINDEX', queue, 0) == id
    if (alone or state) and not is_leased(p, ticket) and not is_delayed(p, ticket) then
      make_ready(p, ticket, site, project, 'RPUSH')
    end
    redis.call('ZREM', p .. 'dead', ARGV[1] .. ':' .. key)
  end
end
wake(p, (#ARGV - 3) / 6)
return 0
