-- Spends from all windows or from none.
--
-- KEYS: the windows.
-- ARGV: nonce, longest wait in us, then (capacity, width in us, cost) per window.
-- Answers {nonce, 'granted', wait in us} or {nonce, 'denied', index of the full window from 0,
-- wait in us that would have been needed at least}.

local now = now_us()
local windows = read_windows(1, 3)
local latest = now + tonumber(ARGV[2])
local slot, full = find_slot(windows, now, latest)
if slot > latest then
  return {ARGV[1], 'denied', full - 1, whole(slot - now)}
end
spend(windows, now, slot, ARGV[1])
return {ARGV[1], 'granted', whole(slot - now)}
