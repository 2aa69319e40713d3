-- All attempts at records of a submission.
SELECT *
FROM attempt
WHERE id IN (
    SELECT attempt_chunk.attempt
    FROM span
    JOIN attempt_chunk ON attempt_chunk.chunk = span.chunk
    WHERE span.submission = ?
)
ORDER BY created_ms, id
