-- Tells the other replicas what one has learnt of the way to OKX, and tells it what they have.
--
-- KEYS: 1 what the replicas tell, a hash.
-- ARGV: 1 nonce, 2 server, 3 replica, 4 what it tells or empty, 5 for how long that stands in us.
-- Answers {nonce, what each replica tells that has told something lately, ...}.

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
if ARGV[4] ~= '' then
  redis.call('HSET', KEYS[1], ARGV[3], string.format('%.0f', now + ARGV[5]) .. ' ' .. ARGV[4])
  redis.call('PEXPIRE', KEYS[1], math.ceil(ARGV[5] / 1000))
end
local told = {}
local rows = redis.call('HGETALL', KEYS[1])
for index = 1, #rows, 2 do
  local until_us, text = string.match(rows[index + 1], '^(%d+) (.*)$')
  if until_us and tonumber(until_us) >= now then
    told[#told + 1] = text
  else
    redis.call('HDEL', KEYS[1], rows[index])
  end
end
return { ARGV[1], unpack(told) }
