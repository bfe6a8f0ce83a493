-- Reads a page.
--
-- ARGV[5] the offset after which it starts, ARGV[6] the id of that message if known, or '', ARGV[7] the maximum number
-- of messages, ARGV[8] the maximum bytes of payload
-- Returns {epoch, first, head, {id, offset, 1 if it is of this epoch, data, ...}}. Offsets are missing where messages
-- were deleted. An offset occurs several times if a foreign entry looks like a message; the limits do not separate
-- those.
trim()
local first = first_offset()
local after, hint = tonumber(ARGV[5]), ARGV[6]
local messages_max, bytes_max = tonumber(ARGV[7]), tonumber(ARGV[8])
local want = math.max(after + 1, first)

-- An id does not determine an offset, so this is a binary search over the time in the ids: about 30 steps.
local function find()
    local oldest = message_from('-')
    if not oldest or oldest.offset >= want then return '-' end
    -- Invariant: the first message at or after low-0 is at or before `want`; the one at or after high-0 is not.
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
    -- So it is in the millisecond `low`, where sequence numbers are contiguous unless messages were deleted.
    local message = message_from(text(low) .. '-0')
    if not message then return '-' end
    local ms, seq = id_parts(message.id)
    local id = text(ms) .. '-' .. text(seq + want - message.offset)
    local found = message_from(id)
    if not (found and found.offset == want) then id = message.id end
    -- A foreign entry may have misled the search.
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
    -- One more than fits: it may have the same offset as the last one.
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
    -- Read no more than is likely to fit, because payloads may be large.
    local fit = math.floor((bytes_max - bytes) / (bytes / math.max(count, 1) + 1))
    chunk = math.max(1, math.min(fit, 256))
end
return {epoch, first, head, page}
