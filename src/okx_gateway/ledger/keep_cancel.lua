-- Keeps a cancel of an order whose placing is in doubt, to be sent once the order is found.
--
-- KEYS: 1 journal row. ARGV: 1 nonce, 2 server, 3 fence, 4 seal.
-- Answers {nonce, 'kept'} or {nonce, 'late'} where no row of that grant waits for an outcome.

local held = redis.call('HMGET', KEYS[1], 'state', 'nonce')
if held[1] ~= 'sending' or held[2] ~= ARGV[3] then
  return { ARGV[1], 'late' }
end
redis.call('HSET', KEYS[1], 'cancel', ARGV[4])
return { ARGV[1], 'kept' }
