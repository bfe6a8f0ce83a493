-- The start of scripts that create no channel: they return nil if there is none.
if redis.call('EXISTS', KEYS[1], KEYS[2]) == 0 then return false end
