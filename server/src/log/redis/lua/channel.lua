-- The common start of the scripts for a channel. It finds or creates the channel, and sets `epoch`, `head` and `last`
-- (the newest id ever assigned).
--
-- KEYS[1] the stream, KEYS[2] the metadata, KEYS[3] the idempotency keys with offset and id, KEYS[4] the same keys in
-- the order of their messages
-- ARGV[1] a new epoch, ARGV[2] how many messages to keep, ARGV[3] for how many ms (0: no limit), ARGV[4] for how many
-- ms to keep an idempotency key at least
local log, meta, keys, key_order = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local fresh, keep, keep_ms, keep_key_ms = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

-- The largest possible id.
local ID_MAX = '18446744073709551615-18446744073709551615'
local EPOCH = '^%w+$'
-- Maximum number of idempotency keys that one script drops.
local FORGET_MAX = 1000

-- Redis would convert a large Lua number to 1e+15.
local function text(number) return string.format('%.0f', number) end
-- A non-negative integer, or nil. With more digits it would not be exact in Lua.
local function natural(value)
    return value and #value <= 15 and string.find(value, '^%d+$') and tonumber(value) or nil
end
local function id_parts(id)
    local ms, seq = string.match(id, '^(%d+)-(%d+)$')
    return tonumber(ms), tonumber(seq)
end
-- The exclusive start of a range after an id, or nil.
local function beyond(id) return id ~= ID_MAX and '(' .. id or nil end

-- The message in an entry {id, {'o', offset, 'e', epoch, 'd', data}}, or nil for a foreign entry.
local function message_in(entry)
    local fields = entry[2]
    local ours = #fields == 6 and fields[1] == 'o' and fields[3] == 'e' and fields[5] == 'd'
    local offset = ours and string.find(fields[4], EPOCH) and natural(fields[2]) or 0
    return offset > 0 and { id = entry[1], offset = offset, epoch = fields[4], data = fields[6] } or nil
end

-- The first message of a range, skipping foreign entries.
local function first_in(command, from, to)
    local count = 1
    while from do
        local entries = redis.call(command, log, from, to, 'COUNT', count)
        for _, entry in ipairs(entries) do
            local message = message_in(entry)
            if message then return message end
        end
        from = #entries == count and beyond(entries[count][1]) or nil
        count = 64
    end
end
local function message_from(id) return first_in('XRANGE', id, '+') end
local function message_to(id) return first_in('XREVRANGE', id, '-') end

local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local numbers = redis.call('HMGET', meta, 'epoch', 'head', 'last')
local epoch, head, last = numbers[1], natural(numbers[2]), numbers[3]
local known = epoch and string.find(epoch, EPOCH) and head and last and string.find(last, '^%d+%-%d+$')
if not known then
    -- The channel is new; or its metadata was lost, and its messages are kept under a new epoch.
    local newest = message_to('+')
    epoch, head, last = fresh, 0, '0-0'
    if newest then head, last = newest.offset, newest.id end
    redis.call('HSET', meta, 'epoch', epoch, 'head', text(head), 'last', last)
    if not newest then redis.call('DEL', keys, key_order) end -- they belong to a deleted channel
end

-- The offset of the oldest message; head + 1 if there is none. It is read from the stream, because a count would be
-- wrong after deletions.
local function first_offset()
    local oldest = message_from('-')
    return oldest and math.min(oldest.offset, head + 1) or head + 1
end

-- Idempotency keys are dropped when their messages are gone *and* they are old enough. `key_order` contains
-- 'offset id key', and `keys` contains 'offset id'.
local function forget_keys()
    local first
    for _ = 1, FORGET_MAX do
        local oldest = redis.pcall('LINDEX', key_order, 0)
        if type(oldest) ~= 'string' then return end -- no keys, or not a list
        local target, offset, ms, key = string.match(oldest, '^((%d+) (%d+)%-%d+) (.*)$')
        if target then
            if tonumber(ms) > now_ms - keep_key_ms then return end
            first = first or first_offset()
            if tonumber(offset) >= first then return end
            if redis.pcall('HGET', keys, key) == target then redis.pcall('HDEL', keys, key) end
        end
        redis.pcall('LPOP', key_order)
    end
end

-- Applies the retention.
local function trim()
    -- `pcall`, because a Redis that rejects writes at the moment can still be read.
    redis.pcall('XTRIM', log, 'MAXLEN', '=', keep)
    if keep_ms > 0 then
        redis.pcall('XTRIM', log, 'MINID', '=', text(math.max(now_ms - keep_ms, 0)))
    end
    forget_keys()
end
