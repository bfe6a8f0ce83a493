-- Returns the state of the channel, and starts a new epoch if the log is behind what the caller has seen.
--
-- ARGV[5] to [7] the epoch, offset and id that the caller has seen, or '', 0, ''
-- Returns {epoch, first, head, last}.
trim()
local first = first_offset()
local seen_epoch, seen_offset, seen_id = ARGV[5], tonumber(ARGV[6]), ARGV[7]

-- Whether this is the log that the caller has seen, and not an older copy of it. An older copy ends earlier, or has
-- assigned the offset to another message since. If the message itself was deleted, its neighbors show it.
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
