#!lua
-- KEYS: what is handled. ARGV: our claim, how long to remember in ms.
-- Another's claim is left alone: its owner will find the inbox row.
for _, key in ipairs(KEYS) do
  local known = redis.call('GET', key)
  if not known or known == ARGV[1] or known == 'done' then
    redis.call('SET', key, 'done', 'PX', ARGV[2])
  end
end
