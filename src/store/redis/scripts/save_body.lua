-- Keeps the first raw body of an event, if there is one: a redelivery brings the same.
-- KEYS[1] the event partition   ARGV id, body
if redis.call('EXISTS', KEYS[1] .. 'ev:' .. ARGV[1]) == 1 then
  redis.call('SETNX', KEYS[1] .. 'bd:' .. ARGV[1], ARGV[2])
end
return 0
