-- Puts an order on record that OKX has and the journal does not know: it was lost here.
--
-- KEYS: 1 journal row, 2 audit stream.
-- ARGV: 1 nonce, 2 server, 3 client order id, 4 length of the audit stream, 5 retention in ms, then field
-- and value pairs of the row.
-- Answers {nonce, row as it stands then}.

if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('HSET', KEYS[1], unpack(ARGV, 6))
  redis.call('PEXPIRE', KEYS[1], ARGV[5])
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', 'event', 'adopted', 'client_order_id', ARGV[3])
end
return { ARGV[1], redis.call('HGETALL', KEYS[1]) }
