-- Puts a message into the log, once per idempotency key.
--
-- ARGV[5] the payload, ARGV[6] the idempotency key, or ''
-- Returns {offset, id, 1 if the key had been used before}.
local data, key = ARGV[5], ARGV[6]
if key ~= '' then
    local place = redis.call('HGET', keys, key)
    local offset, id = string.match(place or '', '^(%d+) (%d+%-%d+)$')
    if id then return {tonumber(offset), id, 1} end
    redis.call('LINDEX', key_order, 0) -- fails before anything is written, if that is no list
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
id = redis.call('XADD', log, id, 'o', text(offset), 'e', epoch, 'd', data)
head, last = offset, id
redis.call('HSET', meta, 'head', text(head), 'last', last)
if key ~= '' then
    local place = text(offset) .. ' ' .. id
    redis.call('HSET', keys, key, place)
    redis.call('RPUSH', key_order, place .. ' ' .. key)
end
trim()

-- Nothing need sweep quiet channels: a stream whose newest message is too old disappears, and its keys do once
-- they are old enough as well.
local function keep_for(name, ms)
    if keep_ms > 0 then
        redis.call('PEXPIRE', name, text(ms))
    else
        redis.call('PERSIST', name)
    end
end
keep_for(log, keep_ms)
keep_for(keys, math.max(keep_ms, keep_key_ms))
keep_for(key_order, math.max(keep_ms, keep_key_ms))
return {offset, id, 0}
