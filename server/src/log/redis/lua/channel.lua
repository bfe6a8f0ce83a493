-- The beginning of every script about a channel: finds it or creates it, and says where it stands, in
-- `epoch`, `head` and `last` (the newest id ever given).
--
-- KEYS[1] the stream, KEYS[2] the channel's numbers, KEYS[3] where each idempotency key ended up, KEYS[4] those
-- keys in the order of their messages
-- ARGV[1] a fresh epoch, ARGV[2] how many messages to keep, ARGV[3] for how many ms (0: no limit), ARGV[4] for how
-- many ms an idempotency key is kept at least
local log, meta, keys, key_order = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local fresh, keep, keep_ms, keep_key_ms = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

-- The largest id that a stream can have: there is none after it.
local ID_MAX = '18446744073709551615-18446744073709551615'
local EPOCH = '^%w+$'
-- How many idempotency keys one script forgets at most.
local FORGET_MAX = 1000

-- Redis would write a large number in Lua as 1e+15.
local function text(number) return string.format('%.0f', number) end
-- A number of ours, or nil. One with more digits would not be exact in Lua.
local function natural(value)
    return value and #value <= 15 and string.find(value, '^%d+$') and tonumber(value) or nil
end
local function id_parts(id)
    local ms, seq = string.match(id, '^(%d+)-(%d+)$')
    return tonumber(ms), tonumber(seq)
end
-- Where a range begins that leaves out an id, or nil.
local function beyond(id) return id ~= ID_MAX and '(' .. id or nil end

-- The message in an entry {id, {'o', offset, 'e', epoch, 'd', data}}, or nil: anyone may have added other entries.
local function message_in(entry)
    local fields = entry[2]
    local ours = #fields == 6 and fields[1] == 'o' and fields[3] == 'e' and fields[5] == 'd'
    local offset = ours and string.find(fields[4], EPOCH) and natural(fields[2]) or 0
    return offset > 0 and { id = entry[1], offset = offset, epoch = fields[4], data = fields[6] } or nil
end

-- The first message of a range, past entries that are none.
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
    -- New; or the numbers were lost, and the messages are kept under a new name.
    local newest = message_to('+')
    epoch, head, last = fresh, 0, '0-0'
    if newest then head, last = newest.offset, newest.id end
    redis.call('HSET', meta, 'epoch', epoch, 'head', text(head), 'last', last)
    if not newest then redis.call('DEL', keys, key_order) end -- nothing else is left of that channel
end

-- The offset of the oldest message; head + 1 where there is none. It is read, not counted: messages may have been
-- deleted from the middle.
local function first_offset()
    local oldest = message_from('-')
    return oldest and math.min(oldest.offset, head + 1) or head + 1
end

-- Idempotency keys go when their messages are gone *and* they are old enough. An entry of `key_order` is
-- 'offset id key'; one of `keys` is 'offset id'.
local function forget_keys()
    local first
    for _ = 1, FORGET_MAX do
        local oldest = redis.pcall('LINDEX', key_order, 0)
        if type(oldest) ~= 'string' then return end -- no key is there, or no list
        local place, offset, ms, key = string.match(oldest, '^((%d+) (%d+)%-%d+) (.*)$')
        if place then
            if tonumber(ms) > now_ms - keep_key_ms then return end
            first = first or first_offset()
            if tonumber(offset) >= first then return end
            if redis.pcall('HGET', keys, key) == place then redis.pcall('HDEL', keys, key) end
        end
        redis.pcall('LPOP', key_order)
    end
end

-- Drops what is too much or too old.
local function trim()
    -- Not `call`: a Redis that takes no writes at the moment can still be read.
    redis.pcall('XTRIM', log, 'MAXLEN', '=', keep)
    if keep_ms > 0 then
        redis.pcall('XTRIM', log, 'MINID', '=', text(math.max(now_ms - keep_ms, 0)))
    end
    forget_keys()
end
