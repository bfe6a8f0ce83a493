-- Finds the last message whose id is not greater than a given id.
--
-- ARGV[5] the id
-- Returns {epoch, offset, id}, or {epoch, 0, ''} if there is none.
trim()
local message = message_to(ARGV[5])
if not message then return {epoch, 0, ''} end
return {epoch, message.offset, message.id}
