-- Spends from all windows of a route or from none.
--
-- KEYS: 1 epoch, 2 tally, then the logs of the route.
-- ARGV: 1 nonce, 2 server, 3 whether the ledger is new, 4 caller, 5 longest wait in us, 6 whether only
-- to count, 7 nonce of an earlier grant that is given up, nothing having been written, or empty, then the
-- route.
-- Answers {nonce, 'granted', wait in us, now in us} or {nonce, 'denied', name
-- of the full window, wait in us that would have been needed at least}.

local clock = read_clock()
local routes = read_routes(clock, 3, 8)
if ARGV[7] ~= '' then
  give_back(routes, ARGV[4], ARGV[7], KEYS[2])
end
local latest = clock.now + tonumber(ARGV[5])
local chosen, slot, full = choose_route(routes, clock.now, latest, ARGV[6])
if slot > latest then
  local window = routes[1][full]
  count(KEYS[2], window, ARGV[4], 'refused')
  return { ARGV[1], 'denied', window.name, whole(slot - clock.now) }
end
spend(routes[chosen], clock.now, slot, ARGV[4], KEYS[2])
return { ARGV[1], 'granted', whole(slot - clock.now), whole(clock.now) }
