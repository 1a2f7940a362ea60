-- Revokes all tokens of a name. An administrator's goes only while another one lasts; to ask twice does no harm.
-- The same as `token::revoked`, which has the words for it.
-- KEYS[1] all tokens   ARGV name, time
local function has(value)
  return type(value) == 'string'
end

local leaving, asked_twice, admin_leaves, admin_stays = {}, false, false, false
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local token = cjson.decode(all[i + 1])
  if token.name == ARGV[1] then
    if not has(token.revoked_at) then
      leaving[all[i]] = token
      admin_leaves = admin_leaves or token.role == 'admin'
    elseif token.revoked_at == ARGV[2] then
      asked_twice = true
    end
  elseif token.role == 'admin' and not has(token.revoked_at) and not has(token.expires_at) then
    admin_stays = true
  end
end
if next(leaving) == nil and not asked_twice then
  return 'not_found'
end
if admin_leaves and not admin_stays then
  return 'last_admin'
end
for hash, token in pairs(leaving) do
  token.revoked_at = ARGV[2]
  redis.call('HSET', KEYS[1], hash, cjson.encode(token))
end
return 'revoked'
