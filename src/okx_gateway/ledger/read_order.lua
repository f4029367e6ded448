-- Reads a journal row; one that waits for an outcome can be held, so that nobody takes it over.
--
-- KEYS: 1 epoch, 2 journal row, 3 open rows.
-- ARGV: 1 nonce, 2 server, 3 whether the ledger is new, 4 client order id, 5 us to hold the row, or 0,
-- 6 silence in us (how long in a new epoch a row may be missing of an order that OKX does not show yet).
-- Answers {nonce, row} or, of a missing row that may be lost, {nonce, 'recovering', us left}.

local row = redis.call('HGETALL', KEYS[2])
if #row == 0 then
  local clock = read_clock()
  local silent = clock.since + tonumber(ARGV[6]) - clock.now
  if clock.since > 0 and silent > 0 then
    return { ARGV[1], 'recovering', whole(silent) }
  end
elseif ARGV[5] ~= '0' and redis.call('HGET', KEYS[2], 'state') == 'sending' then
  redis.call('ZADD', KEYS[3], whole(read_clock().now + tonumber(ARGV[5])), ARGV[4])
end
return { ARGV[1], row }
