-- Decides in one step whether an order may be sent: is its id known, and is there room for it?
-- What is granted is on record as being sent before the caller of this script knows of it.
--
-- KEYS: journal row, audit stream, then the windows.
-- ARGV: 1 nonce, 2 caller, 3 order as JSON, 4 OKX's time in ms, 5 validity in ms (how long after its
-- slot OKX may still take the order), 6 ms left to the deadline, 7 least validity in ms,
-- 8 retention of the row in ms, 9 length of the audit stream, then (capacity, width in us, cost) per
-- window.
-- Answers {nonce, 'known', row}, {nonce, 'granted', wait in us, expiry in ms of OKX's clock} or
-- {nonce, 'denied', index of the full window from 0, wait in us that would have been needed at least}.

local row = redis.call('HGETALL', KEYS[1])
if #row > 0 then
  return {ARGV[1], 'known', row}
end

local now = now_us()
local windows = read_windows(3, 10)
local latest = now + (tonumber(ARGV[6]) - tonumber(ARGV[7])) * 1000
local slot, full = find_slot(windows, now, latest)
if slot > latest then
  return {ARGV[1], 'denied', full - 1, whole(slot - now)}
end
spend(windows, now, slot, ARGV[1])

-- Fixed here once and never extended: a process that was paused sends an order that OKX drops.
local wait_ms = math.ceil((slot - now) / 1000)
local allowed_ms = math.min(wait_ms + tonumber(ARGV[5]), tonumber(ARGV[6]))
local expiry_ms = whole(tonumber(ARGV[4]) + allowed_ms)
redis.call('HSET', KEYS[1], 'state', 'sending', 'caller', ARGV[2], 'order', ARGV[3],
  'sent_ms', ARGV[4], 'expiry_ms', expiry_ms, 'nonce', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[8])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[9], '*', 'event', 'sending', 'caller', ARGV[2],
  'order', ARGV[3], 'expiry_ms', expiry_ms)
return {ARGV[1], 'granted', whole(slot - now), expiry_ms}
