-- The members of the attempts of a chunk that are not over.
SELECT job_chunk.members
FROM job_chunk
JOIN job ON job.id = job_chunk.job
WHERE job_chunk.chunk = ? AND job.state NOT IN ('closed', 'revoked')
