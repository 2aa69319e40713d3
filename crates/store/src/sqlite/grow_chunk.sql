-- A tail was added to an open chunk that has slots for it.
UPDATE chunk
SET records = records + ?1,
    unsettled = unsettled + ?1,
    bytes = bytes + ?2,
    deadline_ms = MIN(deadline_ms, ?3),
    input = input + ?4,
    output = output + ?5
WHERE id = ?6 AND object IS NULL AND records + ?1 <= ?7
