-- Renews or takes the right to fan out a partition, and reads the first events that wait.
-- KEYS[1] the event partition
-- ARGV    worker, how many, ms ahead, lease in ms, how many bytes
-- Answers {fence, {id, generation, replayed, only, projects, event}…}, or nothing to who is not the holder.
local p, worker = KEYS[1], ARGV[1]
if redis.call('LLEN', p .. 'in') == 0 then return {} end
local now = now_ms(ARGV[3])
local holder = redis.call('HMGET', p .. 'router', 'worker', 'until', 'fence')
if holder[1] and holder[1] ~= worker and tonumber(holder[2] or 0) > now then return {} end
local fence = tonumber(holder[3] or 0)
if holder[1] ~= worker then fence = next_fence(fence, now) end
redis.call('HSET', p .. 'router', 'worker', worker, 'fence', fence, 'until', now + ARGV[4])

local items, seen, bytes = {tostring(fence)}, {}, 0
for i, id in ipairs(redis.call('LRANGE', p .. 'in', 0, ARGV[2] - 1)) do
  local e = redis.call('HMGET', p .. 'ev:' .. id, 'state', 'generation', 'replayed', 'only', 'projects')
  if e[1] ~= 'waiting' then
    -- Half an ingest or half a replay that nobody was told of, or routed already.
    redis.call('LREM', p .. 'in', 1, id)
  elseif not seen[id] then
    seen[id] = true
    local event = redis.call('GET', p .. 'no:' .. id)
    items[#items + 1] = {id, e[2], e[3] or '', e[4] or '', e[5] or '', event or ''}
    bytes = bytes + #(event or '')
    if bytes >= tonumber(ARGV[5]) then break end
  end
end
return items
