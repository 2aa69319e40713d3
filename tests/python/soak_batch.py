"""A million records through batch jobs, and two hundred kills on the way: too long for every run.

`cargo xtask soak batch` runs it over the release binary. It prints what it measured and fails when a promise does.
"""

import json
import random
import resource
import subprocess
import sys
import time
import unittest
from decimal import Decimal

from emulated import BUCKET, HAIKU, ROLE, claude
from program import BIN
from test_batch_run import BatchCase

RSS_BYTES_MAX = 256_000_000


class Soak(BatchCase):
    RECORDS, KILLS, KILLED_RECORDS = 1_000_000, 200, 20_000

    def command(self):
        return [
            str(BIN), "batch", "run", str(self.input), "--model", HAIKU, "--role", ROLE, "--s3", f"s3://{BUCKET}/batch",
            "--output", str(self.out), "--deadline", "7d", "--yes", "--overwrite", "--format", "json",
        ]

    def fill(self, n, filler="", times=0):
        """Records that begin with a filler; with `times` of all sizes up to twice as many of it, in no order."""
        with open(self.input, "w", encoding="utf-8") as file:
            for i in range(n):
                long = filler * (i * 7_919 % (2 * times + 1)) if times else filler
                file.write(json.dumps({"recordId": f"my-{i}", "modelInput": claude(f"{long}question {i}")}) + "\n")

    def check_order(self, n):
        with open(self.out, encoding="utf-8") as file:
            for i, line in enumerate(file):
                if not line.startswith(f'{{"recordId":"my-{i}",'):
                    raise AssertionError(f"line {i + 1} is another record's")
        self.assertEqual(i + 1, n)

    def test_many_records_are_answered_once_in_their_order_and_the_books_are_the_bill(self):
        self.fill(self.RECORDS, "A prompt of half a kilobyte or so. ", 13)
        begun = time.monotonic()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(self.command(), env=self.environment(poll_s="0.2"), capture_output=True, text=True, check=False)
        receipt = self.receipt(done)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        took = time.monotonic() - begun
        print(
            f"{self.RECORDS} records: {took:.1f} s, {cpu_s * 1e6 / self.RECORDS:.1f} us of CPU a record, peak {after.ru_maxrss / 1000:.0f} MB, "
            f"{len(receipt['attempts'])} jobs, paid {receipt['paid_usd']}",
            file=sys.stderr,
        )
        self.assertEqual((receipt["answered"], receipt["failed"]), (self.RECORDS, 0))
        self.check_order(self.RECORDS)
        self.assertEqual(Decimal(receipt["paid_usd"]), self.billed())
        self.assertLess(after.ru_maxrss * 1024, RSS_BYTES_MAX)

    def test_kills_at_random_moments_lose_nothing_and_pay_nothing_twice(self):
        chance = random.Random(20261125)
        paid, kills, rounds = Decimal(0), 0, 0
        while kills < self.KILLS:
            rounds += 1
            self.fill(self.KILLED_RECORDS, f"round {rounds} ")
            while kills < self.KILLS:
                process = subprocess.Popen(
                    self.command(), env=self.environment(poll_s="0.2"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
                )
                try:
                    out, err = process.communicate(timeout=chance.uniform(0.01, 1.2))
                    self.assertEqual(process.returncode, 0, err)
                    break
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.communicate()
                    kills += 1
            done = subprocess.run(self.command(), env=self.environment(poll_s="0.2"), capture_output=True, text=True, check=False)
            receipt = self.receipt(done)
            self.assertEqual((receipt["answered"], receipt["failed"], len(receipt["attempts"])), (self.KILLED_RECORDS, 0, 1))
            self.check_order(self.KILLED_RECORDS)
            paid += Decimal(receipt["paid_usd"])
        self.assertEqual(len(self.jobs()), rounds)
        self.assertEqual(paid, self.billed())
        print(f"{kills} kills over {rounds} runs of {self.KILLED_RECORDS} records: paid {paid}, billed the same", file=sys.stderr)


del BatchCase

if __name__ == "__main__":
    unittest.main()
