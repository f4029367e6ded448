-- Tells what is used of every window, and by whom.
--
-- KEYS: 1 epoch, 2 tally. The logs share their hash tag.
-- ARGV: 1 nonce, 2 server, 3 whether the ledger is new, 4 what the key of a log begins with.
-- Answers {nonce, begin of the epoch in us, since when windows can be trusted in us, now in us, {tally},
-- {frozen window, until in us, ...}, {{window, caller, used, waiting}, ...}}; the first two are 0 where
-- nothing can be missing.

local clock = read_clock()
local tally = redis.call('HGETALL', KEYS[2])
local frozen = {}
local epoch = redis.call('HGETALL', KEYS[1])
for index = 1, #epoch, 2 do
  local name = string.match(epoch[index], '^frozen:(.*)$')
  if name and tonumber(epoch[index + 1]) > clock.now then
    frozen[#frozen + 1] = name
    frozen[#frozen + 1] = epoch[index + 1]
  end
end
local uses = {}
local function count_log(key, name, width)
  local used, waiting, order = {}, {}, {}
  local spends = redis.call('ZRANGEBYSCORE', key, '(' .. whole(clock.now - width), '+inf', 'WITHSCORES')
  for index = 1, #spends, 2 do
    local caller = string.match(spends[index], '^([^:]*):')
    if not used[caller] then
      used[caller], waiting[caller] = 0, 0
      order[#order + 1] = caller
    end
    local into = tonumber(spends[index + 1]) > clock.now and waiting or used
    into[caller] = into[caller] + 1
  end
  for _, caller in ipairs(order) do
    uses[#uses + 1] = { name, caller, used[caller], waiting[caller] }
  end
end
local seen = {}
for index = 1, #tally, 2 do
  local name, caller, what = string.match(tally[index], '^(.*)|(.*)|(.*)$')
  if what == 'width_us' then
    local width = tonumber(tally[index + 1])
    if not seen[name] then
      seen[name] = true
      count_log(ARGV[4] .. name, name, width)
    end
    count_log(ARGV[4] .. name .. '#' .. caller, name, width)
  end
end
return { ARGV[1], whole(clock.since), whole(clock.steady), whole(clock.now), tally, frozen, uses }
