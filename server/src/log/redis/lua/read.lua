-- Reads a page.
--
-- ARGV[4] the offset after which it begins, ARGV[5] that message's id where it is known, or '',
-- ARGV[6] how many messages it may have, ARGV[7] how many bytes of payload
-- Returns {epoch, first, head, {id, offset, data, id, offset, data, ...}}.
local first = trim()
local after, hint = tonumber(ARGV[4]), ARGV[5]
local messages_max, bytes_max = tonumber(ARGV[6]), tonumber(ARGV[7])
local want = math.max(after + 1, first)

-- Ids do not tell offsets, so an offset is looked for among the ids, by halves: some 30 looks.
local function find()
    local oldest = entry_at('-')
    if not oldest or offset_of(oldest) >= want then return '-' end
    -- The first message at or after low-0 is at or before `want`; the one at or after high-0 is not.
    local low, high = id_parts(id_of(oldest)), id_parts(last) + 1
    while high - low > 1 do
        local middle = math.floor((low + high) / 2)
        local entry = entry_at(text(middle) .. '-0')
        if entry and offset_of(entry) <= want then
            low = math.max(middle, (id_parts(id_of(entry))))
        else
            high = middle
        end
    end
    -- So it is in the millisecond `low`, where sequence numbers follow each other.
    local entry = entry_at(text(low) .. '-0')
    if not entry then return '-' end
    local ms, seq = id_parts(id_of(entry))
    local id = text(ms) .. '-' .. text(seq + want - offset_of(entry))
    local found = entry_at(id)
    if found and offset_of(found) == want then return id end
    return id_of(entry)
end

local function start()
    if want == first then return '-' end
    if hint ~= '' then
        local id = '(' .. hint
        local entry = entry_at(id)
        if entry and offset_of(entry) == want then return id end
    end
    return find()
end

local page, count, bytes = {}, 0, 0
local from = (messages_max > 0 and want <= head) and start() or nil
local chunk = 16
while from and count < messages_max do
    local entries = redis.call('XRANGE', log, from, '+', 'COUNT', math.min(chunk, messages_max - count))
    if #entries == 0 then break end
    from = '(' .. id_of(entries[#entries])
    for _, entry in ipairs(entries) do
        if offset_of(entry) >= want and count < messages_max then
            bytes = bytes + #data_of(entry)
            if bytes > bytes_max and count > 0 then
                from = nil
                break
            end
            count = count + 1
            page[#page + 1] = id_of(entry)
            page[#page + 1] = offset_of(entry)
            page[#page + 1] = data_of(entry)
        end
    end
    -- No more than is likely to fit: payloads may be large.
    local fit = math.floor((bytes_max - bytes) / (bytes / math.max(count, 1) + 1))
    chunk = math.max(1, math.min(fit, 256))
end
return {epoch, first, head, page}
