-- What time is it, and since when has this server kept this ledger?  Put in front of scripts that
-- spend or that take over what others left.
--
-- Times are microseconds of the ledger's clock: this server's, held back where that steps back. The
-- epoch is the time since which nothing on record can have been lost: it begins anew when the server
-- is another process than the one that wrote last (restart, failover), or when the record of it is
-- gone (flushed). What was spent or sent before may then be missing here.
--
-- KEYS[1]: epoch, a hash. ARGV[2]: run id of this server. ARGV[3]: '1' where the operator says that no
-- ledger was ever kept here.

local function whole(number)
  return string.format('%.0f', number)
end

-- {now, since, steady}: `since` is when the epoch began, `steady` since when windows can be trusted;
-- both are 0 where nothing can be missing.
local function read_clock()
  local time = redis.call('TIME')
  local known = redis.call('HMGET', KEYS[1], 'server', 'since_us', 'steady_us', 'last_us', 'ahead_us')
  local ahead = tonumber(known[5] or 0)
  local now = time[1] * 1000000 + time[2] + ahead
  local behind = tonumber(known[4] or 0) - now
  if behind > 0 then
    -- Spends on record would seem to lie ahead, and leave room for as many again.
    redis.call('HSET', KEYS[1], 'ahead_us', whole(ahead + behind))
    now = now + behind
  end
  if known[1] == ARGV[2] then
    redis.call('HSET', KEYS[1], 'last_us', whole(now))
    return { now = now, since = tonumber(known[2]), steady = tonumber(known[3]) }
  end
  local since = now
  if not known[1] and ARGV[3] == '1' then
    since = 0
  end
  redis.call('HSET', KEYS[1], 'server', ARGV[2], 'since_us', whole(since), 'steady_us', whole(since),
    'last_us', whole(now))
  return { now = now, since = since, steady = since }
end
