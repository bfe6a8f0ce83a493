-- Says where the channel stands, and begins a new epoch if it stands behind what the caller has seen.
--
-- ARGV[4] to [6] the epoch, offset and id that the caller has seen, or '', 0, ''
-- Returns {epoch, first, head, last}.
local first = trim()
local seen_epoch, seen_offset, seen_id = ARGV[4], tonumber(ARGV[5]), ARGV[6]

-- Whether this is the log that the caller saw, and not an older copy of it: one that has not come as far,
-- or one that has given the offset to another message since.
local function holds()
    if seen_offset > head then return false end
    if seen_offset < first then return true end
    local entry = redis.call('XRANGE', log, seen_id, seen_id, 'COUNT', 1)[1]
    return entry and offset_of(entry) == seen_offset
end

if seen_epoch == epoch and seen_offset > 0 and not holds() then
    epoch = fresh
    redis.call('HSET', meta, 'epoch', epoch)
end
return {epoch, first, head, last}
