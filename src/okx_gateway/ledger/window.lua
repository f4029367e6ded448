-- Room in sliding windows. Put behind clock.lua in front of every script that spends.
--
-- A window is split into logs: a pool for everybody and, where the caller has them, a share of its own
-- and a cap on what it may take of the pool. A log is a sorted set of spends scored by the time they
-- take effect, which may lie ahead: a request that has to wait is given its slot at once. At most
-- `capacity` spends of a log lie in any half-open stretch of `width`; two spends exactly `width` apart
-- are not in one stretch. The capacities of pool and shares add up to what OKX allows at most.

-- Later than anything: a log that is too small for the cost never has room.
local NEVER = 2 ^ 53

-- For so long after the windows were lost slots may be used that were given before, in us:
-- `UNCHECKED_WAIT_S` of grant.py.
local UNCHECKED = 250000

-- The earliest time, `at` or later, that may have room for `cost` more spends in a log. It has room
-- where it equals `at`; otherwise ask again with it.
local function log_room(log, cost, at)
  local others_max = log.capacity - cost
  if others_max < 0 then
    return NEVER
  end
  if at < log.free_from then
    return log.free_from
  end
  -- A slot already given ahead of `at` must keep its stretch within capacity too. The last before
  -- `at + width` is looked at first: where many wait, that leaps over a whole width of them.
  local function is_full_at(slot)
    return redis.call('ZCOUNT', log.key, '(' .. whole(slot - log.width), whole(slot)) > others_max
  end
  local function score_at(rank)
    return tonumber(redis.call('ZRANGE', log.key, rank, rank, 'WITHSCORES')[2])
  end
  local within = redis.call('ZCOUNT', log.key, '-inf', '(' .. whole(at + log.width))
  local last = within > 0 and score_at(within - 1) or at
  if last > at and is_full_at(last) then
    return last
  end
  local before = redis.call('ZCOUNT', log.key, '-inf', whole(at))
  if before > others_max then
    local free = score_at(before - others_max - 1) + log.width
    if free > at then
      return free
    end
  end
  local ahead = redis.call('ZRANGEBYSCORE', log.key, '(' .. whole(at), '(' .. whole(at + log.width),
    'WITHSCORES')
  for index = #ahead - 2, 2, -2 do
    local slot = tonumber(ahead[index])
    if is_full_at(slot) then
      return slot
    end
  end
  return at
end

-- As log_room, for the pool of a window and the caller's cap on it together.
local function pool_room(window, at)
  local free = log_room(window.pool, window.cost, at)
  if window.cap then
    free = log_room(window.cap, window.cost, free)
  end
  return free
end

-- As log_room, for a window: the caller's own share or the pool, whichever is sooner.
local function window_room(window, at)
  local free = pool_room(window, at)
  if window.share and free > at then
    free = math.min(free, log_room(window.share, window.cost, at))
  end
  return free
end

-- The earliest slot from `now` on at which every window of a route has room, and the index of the
-- window that was last in the way; no slot where none is found within `latest`.
local function find_slot(route, now, latest)
  local at, full = now, 1
  local moved = true
  while moved and at <= latest do
    moved = false
    for index, window in ipairs(route) do
      local free = window_room(window, at)
      if free > at then
        at, full, moved = free, index, true
      end
    end
  end
  return at, full
end

local function add_spends(log, cost, now, slot, member)
  redis.call('ZREMRANGEBYSCORE', log.key, '-inf', whole(now - log.width))
  for unit = 1, cost do
    redis.call('ZADD', log.key, whole(slot), member .. unit)
  end
  redis.call('PEXPIRE', log.key, whole(math.ceil((slot - now + log.width) / 1000) + 1000))
end

