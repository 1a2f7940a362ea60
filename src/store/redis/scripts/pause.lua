-- Pauses a site, the first reason stays. A script of its own, so that a full Redis can still be told to stop.
-- KEYS[1] the job partition   ARGV site, reason
redis.call('HSETNX', KEYS[1] .. 'paused', ARGV[1], ARGV[2])
return redis.call('HGET', KEYS[1] .. 'paused', ARGV[1])
