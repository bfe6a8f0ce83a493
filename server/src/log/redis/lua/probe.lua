-- Runs every command that the store needs on keys of this node, and so fails where the store would fail.
--
-- KEYS[1] the node's stream, KEYS[2] its hash, KEYS[3] its list
-- ARGV[1] for how many ms to keep the stream, ARGV[2] the name of the node's wake-ups
-- Returns {} on success, or {command, error}. It removes what it adds to the hash and the list.
local stream, hash, list = KEYS[1], KEYS[2], KEYS[3]
local steps = {
    {'TIME'},
    -- This must be the first write: once a script has written, a full Redis accepts its other writes.
    {'XADD', stream, 'MAXLEN', 1, '*', 'w', 1},
    {'XTRIM', stream, 'MAXLEN', '=', 1},
    {'PERSIST', stream},
    {'PEXPIRE', stream, ARGV[1]},
    {'EXISTS', stream},
    {'XRANGE', stream, '-', '+', 'COUNT', 1},
    {'XREVRANGE', stream, '+', '-', 'COUNT', 1},
    {'XREAD', 'COUNT', 1, 'STREAMS', stream, '0-0'},
    {'HSET', hash, 'p', 1},
    {'HGET', hash, 'p'},
    {'HMGET', hash, 'p'},
    {'HDEL', hash, 'p'},
    {'RPUSH', list, 1},
    {'LINDEX', list, 0},
    {'LPOP', list},
    {'DEL', hash, list},
}
-- The node notices if this does not arrive.
redis.pcall('PUBLISH', ARGV[2], '')
for _, step in ipairs(steps) do
    local answer = redis.pcall(unpack(step))
    if type(answer) == 'table' and answer.err then return {step[1], answer.err} end
end
return {}
