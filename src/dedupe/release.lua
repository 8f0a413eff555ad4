#!lua
-- KEYS: what is given up. ARGV: our claim.
for _, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[1] then
    redis.call('DEL', key)
  end
end
