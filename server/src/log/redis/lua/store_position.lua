-- Stores the position that a client has acknowledged.
--
-- KEYS[1] the channel's metadata, KEYS[2] the position
-- ARGV[1] epoch, ARGV[2] offset, ARGV[3] id or '', ARGV[4] for how many ms to keep it
-- It does not create the channel. A position beyond the log, or behind the stored one, is ignored.
local offset = tonumber(ARGV[2])
local numbers = redis.call('HMGET', KEYS[1], 'epoch', 'head')
if numbers[1] ~= ARGV[1] or offset > (tonumber(numbers[2] or 0) or 0) then return 0 end
local stored = redis.call('HMGET', KEYS[2], 'epoch', 'offset')
if stored[1] == ARGV[1] and offset < (tonumber(stored[2] or 0) or 0) then return 0 end
redis.call('HSET', KEYS[2], 'epoch', ARGV[1], 'offset', ARGV[2], 'id', ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return 1
