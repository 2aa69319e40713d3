-- All jobs with records of a submission.
SELECT *
FROM job
WHERE id IN (
    SELECT job_chunk.job
    FROM job_chunk
    JOIN chunk ON chunk.id = job_chunk.chunk
    WHERE chunk.submission = ?
)
ORDER BY id
