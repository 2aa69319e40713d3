-- Guarded by the state that the caller expects; moving again to the same state takes over what is new.
UPDATE job
SET state = ?,
    arn = COALESCE(?, arn),
    provider_state = COALESCE(?, provider_state),
    message = COALESCE(?, message)
WHERE id = ? AND state IN (?, ?)
