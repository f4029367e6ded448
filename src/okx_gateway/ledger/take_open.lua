-- Takes over rows that nobody has brought to their end: each for a lease, after which it is free again.
--
-- KEYS: 1 epoch, 2 open rows. The rows themselves share their hash tag.
-- ARGV: 1 nonce, 2 server, 3 whether the ledger is new, 4 what the key of a row begins with, 5 lease in us,
-- 6 most rows to take.
-- Answers {nonce, 'taken', when the epoch began in us or 0, number of open rows, us since the oldest was due
-- or 0, {{client order id, row}, ...}, now in us}.

local clock = read_clock()
local now = clock.now
local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', whole(now), 'WITHSCORES', 'LIMIT', 0, ARGV[6])
local late = 0
if due[2] then
  late = now - tonumber(due[2])
end
local taken = {}
for index = 1, #due, 2 do
  local row = redis.call('HGETALL', ARGV[4] .. due[index])
  if #row == 0 then
    redis.call('ZREM', KEYS[2], due[index])
  else
    redis.call('ZADD', KEYS[2], whole(now + tonumber(ARGV[5])), due[index])
    taken[#taken + 1] = { due[index], row }
  end
end
return { ARGV[1], 'taken', whole(clock.since), redis.call('ZCARD', KEYS[2]), whole(late), taken,
  whole(now) }
