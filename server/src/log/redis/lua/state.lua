-- Says where the channel stands, and begins a new epoch if it stands behind what the caller has seen.
--
-- ARGV[5] to [7] the epoch, offset and id that the caller has seen, or '', 0, ''
-- Returns {epoch, first, head, last}.
trim()
local first = first_offset()
local seen_epoch, seen_offset, seen_id = ARGV[5], tonumber(ARGV[6]), ARGV[7]

-- Whether this is the log that the caller saw, and not an older copy of it: one that has not come as far,
-- or one that has given the offset to another message since. Where the message itself was deleted, those around
-- it tell.
local function holds()
    if seen_offset > head then return false end
    if seen_offset < first then return true end
    local message = message_from(seen_id)
    if message and message.id == seen_id then return message.offset == seen_offset end
    local before = message_to(seen_id)
    return (not before or before.offset < seen_offset) and (not message or message.offset > seen_offset)
end

if seen_epoch == epoch and seen_offset > 0 and not holds() then
    epoch = fresh
    redis.call('HSET', meta, 'epoch', epoch)
end
return {epoch, first, head, last}
