-- Finds the last message whose id is not greater than one.
--
-- ARGV[5] the id
-- Returns {epoch, offset, id}, or {epoch, 0, ''} where there is none.
trim()
local message = message_to(ARGV[5])
if not message then return {epoch, 0, ''} end
return {epoch, message.offset, message.id}
