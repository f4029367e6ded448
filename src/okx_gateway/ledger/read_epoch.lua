-- Tells when the present epoch began.
--
-- KEYS: 1 epoch. ARGV: 1 nonce, 2 server, 3 whether the ledger is new.
-- Answers {nonce, begin in us, now in us}.

local clock = read_clock()
return { ARGV[1], whole(clock.since), whole(clock.now) }
