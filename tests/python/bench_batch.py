"""The batch lane beside a plain row-per-request queue in PostgreSQL: CPU a request, requests a second, bytes written a prompt byte.

`cargo xtask bench batch` runs it over the release binary. Nothing here fails when a machine is slow.
"""

import argparse
import json
import os
import pathlib
import pwd
import resource
import shutil
import statistics
import subprocess
import tempfile
import time

from emulated import BUCKET, HAIKU, ROLE, Emulator, claude
from program import BIN, ROOT

SETTINGS = "[turnaround]\nqueue_median_min = 1.0\nqueue_sigma = 0.1\ntail_share = 0.0\nrecords_per_minute = 1e9\n"
PROMPT_BYTES, ANSWER_BYTES = 560, 400
BLOCK_BYTES = 512


def children():
    """CPU seconds and bytes written of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime, used.ru_oublock * BLOCK_BYTES


class Laneshift:
    name = "laneshift"

    def __init__(self, n, work):
        self.n, self.work = n, work
        self.input = work / "in.jsonl"
        with open(self.input, "w", encoding="utf-8") as file:
            for i in range(n):
                body = claude(f"question {i} ")
                pad = PROMPT_BYTES - len(json.dumps(body))
                body["messages"][0]["content"] += "of an ordinary length " * (pad // 22) + "x" * (pad % 22)
                file.write(json.dumps({"recordId": f"r-{i}", "modelInput": body}) + "\n")

    def round(self):
        emulator = Emulator("--speed", "15000", settings=SETTINGS)
        client = emulator.client("s3")
        client.create_bucket(Bucket=BUCKET)
        client.close()
        environment = {
            "PATH": "/usr/bin:/bin",
            "AWS_ENDPOINT_URL": emulator.info["url"],
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": emulator.info["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": emulator.info["secret_access_key"],
            "LANESHIFT_BATCH_POLL_S": "0.1",
        }

        def run(queue, **more):
            command = [
                str(BIN), "batch", "run", str(self.input), "--model", HAIKU, "--role", ROLE, "--s3", f"s3://{BUCKET}/batch", "--data",
                str(self.work / queue), "--output", str(self.work / "out.jsonl"), "--yes", "--format", "json",
            ]
            before, begun = children(), time.monotonic()
            done = subprocess.run(command, env=environment | more, capture_output=True, text=True, check=False)
            took = time.monotonic() - begun
            cpu_s, written = (b - a for a, b in zip(before, children(), strict=True))
            shutil.rmtree(self.work / queue)
            return done, {"cpu_us": cpu_s * 1e6 / self.n, "per_s": self.n / took, "written": written / self.n / PROMPT_BYTES}

        # The first dies when its requests are accepted, durably: what intake takes.
        _, intake = run("intake", LANESHIFT_DIE_AFTER="accepted")
        done, whole = run("whole")
        assert json.loads(done.stdout)["answered"] == self.n, done.stderr
        emulator.close()
        return intake, whole


class Postgres:
    name = "PostgreSQL, a row a request"

    def __init__(self, n, work):
        self.n, self.work = n, work
        found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))
        if not found:
            subprocess.run(["apt-get", "install", "-y", "-q", "postgresql"], check=True)
            found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))
        self.bin = found[-1]
        self.user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name

    def server(self, *command):
        as_user = ["su", self.user, "-s", "/bin/bash", "-c", " ".join(map(str, command))] if os.getuid() == 0 else list(map(str, command))
        subprocess.run(as_user, check=True, stdout=subprocess.DEVNULL, cwd="/")

    def sql(self, *statements):
        command = ["psql", "-h", str(self.data), "-U", self.user, "-d", "postgres", "-q", "-At", "-v", "ON_ERROR_STOP=1"]
        for statement in statements:
            command += ["-c", statement]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()

    def cpu_s(self):
        """Of the server and all its processes, ended ones included."""
        parent = int((self.data / "postmaster.pid").read_text(encoding="ascii").split()[0])
        ticks = 0
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                pid, rest = int(stat.parent.name), stat.read_text(encoding="ascii").rsplit(")", 1)[1].split()
            except (OSError, ValueError):
                continue
            if pid == parent or int(rest[1]) == parent:
                ticks += sum(map(int, rest[11:13])) + (sum(map(int, rest[13:15])) if pid == parent else 0)
        return ticks / os.sysconf("SC_CLK_TCK")

    def round(self):
        self.data = self.work / "pg"
        self.data.mkdir()
        if os.getuid() == 0:
            shutil.chown(self.data, self.user)
            for folder in [self.work, *self.work.parents]:
                folder.chmod(folder.stat().st_mode | 0o001)
        self.server(self.bin / "initdb", "-D", self.data, "-A", "trust", "-U", self.user)
        options = f"'-c listen_addresses= -c unix_socket_directories={self.data} -c shared_buffers=256MB -c max_wal_size=2GB'"
        self.server(self.bin / "pg_ctl", "-D", self.data, "-w", "-l", self.data / "log", "-o", options, "start")
        try:
            schema = (ROOT / "benches" / "row_per_request.sql").read_text(encoding="utf-8")
            subprocess.run(["psql", "-h", str(self.data), "-U", self.user, "-d", "postgres", "-q", "-v", "ON_ERROR_STOP=1"], input=schema, text=True, check=True)
            self.sql(f"CALL prepare({self.n}, {PROMPT_BYTES})", "CHECKPOINT")
            size = "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn + pg_database_size('postgres')"
            marks = [(time.monotonic(), self.cpu_s(), float(self.sql(size)[0]))]
            for statement in (f"CALL intake({self.n})", f"CALL complete({ANSWER_BYTES})"):
                self.sql(statement)
                marks.append((time.monotonic(), self.cpu_s(), float(self.sql(size)[0])))
            assert int(self.sql("SELECT count(*) FROM request WHERE state = 'completed' AND answer IS NOT NULL")[0]) == self.n
        finally:
            self.server(self.bin / "pg_ctl", "-D", self.data, "-m", "immediate", "stop")
            shutil.rmtree(self.data)

        def between(a, b):
            took, cpu_s, written = (y - x for x, y in zip(marks[a], marks[b], strict=True))
            return {"cpu_us": cpu_s * 1e6 / self.n, "per_s": self.n / took, "written": written / self.n / PROMPT_BYTES}

        return between(0, 1), between(0, 2)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        sides = [Laneshift(arguments.requests, work), Postgres(arguments.requests, work)]
        rounds = {side.name: [] for side in sides}
        for _ in range(arguments.rounds):
            for side in sides:
                rounds[side.name].append(side.round())
    print(f"{arguments.requests} requests of {PROMPT_BYTES} bytes, {arguments.rounds} rounds, medians.\n")
    print("| queue | path | CPU us a request | requests/s | bytes written a prompt byte |\n|---|---|--:|--:|--:|")
    for side in sides:
        for at, path in enumerate(("intake, durable", "intake to answers")):
            median = lambda what: statistics.median(round_[at][what] for round_ in rounds[side.name])  # noqa: B023, E731
            print(f"| {side.name} | {path} | {median('cpu_us'):.1f} | {median('per_s'):.0f} | {median('written'):.1f} |")


if __name__ == "__main__":
    main()
