-- Saves a hook over the revision it was read at. The time of registration counts too: a hook that was removed
-- and registered anew must not get its predecessor's secrets back.
-- KEYS[1] all hooks   ARGV name, revision, hook
local standing = redis.call('HGET', KEYS[1], ARGV[1])
if not standing then return 0 end
local old, new = cjson.decode(standing), cjson.decode(ARGV[3])
if old.revision ~= tonumber(ARGV[2]) or old.created_at ~= new.created_at then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
