-- Adds or replaces a token. A revoked one stays revoked, whoever saves it again and however late.
-- KEYS[1] all tokens   ARGV hash, token
local standing = redis.call('HGET', KEYS[1], ARGV[1])
local revoked = standing and cjson.decode(standing).revoked_at
local token = cjson.decode(ARGV[2])
if type(revoked) == 'string' then
  token.revoked_at = revoked
  redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(token))
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
return 1
