-- Lets the next amend of an order in, now that what became of this one is known.
--
-- KEYS: 1 amend under way. ARGV: 1 nonce, 2 server, 3 fence. Answers {nonce, 1 where it was under way
-- until now, so that no other one was let in since, or else 0}.

local held = redis.call('GET', KEYS[1]) == ARGV[3]
if held then
  redis.call('DEL', KEYS[1])
end
return { ARGV[1], held and 1 or 0 }
