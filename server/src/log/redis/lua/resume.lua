-- Finds where a client resumes: at the first position stored under one of the keys, or else at the start or the tail of
-- the log.
--
-- KEYS[5] and later: the positions, the client's own first
-- ARGV[5] where to start if none is stored: 1 at the start, 0 at the tail; ARGV[6] for how many ms to keep a position
-- Returns {1, epoch, offset, id}, or {0, epoch, offset, ''} if none is stored.
trim()

-- The position under a key, or nil, also for foreign data.
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
-- A client that has processed nothing must not move a position that it shares with others.
if #KEYS > 5 then
    -- `pcall`, because a Redis that rejects writes at the moment can still be read.
    redis.pcall('HSET', KEYS[5], 'epoch', at[2], 'offset', at[3], 'id', at[4])
    redis.pcall('PEXPIRE', KEYS[5], ARGV[6])
end
return at
