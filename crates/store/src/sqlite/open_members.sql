-- The members of the attempts at a chunk that are not over.
SELECT attempt_chunk.members
FROM attempt_chunk
JOIN attempt ON attempt.id = attempt_chunk.attempt
WHERE attempt_chunk.chunk = ? AND attempt.state NOT IN ('closed', 'revoked')
