-- Finds the last message whose id is not greater than one.
--
-- ARGV[4] the id
-- Returns {epoch, offset, id}, or {epoch, 0, ''} where there is none.
trim()
local entry = redis.call('XREVRANGE', log, ARGV[4], '-', 'COUNT', 1)[1]
if not entry then return {epoch, 0, ''} end
return {epoch, offset_of(entry), id_of(entry)}
