-- The chunks of a submission, in the order of its records.
SELECT chunk.*
FROM span
JOIN chunk ON chunk.id = span.chunk
WHERE span.submission = ?
ORDER BY span.seq
