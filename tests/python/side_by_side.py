"""Runs every test file, as many at one time as there are processors, and prints each file's output when it has ended."""

import concurrent.futures
import os
import pathlib
import subprocess
import sys

FOLDER = pathlib.Path(__file__).parent


def run(file):
    command = [sys.executable, "-m", "unittest", "discover", "-v", "-s", str(FOLDER), "-p", file.name]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def main():
    # The largest first, so that none is left alone at the end.
    files = sorted(FOLDER.glob("test_*.py"), key=lambda file: -file.stat().st_size)
    failed = False
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as workers:
        for done in concurrent.futures.as_completed([workers.submit(run, file) for file in files]):
            sys.stdout.write(done.result().stdout)
            sys.stderr.write(done.result().stderr)
            failed = failed or done.result().returncode != 0
    sys.exit(failed)


if __name__ == "__main__":
    main()
