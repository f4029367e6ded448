-- Lets a replica count itself among so many: it holds one of the slots for a lease.
--
-- KEYS: 1 epoch, 2 slots, a hash of 'replica until in us' by number.
-- ARGV: 1 nonce, 2 server, 3 whether the ledger is new, 4 replica, 5 slot that it says it holds or -1,
-- 6 number of slots, 7 lease in us, 0 to end it, 8 gap in us for which a slot stays unused after its lease,
-- 9 longest lease in us, 10 silence in us after which the clock is doubted.
-- Answers {nonce, slot} or {nonce, -1} where none is free.

local heard = tonumber(redis.call('HGET', KEYS[1], 'last_us') or 0)
local clock = read_clock()
local lease, gap, longest, silence = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
if heard > 0 and clock.now > heard + silence then
  clock.steady = clock.now
  redis.call('HSET', KEYS[1], 'steady_us', whole(clock.now))
end

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
  -- The clock may have leapt by up to the silence without a sign of it.
  local is_free = not holder or tonumber(until_us) + gap + silence < clock.now
  if is_free and slot == tonumber(ARGV[5]) then
    return take(slot)
  end
  if is_free and free < 0 then
    free = slot
  end
end
-- Leases of before then may be missing here, or seem to have ended, and still be used.
if free < 0 or lease == 0 or (clock.steady > 0 and clock.now < clock.steady + longest + gap) then
  return { ARGV[1], -1 }
end
return take(free)
