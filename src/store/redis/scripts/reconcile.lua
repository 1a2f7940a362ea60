-- Puts tickets with work that stand nowhere into their ready lists. Answers which.
-- KEYS[1] the job partition   ARGV tickets
local p, mended = KEYS[1], {}
for i, ticket in ipairs(ARGV) do
  local job = head(p, ticket)
  if job and not is_leased(p, ticket) and not is_delayed(p, ticket) then
    local rotation, list = p .. 'rota:' .. job.site, p .. 'ready:' .. job.site .. '/' .. job.project
    local in_turn = redis.call('ZSCORE', p .. 'rota', job.site) and redis.call('ZSCORE', rotation, job.project)
    if not in_turn or not redis.call('LPOS', list, ticket) then
      make_ready(p, ticket, job.site, job.project, 'RPUSH')
      mended[#mended + 1] = ticket
    end
  end
end
if #mended > 0 then wake(p, #mended) end
return mended
