-- Says that somebody is at work on this store.
-- KEYS[1] the sign   ARGV for how many seconds
redis.call('SET', KEYS[1], '1', 'EX', ARGV[1])
return 0
