-- Puts the final outcome of an order on record, once: a settled row never changes.
--
-- KEYS: 1 journal row, 2 open rows, 3 audit stream, then the logs that the grant may have spent from.
-- ARGV: 1 nonce, 2 server, 3 fence (nonce of the grant that the outcome is of), 4 client order id,
-- 5 length of the audit stream, 6 retention in ms, 7 spend that is moved in the logs, 8 to when in us:
-- when OKX has counted the request, less what the windows are widened by, 9 'unsent' or a final state, then
-- field and value pairs of the outcome.
-- Answers {nonce, 'settled', whether a cancel waits for the order} or {nonce, 'kept', row} where there is
-- no row of that grant that waits for an outcome.

for index = 4, #KEYS do
  redis.call('ZADD', KEYS[index], 'XX', ARGV[8], ARGV[7])
end
local held = redis.call('HMGET', KEYS[1], 'state', 'nonce', 'cancel')
if held[1] ~= 'sending' or held[2] ~= ARGV[3] then
  return { ARGV[1], 'kept', redis.call('HGETALL', KEYS[1]) }
end
local cancel = held[3] and ARGV[9] == 'placed'
if ARGV[9] == 'unsent' then
  redis.call('DEL', KEYS[1])
else
  redis.call('HSET', KEYS[1], 'state', unpack(ARGV, 9))
  redis.call('PEXPIRE', KEYS[1], ARGV[6])
end
if not cancel then
  redis.call('ZREM', KEYS[2], ARGV[4])
end
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[5], '*', 'event', ARGV[9], 'client_order_id', ARGV[4],
  unpack(ARGV, 10))
return { ARGV[1], 'settled', cancel and '1' or '0' }
