-- Deletes a channel. Acknowledged positions stay.
--
-- KEYS[1] to [4] as in channel.lua
-- ARGV[1] what is published to the nodes that follow the channel
-- Returns 1 if there was a channel, otherwise 0.
local existed = redis.call('EXISTS', KEYS[1], KEYS[2]) > 0
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
-- `pcall`, because the channel is deleted, whether or not this is allowed.
if existed then redis.pcall('PUBLISH', KEYS[1], ARGV[1]) end
return existed and 1 or 0
