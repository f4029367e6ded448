-- Room in sliding windows. Put in front of every script that spends.
--
-- Times are microseconds of this server's clock. A window is a sorted set of spends scored by the
-- time they take effect, which may lie ahead: a request that has to wait is given its slot at once.
-- At most `capacity` spends lie in any half-open stretch of `width`; two spends exactly `width`
-- apart are not in one stretch.

local function whole(number)
  return string.format('%.0f', number)
end

local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

-- The earliest time, `at` or later, that may have room for `cost` more spends. It has room where it
-- equals `at`; otherwise ask again with it.
local function room_at(window, at)
  local others_max = window.capacity - window.cost
  local before = redis.call('ZCOUNT', window.key, '-inf', whole(at))
  if before > others_max then
    local last = before - others_max - 1
    local spend = redis.call('ZRANGE', window.key, last, last, 'WITHSCORES')
    local free = tonumber(spend[2]) + window.width
    if free > at then
      return free
    end
  end
  -- A slot already given ahead of `at` must keep its stretch within capacity too.
  local ahead = redis.call('ZRANGEBYSCORE', window.key, '(' .. whole(at),
    '(' .. whole(at + window.width), 'WITHSCORES')
  for index = #ahead, 2, -2 do
    local slot = tonumber(ahead[index])
    local stretch = redis.call('ZCOUNT', window.key, '(' .. whole(slot - window.width), whole(slot))
    if stretch > others_max then
      return slot
    end
  end
  return at
end

-- The earliest slot from `now` on at which every window has room, and the index of the window that
-- was last in the way; no slot where none is found within `latest`.
local function find_slot(windows, now, latest)
  local at, full = now, 1
  local moved = true
  while moved and at <= latest do
    moved = false
    for index, window in ipairs(windows) do
      local free = room_at(window, at)
      if free > at then
        at, full, moved = free, index, true
      end
    end
  end
  return at, full
end

local function spend(windows, now, slot, nonce)
  for _, window in ipairs(windows) do
    redis.call('ZREMRANGEBYSCORE', window.key, '-inf', whole(now - window.width))
    for unit = 1, window.cost do
      redis.call('ZADD', window.key, whole(slot), nonce .. ':' .. unit)
    end
    redis.call('PEXPIRE', window.key, whole(math.ceil((slot - now + window.width) / 1000) + 1000))
  end
end

-- Windows from KEYS[first_key] on and from triples (capacity, width in us, cost) in ARGV[first] on.
local function read_windows(first_key, first)
  local windows = {}
  for index = first_key, #KEYS do
    windows[#windows + 1] = {
      key = KEYS[index],
      capacity = tonumber(ARGV[first]),
      width = tonumber(ARGV[first + 1]),
      cost = tonumber(ARGV[first + 2]),
    }
    first = first + 3
  end
  return windows
end
