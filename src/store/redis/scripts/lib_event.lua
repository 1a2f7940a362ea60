-- How far an event is. A ticket's entry reads: position, generation, outcome, reason, site.
local GRAVITY = {nothing_to_do = 0, skipped = 1, moved = 2, waiting = 3, failed = 4, dead = 5}

local function ticket_entry(p, id, key)
  local entry = redis.call('HGET', p .. 'tk:' .. id, key)
  if not entry then return nil end
  local position, generation, outcome = string.match(entry, '^(%d+) (%d+) (%S+)')
  return {position = position, generation = tonumber(generation), outcome = outcome}
end

local function graver(a, b) return (GRAVITY[b] or 0) > (GRAVITY[a] or 0) and b or a end

-- The tickets of the run that waits in the inbox, by key.
local function in_this_run(p, id)
  local only = redis.call('HGET', p .. 'ev:' .. id, 'only')
  local keys = {}
  if only and only ~= '' then
    for i, key in ipairs(cjson.decode(only)) do keys[key] = true end
  end
  return keys
end

-- The outcome an event is indexed under: the gravest of its tickets' and its own. What waits in the inbox
-- waits, whatever its tickets were before.
local function outcome_of(p, id, in_inbox)
  local gravest = in_inbox and 'waiting' or 'nothing_to_do'
  local own = redis.call('HGET', p .. 'ev:' .. id, 'verdict')
  if own then gravest = graver(gravest, string.match(own, '^%S+')) end
  local again = in_inbox and in_this_run(p, id) or {}
  local tickets = redis.call('HGETALL', p .. 'tk:' .. id)
  for i = 1, #tickets, 2 do
    if not again[tickets[i]] then gravest = graver(gravest, string.match(tickets[i + 1], '^%d+ %d+ (%S+)')) end
  end
  return gravest
end

-- Enters an event in the index of one outcome and takes it out of all others: a torn script may have left it
-- in two. One that is open although its outcome is not `waiting` stands in the index of those too.
local function index_outcome(p, id, at, outcome, open)
  local apart = open and outcome ~= 'waiting'
  if apart then redis.call('ZADD', p .. 'ix:open', at, id) end
  redis.call('ZADD', p .. 'ix:s:' .. outcome, at, id)
  redis.call('HSET', p .. 'ev:' .. id, 'outcome', outcome)
  for other in pairs(GRAVITY) do
    if other ~= outcome then redis.call('ZREM', p .. 'ix:s:' .. other, id) end
  end
  if not apart then redis.call('ZREM', p .. 'ix:open', id) end
end

-- Brings state and indexes of a routed event up to date with its tickets.
local function settle(p, id, now)
  local record = p .. 'ev:' .. id
  local at = redis.call('HGET', record, 'score')
  local open = redis.call('SCARD', p .. 'op:' .. id) > 0
  if not open then redis.call('ZADD', p .. 'ix:done', now, id) end
  index_outcome(p, id, at, outcome_of(p, id, false), open)
  redis.call('HSET', record, 'state', open and 'working' or 'finished')
end
