"""The program under test, and how its files are read.

LANESHIFT_BIN names the binary and LANESHIFT_ROOT the workspace; `cargo xtask test` sets both.
"""

import json
import os
import pathlib
import subprocess
from decimal import Decimal

import duckdb

ROOT = pathlib.Path(os.environ.get("LANESHIFT_ROOT", pathlib.Path(__file__).resolve().parents[2]))
BIN = pathlib.Path(os.environ.get("LANESHIFT_BIN", ROOT / "target/debug/laneshift"))
ACME = ROOT / "examples/acme"

# Long for a debug binary on a busy machine; a test that reaches it has failed.
TIMEOUT_S = 180


def laneshift(*args, env=None):
    """Runs the binary to its end, without the caller's own settings for AWS or laneshift."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "LANESHIFT_"))}
    return subprocess.run(
        [str(BIN), *map(str, args)],
        env=kept | (env or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=TIMEOUT_S,
        check=False,
    )


def audit(evidence, out, *args, env=None):
    """Audits, demands success, gives the printed plan."""
    done = laneshift("audit", evidence, "--out", out, "--format", "json", *args, env=env)
    if done.returncode != 0:
        raise AssertionError(f"exit code {done.returncode}\n{done.stderr}")
    return parse_plan(done.stdout)


def parse_plan(text):
    """A plan with exact numbers: integers stay integers, whatever has a point becomes a Decimal."""
    return json.loads(text, parse_float=Decimal)


def load_plan(out):
    """The plan.json of an output folder."""
    return parse_plan(pathlib.Path(out, "plan.json").read_text(encoding="utf-8"))


def figure(plan, path):
    """The value at a dotted path, such as `scope.records`; an error names the part that is missing."""
    value = plan
    for part in path.split("."):
        if part not in value:
            raise AssertionError(f"plan.json has no {path}: {part} is missing among {', '.join(value)}")
        value = value[part]
    return value


def usd(value):
    """An amount: plan.json writes money as a decimal text, so that no reader makes a float of it."""
    if not isinstance(value, str):
        raise AssertionError(f"money must be a text, not {value!r}")
    return Decimal(value)


def open_ledger(out):
    """DuckDB with the view `invocations` over the ledger of an output folder."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    files = str(pathlib.Path(out, "ledger/invocations/*.parquet")).replace("'", "''")
    connection.execute(f"CREATE VIEW invocations AS SELECT * FROM read_parquet('{files}')")
    return connection


def one(connection, sql):
    """The only value of a query."""
    rows = connection.execute(sql).fetchall()
    if len(rows) != 1 or len(rows[0]) != 1:
        raise AssertionError(f"one value expected from: {sql}")
    return rows[0][0]
