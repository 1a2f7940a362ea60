-- How far an event is. A ticket's entry reads: position, generation, outcome, reason, site.
local GRAVITY = {nothing_to_do = 0, skipped = 1, moved = 2, waiting = 3, failed = 4, dead = 5}

local function ticket_entry(p, id, key)
  local entry = redis.call('HGET', p .. 'tk:' .. id, key)
  if not entry then return nil end
  local position, generation, outcome = string.match(entry, '^(%d+) (%d+) (%S+)')
  return {position = position, generation = tonumber(generation), outcome = outcome}
end

local function graver(a, b) return (GRAVITY[b] or 0) > (GRAVITY[a] or 0) and b or a end

-- The outcome an event is indexed under: the gravest of its tickets', or its own.
local function outcome_of(p, id)
  local gravest = nil
  for i, entry in ipairs(redis.call('HVALS', p .. 'tk:' .. id)) do
    local outcome = string.match(entry, '^%d+ %d+ (%S+)')
    gravest = gravest and graver(gravest, outcome) or outcome
  end
  if gravest then return gravest end
  local own = redis.call('HGET', p .. 'ev:' .. id, 'verdict')
  return own and string.match(own, '^%S+') or 'waiting'
end

-- Enters an event in the index of one outcome and takes it out of all others: a torn script may have left it in two.
local function index_outcome(p, id, at, outcome)
  redis.call('ZADD', p .. 'ix:s:' .. outcome, at, id)
  redis.call('HSET', p .. 'ev:' .. id, 'outcome', outcome)
  for other in pairs(GRAVITY) do
    if other ~= outcome then redis.call('ZREM', p .. 'ix:s:' .. other, id) end
  end
end

-- Brings state and indexes of a routed event up to date with its tickets.
local function settle(p, id)
  local record = p .. 'ev:' .. id
  local at = redis.call('HGET', record, 'score')
  local open = redis.call('SCARD', p .. 'op:' .. id) > 0
  index_outcome(p, id, at, outcome_of(p, id))
  if not open then redis.call('ZREM', p .. 'ix:open', id) end
  redis.call('HSET', record, 'state', open and 'working' or 'finished')
end
