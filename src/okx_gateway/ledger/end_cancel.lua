-- Forgets a kept cancel that was carried out or has become needless.
--
-- KEYS: 1 journal row, 2 open rows. ARGV: 1 nonce, 2 server, 3 client order id. Answers {nonce}.

redis.call('HDEL', KEYS[1], 'cancel')
if redis.call('HGET', KEYS[1], 'state') ~= 'sending' then
  redis.call('ZREM', KEYS[2], ARGV[3])
end
return { ARGV[1] }
