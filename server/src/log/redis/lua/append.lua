-- Puts a message into the log, once per idempotency key.
--
-- KEYS[3] the idempotency key, if there is one
-- ARGV[4] the payload, ARGV[5] for how many ms the key is remembered
-- Returns {offset, id, 1 if the key had been used before}.
if KEYS[3] then
    local known = redis.call('GET', KEYS[3])
    if known then
        local offset, id = string.match(known, '^(%d+) (%d+-%d+)$')
        if id then return {tonumber(offset), id, 1} end
    end
end

-- Redis keeps ids growing as long as the stream is there. One that has expired has forgotten its last
-- id; we have not, in case the clock was set back meanwhile.
local id = '*'
local last_ms, last_seq = id_parts(last)
if now_ms <= last_ms and redis.call('EXISTS', log) == 0 then
    id = text(last_ms) .. '-' .. text(last_seq + 1)
end
-- This must be the first to write: once a script has written, a full Redis lets it write on.
local offset = head + 1
id = redis.call('XADD', log, id, 'o', text(offset), 'e', epoch, 'd', ARGV[4])
redis.call('HSET', meta, 'head', text(offset), 'last', id)
trim()

-- Nothing need sweep quiet channels: a stream whose newest message is too old disappears.
if keep_ms > 0 then
    redis.call('PEXPIRE', log, text(keep_ms))
else
    redis.call('PERSIST', log)
end
if KEYS[3] then
    redis.call('SET', KEYS[3], text(offset) .. ' ' .. id, 'PX', ARGV[5])
end
return {offset, id, 0}
