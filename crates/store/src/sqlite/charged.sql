-- Who pays for chunks, and whether something of each is still to come.
SELECT charge.*, coalesce(chunk.unsettled, 0) > 0 OR EXISTS (
    SELECT 1 FROM attempt_chunk
    JOIN attempt ON attempt.id = attempt_chunk.attempt
    WHERE attempt_chunk.chunk = charge.chunk AND attempt.state NOT IN ('closed', 'revoked')
) AS waits
FROM charge LEFT JOIN chunk ON chunk.id = charge.chunk
ORDER BY charge.chunk
