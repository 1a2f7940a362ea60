-- Takes the right to ask a paused site whether it is over: one at a time, over all workers.
-- KEYS[1] the first job partition
-- ARGV    kind and site, rest in ms, ms ahead
local paused, now = KEYS[1] .. 'paused', now_ms(ARGV[3])
local standing = redis.call('HGET', paused, ARGV[1])
if not standing then return 0 end
local since, until_ms, probes, why = string.match(standing, '^(%d+) (%d+) (%d+) (.*)$')
if not until_ms or tonumber(until_ms) > now then return 0 end
redis.call('HSET', paused, ARGV[1], since .. ' ' .. (now + ARGV[2]) .. ' ' .. (probes + 1) .. ' ' .. why)
return 1
