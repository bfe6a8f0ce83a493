-- The beginning of every script about a channel: finds it or creates it, and says where it stands, in
-- `epoch`, `head` and `last` (the newest id ever given).
--
-- KEYS[1] the stream, KEYS[2] the channel's numbers
-- ARGV[1] a fresh epoch, ARGV[2] how many messages to keep, ARGV[3] for how many ms (0: no limit)
local log, meta = KEYS[1], KEYS[2]
local fresh, keep, keep_ms = ARGV[1], ARGV[2], tonumber(ARGV[3])

-- Redis would write a large number in Lua as 1e+15.
local function text(number) return string.format('%.0f', number) end
local function id_of(entry) return entry[1] end
-- An entry is {id, {'o', offset, 'e', epoch, 'd', data}}.
local function offset_of(entry) return tonumber(entry[2][2]) end
local function data_of(entry) return entry[2][6] end
local function id_parts(id)
    local ms, seq = string.match(id, '^(%d+)-(%d+)$')
    return tonumber(ms), tonumber(seq)
end
-- The first entry from an id on, if there is one.
local function entry_at(id) return redis.call('XRANGE', log, id, '+', 'COUNT', 1)[1] end

local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local numbers = redis.call('HMGET', meta, 'epoch', 'head', 'last')
local epoch, head, last = numbers[1], tonumber(numbers[2]), numbers[3]
if not (epoch and head and last) then
    -- New; or the numbers were lost, and the messages are kept under a new name.
    local newest = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
    epoch, head, last = fresh, 0, '0-0'
    if newest then head, last = offset_of(newest), id_of(newest) end
    redis.call('HSET', meta, 'epoch', epoch, 'head', text(head), 'last', last)
end

-- Lets go of what is too much or too old, and returns the first message's offset.
local function trim()
    -- Not `call`: a Redis that takes no writes at the moment can still be read.
    redis.pcall('XTRIM', log, 'MAXLEN', '=', keep)
    if keep_ms > 0 then
        redis.pcall('XTRIM', log, 'MINID', '=', text(math.max(now_ms - keep_ms, 0)))
    end
    -- Messages go from the front only, so their number tells the first one's offset; also that of a
    -- stream which is empty, or gone. (What Redis itself remembers of a trimmed stream would not.)
    return math.max(head - redis.call('XLEN', log) + 1, 1)
end
