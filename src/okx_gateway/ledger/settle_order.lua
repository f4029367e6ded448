-- Puts the final outcome of an order on record, once: a settled row never changes.
--
-- KEYS: journal row, audit stream.
-- ARGV: 1 nonce, 2 client order id, 3 length of the audit stream, 4 retention in ms, 5 'unsent' or a
-- final state, then field and value pairs of the outcome.
-- Answers {nonce, 'settled'}, or {nonce, 'kept', row} where there is no row that waits for an outcome.

if redis.call('HGET', KEYS[1], 'state') ~= 'sending' then
  return {ARGV[1], 'kept', redis.call('HGETALL', KEYS[1])}
end
if ARGV[5] == 'unsent' then
  redis.call('DEL', KEYS[1])
else
  redis.call('HSET', KEYS[1], 'state', unpack(ARGV, 5))
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'event', ARGV[5], 'client_order_id', ARGV[2],
  unpack(ARGV, 6))
return {ARGV[1], 'settled'}
