-- Puts a value in the place of the one that a setting had. Done twice, it is done once.
-- KEYS[1] all settings   ARGV name, from, to
local standing = redis.call('HGET', KEYS[1], ARGV[1])
if standing == ARGV[3] then return 1 end
if standing ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
