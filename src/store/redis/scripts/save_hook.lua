-- Saves a hook over the revision it was read at.
-- KEYS[1] all hooks   ARGV name, revision, hook
local standing = redis.call('HGET', KEYS[1], ARGV[1])
if not standing or cjson.decode(standing).revision ~= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
