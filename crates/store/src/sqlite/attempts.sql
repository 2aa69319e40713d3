-- The attempts of a chunk that were not revoked.
SELECT job_chunk.job, job_chunk.members
FROM job_chunk
JOIN job ON job.id = job_chunk.job
WHERE job_chunk.chunk = ? AND job.state <> 'revoked'
ORDER BY job_chunk.job
