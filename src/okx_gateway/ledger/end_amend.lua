-- Lets the next amend of an order in, now that what became of this one is known.
--
-- KEYS: 1 amend under way. ARGV: 1 nonce, 2 server, 3 fence. Answers {nonce}.

if redis.call('GET', KEYS[1]) == ARGV[3] then
  redis.call('DEL', KEYS[1])
end
return { ARGV[1] }
