-- Of a submission's chunks, those whose records are all its own: nobody else's spans, and no single requests between them.
SELECT span.chunk
FROM span
JOIN chunk ON chunk.id = span.chunk
WHERE span.submission = ?
GROUP BY span.chunk
HAVING SUM(span.records) = MAX(chunk.records)
