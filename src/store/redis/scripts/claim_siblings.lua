-- Leases the heads of those of an event's tickets that are ready. They take no turns.
-- KEYS[1] the job partition
-- ARGV    worker, lease in ms, how many, ms ahead, site, then ticket and job of each
-- Answers what `lease` does of each.
local p, worker, most, site = KEYS[1], ARGV[1], tonumber(ARGV[3]), ARGV[5]
local now = now_ms(ARGV[4])
for i, pause in ipairs(redis.call('HKEYS', p .. 'paused')) do
  if string.match(pause, '^%S+ (.*)$') == site then return {} end
end
local claims = {}
for i = 6, #ARGV, 2 do
  local ticket = ARGV[i]
  if #claims < most and not is_leased(p, ticket) and not is_delayed(p, ticket) then
    local job = head(p, ticket)
    if job and job.id == ARGV[i + 1] then claims[#claims + 1] = lease(p, ticket, job, worker, now, ARGV[2]) end
  end
end
return claims
