"""The grouping of an audit in DuckDB: usage, latency, streaming and errors by hour, role and model.

Prints `<DuckDB version> <groups> <records> <input tokens> <output tokens> <errors>`.
"""

import argparse

import duckdb

# Bodies are taken as raw JSON: they have another shape for each model. Token counts may be missing.
COLUMNS = """{
    timestamp: 'TIMESTAMP',
    operation: 'VARCHAR',
    modelId: 'VARCHAR',
    errorCode: 'VARCHAR',
    identity: 'STRUCT(arn VARCHAR)',
    input: 'STRUCT(inputTokenCount BIGINT, cacheReadInputTokenCount BIGINT, cacheWriteInputTokenCount BIGINT)',
    output: 'STRUCT(outputTokenCount BIGINT, outputBodyJson JSON)'
}"""

# A latency stands in the metrics of a Converse answer, or in the last event of a stream.
GROUPS = f"""
WITH calls AS (
    SELECT
        date_trunc('hour', "timestamp") AS hour,
        regexp_extract(identity.arn, ':assumed-role/([^/]+)/', 1) AS role,
        regexp_replace(modelId, '^.*/', '') AS model,
        input.inputTokenCount AS input_tokens,
        input.cacheReadInputTokenCount AS cache_read_tokens,
        input.cacheWriteInputTokenCount AS cache_write_tokens,
        output.outputTokenCount AS output_tokens,
        coalesce(
            TRY_CAST(output.outputBodyJson ->> '$.metrics.latencyMs' AS BIGINT),
            TRY_CAST(output.outputBodyJson ->> '$[#-1]."amazon-bedrock-invocationMetrics".invocationLatency' AS BIGINT)
        ) AS latency_ms,
        operation LIKE '%Stream' AS streamed,
        errorCode IS NOT NULL AS failed
    FROM read_json(
        $files, format = 'newline_delimited', compression = 'gzip', maximum_object_size = 33554432, columns = {COLUMNS}
    )
)
SELECT
    hour, role, model,
    count(*) AS calls,
    coalesce(sum(input_tokens), 0) AS input_tokens,
    coalesce(sum(cache_read_tokens), 0) AS cache_read_tokens,
    coalesce(sum(cache_write_tokens), 0) AS cache_write_tokens,
    coalesce(sum(output_tokens), 0) AS output_tokens,
    quantile_cont(latency_ms, 0.95) AS latency_ms_p95,
    avg(streamed::INTEGER) AS streamed_share,
    count(*) FILTER (WHERE failed) AS errors
FROM calls
GROUP BY hour, role, model
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="holds AWSLogs")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    connection = duckdb.connect()
    connection.execute(f"SET threads = {args.threads}")
    connection.execute("SET preserve_insertion_order = false")
    # `<time>Z_<hash>.json.gz` is a log; bodies too long for it lie beside it under other names.
    groups = connection.execute(GROUPS, {"files": f"{args.folder}/AWSLogs/**/*Z_*.json.gz"}).fetchall()
    total = [sum(group[column] for group in groups) for column in (3, 4, 7, 10)]
    print(duckdb.__version__, len(groups), *total)


if __name__ == "__main__":
    main()
