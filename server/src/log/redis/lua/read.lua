-- Reads a page.
--
-- ARGV[5] the offset after which it begins, ARGV[6] that message's id where it is known, or '',
-- ARGV[7] how many messages it may have, ARGV[8] how many bytes of payload
-- Returns {epoch, first, head, {id, offset, 1 if it is of this epoch, data, ...}}. Offsets may be missing, where messages
-- were deleted; one may be there several times, where entries are not ours and look as if they were. The limits do not
-- part those.
trim()
local first = first_offset()
local after, hint = tonumber(ARGV[5]), ARGV[6]
local messages_max, bytes_max = tonumber(ARGV[7]), tonumber(ARGV[8])
local want = math.max(after + 1, first)

-- Ids do not tell offsets, so an offset is looked for among the ids, by halves: some 30 looks.
local function find()
    local oldest = message_from('-')
    if not oldest or oldest.offset >= want then return '-' end
    -- The first message at or after low-0 is at or before `want`; the one at or after high-0 is not.
    local low, high = id_parts(oldest.id), id_parts(last) + 1
    while high - low > 1 do
        local middle = math.floor((low + high) / 2)
        local message = message_from(text(middle) .. '-0')
        if message and message.offset <= want then
            low = math.max(middle, (id_parts(message.id)))
        else
            high = middle
        end
    end
    -- So it is in the millisecond `low`, where sequence numbers follow each other unless some were deleted.
    local message = message_from(text(low) .. '-0')
    if not message then return '-' end
    local ms, seq = id_parts(message.id)
    local id = text(ms) .. '-' .. text(seq + want - message.offset)
    local found = message_from(id)
    if not (found and found.offset == want) then id = message.id end
    -- An entry that is not ours may have led astray.
    local before = message_to('(' .. id)
    return before and before.offset >= want and '-' or id
end

local function start()
    if want == first then return '-' end
    local id = hint ~= '' and beyond(hint)
    local message = id and message_from(id)
    if message and message.offset == want then return id end
    return find()
end

local page, count, bytes, newest = {}, 0, 0, nil
local from = (messages_max > 0 and want <= head) and start() or nil
local chunk = 16
while from do
    -- One more than there is room for: it may have the offset of the last one.
    local asked = math.min(chunk, messages_max - count + 1)
    local entries = redis.call('XRANGE', log, from, '+', 'COUNT', asked)
    from = #entries == asked and beyond(entries[asked][1]) or nil
    for _, entry in ipairs(entries) do
        local message = message_in(entry)
        if message and message.offset >= want and message.offset <= head then
            bytes = bytes + #message.data
            if message.offset ~= newest then
                if count == messages_max or (count > 0 and bytes > bytes_max) then
                    from = nil
                    break
                end
                count = count + 1
                newest = message.offset
            end
            page[#page + 1] = message.id
            page[#page + 1] = message.offset
            page[#page + 1] = message.epoch == epoch and 1 or 0
            page[#page + 1] = message.data
        end
    end
    -- No more than is likely to fit: payloads may be large.
    local fit = math.floor((bytes_max - bytes) / (bytes / math.max(count, 1) + 1))
    chunk = math.max(1, math.min(fit, 256))
end
return {epoch, first, head, page}
