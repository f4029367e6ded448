-- Lets a replica count itself among so many: it holds one of the slots for a lease.
--
-- KEYS: 1 epoch, 2 slots, a hash of 'replica until in us' by number.
-- ARGV: 1 nonce, 2 server, 3 whether the ledger is new, 4 replica, 5 slot that it says it holds or -1,
-- 6 number of slots, 7 lease in us, 8 gap in us that a slot stays free after its lease.
-- Answers {nonce, slot} or {nonce, -1} where none is free.

local clock = read_clock()
local lease, gap = tonumber(ARGV[7]), tonumber(ARGV[8])

local function take(slot)
  redis.call('HSET', KEYS[2], slot, ARGV[4] .. ' ' .. whole(clock.now + lease))
  return { ARGV[1], slot }
end

local free = -1
for slot = 0, tonumber(ARGV[6]) - 1 do
  local holder, until_us = string.match(redis.call('HGET', KEYS[2], slot) or '', '^(%S+) (%d+)$')
  if holder == ARGV[4] then
    return take(slot)
  end
  local is_free = not holder or tonumber(until_us) + gap < clock.now
  if is_free and slot == tonumber(ARGV[5]) then
    return take(slot)
  end
  if is_free and free < 0 then
    free = slot
  end
end
-- Leases of before this epoch may be missing here, and still be used.
if free < 0 or (clock.since > 0 and clock.now < clock.since + lease + gap) then
  return { ARGV[1], -1 }
end
return take(free)
