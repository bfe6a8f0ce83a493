-- Finds where a client resumes: at the first position that is stored under one of the keys, or else at an end
-- of the log.
--
-- KEYS[5] and on: the positions, the client's own first
-- ARGV[5] the end to start at if none is stored: 1 the start, 0 the tail; ARGV[6] how many ms a position is kept
-- Returns {1, epoch, offset, id}, or {0, epoch, offset, ''} where none is stored.
trim()

-- What is stored under a key, or nil: it may be something else.
local function position_in(key)
    local stored = redis.call('HMGET', key, 'epoch', 'offset', 'id')
    if not (stored[1] and string.find(stored[1], EPOCH) and natural(stored[2])) then return nil end
    local id = stored[3] and string.find(stored[3], '^%d+%-%d+$') and stored[3] or ''
    return {1, stored[1], stored[2], id}
end

local at
for i = 5, #KEYS do
    at = position_in(KEYS[i])
    if at then break end
end
at = at or {0, epoch, text(ARGV[5] == '1' and first_offset() - 1 or head), ''}
-- A position that several clients share is not moved by a client that has processed nothing.
if #KEYS > 5 then
    -- Not `call`: a Redis that accepts no writes at the moment can still be read.
    redis.pcall('HSET', KEYS[5], 'epoch', at[2], 'offset', at[3], 'id', at[4])
    redis.pcall('PEXPIRE', KEYS[5], ARGV[6])
end
return at
