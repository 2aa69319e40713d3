"""What takes too long for every run: a job of 100,000 records, an input file of 1 GB, two hundred kills.

`cargo xtask soak emulator` runs it over the release binary. It prints what it measured and fails when a promise does.
"""

import json
import os
import pathlib
import random
import sys
import tempfile
import threading
import time
import unittest

from boto3.s3.transfer import TransferConfig

from emulated import BUCKET, HAIKU, EmulatedCase, claude, records

RSS_BYTES_MAX = 256_000_000
KILLS = int(os.environ.get("LANESHIFT_SOAK_KILLS", "200"))
GIGABYTE = 1_000_000_000


def peak_rss(emulator):
    status = pathlib.Path(f"/proc/{emulator.process.pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


class Large(EmulatedCase):
    def run_job(self, n, about):
        begun = time.monotonic()
        arn = self.create_job()
        job = self.wait(arn, step_s=3600)
        took = time.monotonic() - begun
        self.assertEqual((job["status"], job["totalRecordCount"], job["successRecordCount"]), ("Completed", n, n), job.get("message"))
        rss = peak_rss(self.emulator)
        print(f"{about}: {took:.1f} s, peak {rss / 1e6:.0f} MB", file=sys.stderr)
        self.assertLess(rss, RSS_BYTES_MAX)
        seen, tokens = set(), [0, 0]
        body = self.s3.get_object(Bucket=BUCKET, Key=f"out/{arn.rsplit('/', 1)[1]}/records.jsonl.out")["Body"]
        for line in body.iter_lines(chunk_size=1 << 20):
            answer = json.loads(line)
            seen.add(answer["recordId"])
            usage = answer["modelOutput"]["usage"]
            tokens = [tokens[0] + usage["input_tokens"], tokens[1] + usage["output_tokens"]]
        self.assertEqual(len(seen), n)
        manifest = self.manifest(arn)
        self.assertEqual([manifest["inputTokenCount"], manifest["outputTokenCount"]], tokens)
        billed = {line["class"]: line["tokens"] for line in self.emulator.bill()["lines"]}
        self.assertEqual([billed["input"], billed["output"]], tokens)

    def test_a_job_of_100_000_records(self):
        self.upload(records(100_000, text="A question of about one kilobyte. " * 28))
        self.run_job(100_000, "100,000 records of 1 KB")

    def test_a_file_of_one_gigabyte(self):
        with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
            filler = "Nine kilobytes of text that nobody reads but the counter. " * 171
            n = 0
            while True:
                line = (json.dumps({"recordId": f"r-{n:06}", "modelInput": claude(f"{filler}{n}")}) + "\n").encode()
                if file.tell() + len(line) > GIGABYTE:
                    break
                file.write(line)
                n += 1
            file.flush()
            begun = time.monotonic()
            self.s3.upload_file(file.name, BUCKET, "in/records.jsonl", Config=TransferConfig(max_concurrency=4))
            print(f"upload of 1 GB: {time.monotonic() - begun:.1f} s", file=sys.stderr)
        self.run_job(n, f"1 GB in {n} records")


class Kills(EmulatedCase):
    ARGS = ("--speed", "20000")

    def test_kills_at_random_moments_lose_nothing(self):
        chance = random.Random(20261125)
        answered, lock, going = [0], threading.Lock(), threading.Event()
        self.upload(records(20_000))
        arn = self.create_job(timeoutDurationInHours=168)
        jobs = [arn]

        def hammer(stop):
            client = self.emulator.client("bedrock-runtime", read_timeout=5, connect_timeout=2)
            while not stop.is_set():
                try:
                    client.converse(modelId=HAIKU, messages=[{"role": "user", "content": [{"text": "still there?"}]}])
                except Exception:
                    continue
                with lock:
                    answered[0] += 1
            client.close()

        threads_each, unanswered_max = 4, 0
        for kill in range(KILLS):
            stop = threading.Event()
            threads = [threading.Thread(target=hammer, args=(stop,)) for _ in range(threads_each)]
            for thread in threads:
                thread.start()
            going.wait(chance.uniform(0.02, 0.4))
            self.emulator.kill()
            stop.set()
            for thread in threads:
                thread.join()
            unanswered_max += threads_each
            self.emulator.start()
            if kill % 20 == 0:
                self.connect()
                if all(self.get_job(known)["status"] == "Completed" for known in jobs):
                    jobs.append(self.create_job(name=f"job-{kill}", timeoutDurationInHours=168))
        self.connect()
        for known in jobs:
            job = self.wait_real(known)
            self.assertEqual((job["status"], job["successRecordCount"]), ("Completed", 20_000), job)
            lines = self.output(known)
            self.assertEqual(len({line["recordId"] for line in lines}), 20_000)
            self.assertEqual(len(lines), 20_000)
        output = [sum(self.manifest(known)["outputTokenCount"] for known in jobs), 0]
        calls = 0
        for line in self.emulator.bill()["lines"]:
            if line["class"] == "output" and line["mode"] == "batch":
                output[1] += line["tokens"]
            if line["class"] == "output" and line["mode"] == "on_demand":
                calls += line["tokens"]
        self.assertEqual(output[0], output[1], "each job is billed once")
        one = self.runtime.converse(modelId=HAIKU, messages=[{"role": "user", "content": [{"text": "still there?"}]}])["usage"]["outputTokens"]
        billed = calls // one
        print(f"{KILLS} kills, {len(jobs)} jobs, {answered[0]} answered calls, {billed} billed", file=sys.stderr)
        self.assertGreaterEqual(billed, answered[0])
        self.assertLessEqual(billed - answered[0], unanswered_max)

    def wait_real(self, arn):
        end = time.monotonic() + 120
        while time.monotonic() < end:
            job = self.get_job(arn)
            if job["status"] in ("Completed", "Failed", "Expired", "PartiallyCompleted"):
                return job
        raise AssertionError(f"still {job['status']}")


if __name__ == "__main__":
    unittest.main()
