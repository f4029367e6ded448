-- Reads a journal row. A script, so that its answer carries the nonce like every other.
--
-- KEYS: journal row. ARGV: nonce. Answers {nonce, row}.

return {ARGV[1], redis.call('HGETALL', KEYS[1])}
