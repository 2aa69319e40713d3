-- The attempts at a chunk's records.
SELECT attempt.id, attempt.lane, attempt.state, attempt.created_ms, attempt_chunk.members
FROM attempt_chunk
JOIN attempt ON attempt.id = attempt_chunk.attempt
WHERE attempt_chunk.chunk = ?
ORDER BY attempt.created_ms, attempt.id
