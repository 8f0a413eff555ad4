#!lua
-- KEYS: what to claim. ARGV: our claim, its lease in ms.
-- Answers for each key: 0 it is ours, -1 it was handled before, else the ms for which another holds it.
-- Without keys it is the probe: with the line at the top Redis refuses it wherever it would refuse to
-- write (a replica, no memory left), and nothing is written.
local answers = {}
for n, key in ipairs(KEYS) do
  local known = redis.call('SET', key, ARGV[1], 'NX', 'GET', 'PX', ARGV[2])
  if not known then
    answers[n] = 0
  elseif known == ARGV[1] then
    redis.call('PEXPIRE', key, ARGV[2])
    answers[n] = 0
  elseif known == 'done' then
    answers[n] = -1
  else
    answers[n] = math.max(redis.call('PTTL', key), 1)
  end
end
return answers
