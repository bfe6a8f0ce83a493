-- Appends a message to the log, once per idempotency key.
--
-- ARGV[5] the payload, ARGV[6] the idempotency key, or ''
-- Returns {offset, id, 0 for a new message, 1 if it is stored under this key already, 2 if another payload is}.
local data, key = ARGV[5], ARGV[6]
if key ~= '' then
    local target = redis.call('HGET', keys, key)
    local offset, id = string.match(target or '', '^(%d+) (%d+%-%d+)$')
    if id then
        local stored = redis.call('XRANGE', log, id, id)[1]
        local message = stored and message_in(stored)
        return {tonumber(offset), id, message and message.data ~= data and 2 or 1}
    end
    redis.call('LINDEX', key_order, 0) -- if this is not a list, it fails before anything is written
end

-- Redis makes ids grow as long as the stream exists. After the stream has expired, only our metadata knows the last id,
-- which matters if the clock was set back meanwhile.
local id = '*'
local last_ms, last_seq = id_parts(last)
if now_ms <= last_ms and redis.call('EXISTS', log) == 0 then
    id = text(last_ms) .. '-' .. text(last_seq + 1)
end
-- This must be the first write: once a script has written, a full Redis accepts its other writes.
local offset = head + 1
id = redis.call('XADD', log, id, 'o', text(offset), 'e', epoch, 'd', data)
head, last = offset, id
redis.call('HSET', meta, 'head', text(head), 'last', last)
if key ~= '' then
    local target = text(offset) .. ' ' .. id
    redis.call('HSET', keys, key, target)
    redis.call('RPUSH', key_order, target .. ' ' .. key)
end
trim()

-- Quiet channels need no sweep: a stream expires when its newest message is too old, and its keys expire when they are
-- old enough as well.
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

-- Wakes the nodes that follow the channel. `pcall`, because the message is stored, whether or not this is allowed.
redis.pcall('PUBLISH', log, id)
return {offset, id, 0}
