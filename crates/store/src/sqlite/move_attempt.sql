-- Guarded by the state that the caller expects; moving again to the same state takes over what is new.
UPDATE attempt
SET state = ?,
    arn = COALESCE(?, arn),
    provider_state = COALESCE(?, provider_state),
    message = COALESCE(?, message),
    started_ms = COALESCE(?, started_ms),
    ended_ms = COALESCE(?, ended_ms)
WHERE id = ? AND state IN (?, ?)
