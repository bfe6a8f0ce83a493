-- Drops the messages before an id, if the channel still has the epoch that the caller has seen.
--
-- ARGV[5] the epoch, ARGV[6] the id
-- Returns {epoch, first, head}.
if ARGV[5] == epoch then redis.call('XTRIM', log, 'MINID', '=', ARGV[6]) end
trim()
return {epoch, first_offset(), head}
