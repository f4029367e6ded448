-- Decides in one step whether an order may be amended: is another amend under way, and is there room?
--
-- KEYS: 1 epoch, 2 amend under way, 3 audit stream, 4 tally, then the logs of the route.
-- ARGV: 1 nonce, 2 server, 3 whether the ledger is new, 4 caller, 5 OKX's id of the order, 6 OKX's time in
-- ms, 7 validity in ms, 8 ms left to the deadline, 9 least validity in ms, 10 hold in ms (how long after
-- its expiry no other amend is let in), 11 length of the audit stream, 12 whether only to count,
-- 13 silence in us (how long in a new epoch nothing is sent), 14 fence of a grant for this amend that its
-- holder gives up, OKX having done nothing, or empty, 15 whether OKX has counted what was written under that,
-- then the route.
-- Answers {nonce, 'busy', ms until another is let in}, {nonce, 'silent', ms until any is}, {nonce, 'denied',
-- name of the full window, wait in us} or {nonce, 'granted', wait in us, expiry in ms of OKX's clock, now in us}.

local under_way = redis.call('GET', KEYS[2])
if under_way and under_way ~= ARGV[14] then
  return { ARGV[1], 'busy', redis.call('PTTL', KEYS[2]) }
end
local clock = read_clock()
local silent = clock.since + tonumber(ARGV[13]) - clock.now
if clock.since > 0 and silent > 0 then
  -- An amend under way may have been lost from this record.
  return { ARGV[1], 'silent', math.ceil(silent / 1000) }
end
local routes = read_routes(clock, 5, 16)
if ARGV[14] ~= '' and ARGV[15] ~= '1' then
  give_back(routes, ARGV[4], ARGV[14], KEYS[4])
end
local latest = clock.now + (tonumber(ARGV[8]) - tonumber(ARGV[9])) * 1000
local chosen, slot, full = choose_route(routes, clock.now, latest, ARGV[12])
if slot > latest then
  local window = routes[1][full]
  count(KEYS[4], window, ARGV[4], 'refused')
  return { ARGV[1], 'denied', window.name, whole(slot - clock.now) }
end
spend(routes[chosen], clock.now, slot, ARGV[4], KEYS[4])
local wait_us = slot - clock.now
local allowed_ms = math.min(math.ceil(wait_us / 1000) + tonumber(ARGV[7]), tonumber(ARGV[8]))
redis.call('SET', KEYS[2], ARGV[1], 'PX', whole(allowed_ms + tonumber(ARGV[10])))
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[11], '*', 'event', 'amending', 'caller', ARGV[4],
  'exchange_order_id', ARGV[5])
return { ARGV[1], 'granted', whole(wait_us), whole(tonumber(ARGV[6]) + allowed_ms), whole(clock.now) }
