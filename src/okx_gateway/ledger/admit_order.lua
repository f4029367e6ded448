-- Decides in one step whether an order may be sent: is its id known, and is there room for it?
-- What is granted is on record as being sent before the caller of this script knows of it.
--
-- KEYS: 1 epoch, 2 journal row, 3 open rows, 4 audit stream, 5 tally, then the logs of the routes.
-- ARGV: 1 nonce, 2 server, 3 whether the ledger is new, 4 caller, 5 client order id, 6 order as JSON,
-- 7 seal, 8 OKX's time in ms, 9 validity in ms (how long after its slot OKX may still take the order),
-- 10 ms left to the deadline, 11 least validity in ms, 12 retention of the row in ms, 13 length of the
-- audit stream, 14 fence of a grant that its holder gives up, OKX having done nothing, or empty,
-- 15 silence in us (how long in a new epoch nothing is sent), 16 how long in a new epoch, in us, unknown
-- ids have to be looked up first, 17 whether this one was, 18 how long after the expiry, in us, others
-- may take the row over, 19 whether only to count, 20 whether to go by the first route alone, 21 whether
-- OKX has counted what was written under the grant that is given up, then the routes.
-- Answers {nonce, 'known', row}, {nonce, 'recovering', us until orders are sent again},
-- {nonce, 'look_first'}, {nonce, 'denied', name of the full window, wait in us that would have been
-- needed at least} or {nonce, 'granted', wait in us, expiry in ms of OKX's clock, index of the route
-- from 0, now in us}.

local row = redis.call('HGETALL', KEYS[2])
if #row > 0 then
  local held = redis.call('HMGET', KEYS[2], 'state', 'nonce')
  if held[1] ~= 'sending' or held[2] ~= ARGV[14] then
    return { ARGV[1], 'known', row }
  end
end

local clock = read_clock()
local silent = clock.since + tonumber(ARGV[15]) - clock.now
if clock.since > 0 and silent > 0 then
  return { ARGV[1], 'recovering', whole(silent) }
end
if clock.since > 0 and ARGV[17] ~= '1' and clock.now < clock.since + tonumber(ARGV[16]) then
  return { ARGV[1], 'look_first' }
end

local routes = read_routes(clock, 6, 22)
if ARGV[14] ~= '' and ARGV[21] ~= '1' then
  give_back(routes, ARGV[4], ARGV[14], KEYS[5])
end
local latest = clock.now + (tonumber(ARGV[10]) - tonumber(ARGV[11])) * 1000
if ARGV[20] == '1' then
  routes = { routes[1] }
end
local chosen, slot, full = choose_route(routes, clock.now, latest, ARGV[19])
if slot > latest then
  local window = routes[1][full]
  count(KEYS[5], window, ARGV[4], 'refused')
  return { ARGV[1], 'denied', window.name, whole(slot - clock.now) }
end
spend(routes[chosen], clock.now, slot, ARGV[4], KEYS[5])

-- Fixed with the grant and never extended: a process that was paused sends an order that OKX drops.
local wait_us = slot - clock.now
local allowed_ms = math.min(math.ceil(wait_us / 1000) + tonumber(ARGV[9]), tonumber(ARGV[10]))
local expiry_ms = whole(tonumber(ARGV[8]) + allowed_ms)
redis.call('HSET', KEYS[2], 'state', 'sending', 'caller', ARGV[4], 'order', ARGV[6], 'seal', ARGV[7],
  'sent_ms', ARGV[8], 'remaining_ms', ARGV[10], 'expiry_ms', expiry_ms, 'nonce', ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[12])
redis.call('ZADD', KEYS[3], whole(clock.now + allowed_ms * 1000 + tonumber(ARGV[18])), ARGV[5])
redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[13], '*', 'event', 'sending', 'caller', ARGV[4],
  'order', ARGV[6], 'expiry_ms', expiry_ms)
return { ARGV[1], 'granted', whole(wait_us), expiry_ms, chosen - 1, whole(clock.now) }
