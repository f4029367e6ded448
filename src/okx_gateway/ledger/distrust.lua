-- Counts a window, or all of them, as full from now on for its width: OKX or the clock has shown that the
-- record of what was spent is wrong.
--
-- KEYS: 1 epoch. ARGV: 1 nonce, 2 server, 3 whether the ledger is new, 4 name of the window or empty for
-- all, 5 width in us. Answers {nonce, until when in us}.

local now = read_clock().now
if ARGV[4] == '' then
  redis.call('HSET', KEYS[1], 'steady_us', whole(now))
else
  redis.call('HSET', KEYS[1], 'frozen:' .. ARGV[4], whole(now + tonumber(ARGV[5])))
end
return { ARGV[1], whole(now + tonumber(ARGV[5])) }
