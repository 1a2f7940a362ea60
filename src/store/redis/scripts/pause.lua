-- Pauses a site. Of two of one kind the first reason stays, and the later end counts. A script of its own, so
-- that a full Redis can still be told to stop.
-- KEYS[1] the job partition
-- ARGV    kind and site, why, rest in ms ('' until resumed by hand), ms ahead
-- A pause reads: since, until ('-' for none), probes, why.
local paused, now = KEYS[1] .. 'paused', now_ms(ARGV[4])
local until_ms = ARGV[3] ~= '' and now + ARGV[3] or '-'
local standing = redis.call('HGET', paused, ARGV[1])
local since, probes, why = now, 0, ARGV[2]
if standing then
  local old
  since, old, probes, why = string.match(standing, '^(%d+) (%S+) (%d+) (.*)$')
  if old == '-' or until_ms == '-' then until_ms = '-' else until_ms = math.max(tonumber(old), until_ms) end
end
redis.call('HSET', paused, ARGV[1], since .. ' ' .. until_ms .. ' ' .. probes .. ' ' .. why)
return 0
