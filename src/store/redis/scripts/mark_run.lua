-- Notes the server's run that a partition was looked through under. A script, so that a full Redis takes it too.
-- KEYS[1] the job partition   ARGV run
redis.call('SET', KEYS[1] .. 'run', ARGV[1])
return 0