-- Counts for people what was granted and refused, to each caller. Callers name themselves: those who
-- come once there are very many are counted as one.
local function count(tally_key, window, caller, what)
  local field = window.name .. '|' .. caller .. '|'
  if redis.call('HINCRBY', tally_key, field .. what, 1) ~= 1 then
    return
  end
  if redis.call('HLEN', tally_key) > 20000 then
    redis.call('HDEL', tally_key, field .. what)
    field = window.name .. '|(others)|'
    redis.call('HINCRBY', tally_key, field .. what, 1)
  end
  redis.call('HSET', tally_key, field .. 'width_us', window.pool.width)
  redis.call('PEXPIRE', tally_key, 604800000)
end

-- Gives back what a grant has spent under which nothing was written.
local function give_back(routes, caller, nonce, tally_key)
  for _, route in ipairs(routes) do
    for _, window in ipairs(route) do
      local given = 0
      for _, log in ipairs({ window.pool, window.share or window.pool, window.cap or window.pool }) do
        for unit = 1, window.cost do
          given = given + redis.call('ZREM', log.key, caller .. ':' .. nonce .. ':' .. unit)
        end
      end
      local granted = window.name .. '|' .. caller .. '|granted'
      if given > 0 and redis.call('HEXISTS', tally_key, granted) == 1 then
        redis.call('HINCRBY', tally_key, granted, -1)
      end
    end
  end
end

-- Spends `route` at `slot`: of each window the caller's own share where that has room, else the pool.
local function spend(route, now, slot, caller, tally_key)
  local member = caller .. ':' .. ARGV[1] .. ':'
  for _, window in ipairs(route) do
    if window.share and log_room(window.share, window.cost, slot) == slot then
      add_spends(window.share, window.cost, now, slot, member)
    else
      add_spends(window.pool, window.cost, now, slot, member)
      if window.cap then
        add_spends(window.cap, window.cost, now, slot, member)
      end
    end
    count(tally_key, window, caller, 'granted')
  end
end

-- The first route that has room now, or else the one that has it soonest: its index, the slot and the
-- index of the window that was in the way. In `shadow` mode everything has room now.
local function choose_route(routes, now, latest, shadow)
  local best, best_slot, best_full = 1, NEVER, 1
  for index, route in ipairs(routes) do
    local slot, full = find_slot(route, now, latest)
    if slot < best_slot then
      best, best_slot, best_full = index, slot, full
    end
    if slot == now then
      break
    end
  end
  if shadow == '1' then
    return 1, now, best_full
  end
  return best, best_slot, best_full
end

-- Routes from KEYS[first_key] and ARGV[first] on: a number of windows for each, then for each of these
-- (capacity of the pool, width in us, cost, capacity of the share or 0, of the cap or -1) with a key
-- for the pool and for each of the other two that is there.
local function read_routes(clock, first_key, first)
  local routes, names, logs = {}, {}, {}
  local key, argument = first_key, first
  local function log(capacity, width, name)
    local made = { key = KEYS[key], capacity = capacity, width = width, free_from = 0, name = name }
    if clock.steady > 0 then
      made.free_from = clock.steady + UNCHECKED + width
    end
    key = key + 1
    logs[#logs + 1] = made
    names[#names + 1] = 'frozen:' .. name
    return made
  end
  while argument <= #ARGV do
    local route = {}
    local windows = tonumber(ARGV[argument])
    argument = argument + 1
    for index = 1, windows do
      local capacity, width, cost, share, cap = tonumber(ARGV[argument]), tonumber(ARGV[argument + 1]),
        tonumber(ARGV[argument + 2]), tonumber(ARGV[argument + 3]), tonumber(ARGV[argument + 4])
      local name = string.match(KEYS[key], ':window:(.*)$')
      local window = { name = name, cost = cost, pool = log(capacity, width, name) }
      if share > 0 then
        window.share = log(share, width, name)
      end
      if cap >= 0 then
        window.cap = log(cap, width, name)
      end
      route[index] = window
      argument = argument + 5
    end
    routes[#routes + 1] = route
  end
  if #logs > 0 then
    local frozen = redis.call('HMGET', KEYS[1], unpack(names))
    for index, made in ipairs(logs) do
      made.free_from = math.max(made.free_from, tonumber(frozen[index] or 0))
    end
  end
  return routes
end
