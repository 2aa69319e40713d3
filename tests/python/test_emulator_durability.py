"""kill -9 at any moment loses nothing that a client was told: jobs, output, bill, clock, settings made over the API.

The journal itself, and how an emulator stops and starts, are in test_emulator_durability_journal.py.
"""

import concurrent.futures
import json
import random
import subprocess
import threading
import unittest

from botocore.exceptions import BotoCoreError, ClientError

import prices
from emulated import BUCKET, HAIKU, TERMINAL, EmulatedCase, records
from test_emulator_faults import NOVA, settings

MANY = 20_000
# The longest life between two kills, in seconds of the machine.
LIFE_S_MAX = 0.5
# About two thirds of what the job writes.
WRITTEN_BYTES_MAX = 5_000_000


def counts(lines):
    return len(lines), len({line["recordId"] for line in lines})


class DurableCase(EmulatedCase):
    SETTINGS = settings(minimum=1)

    def kill(self):
        self.emulator.restart()
        self.connect()

    def objects(self):
        """Every object that lists under out/, whole: each line of it is JSON. By name, without the job's id."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="out/")
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        found = {}
        for key in keys:
            body = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()
            found[key.rsplit("/", 1)[1]] = [json.loads(line) for line in body.splitlines()]
        return found

    def assert_ended_right(self, arn, n):
        """One output line a record, and manifest, counters and bill agree with the lines."""
        job, found = self.get_job(arn), self.objects()
        self.assertEqual(job["status"], "Completed", job.get("message"))
        lines, [manifest] = found["records.jsonl.out"], found["manifest.json.out"]
        self.assertEqual(counts(lines), (n, n))
        self.assertEqual((job["successRecordCount"], manifest["successRecordCount"], manifest["totalRecordCount"]), (n, n, n))
        usage = [line["modelOutput"]["usage"] for line in lines]
        self.assertEqual(manifest["inputTokenCount"], sum(u["input_tokens"] for u in usage))
        self.assertEqual(manifest["outputTokenCount"], sum(u["output_tokens"] for u in usage))
        self.assertEqual(prices.billed(self.emulator), prices.of_output(HAIKU, lines))


class EveryState(DurableCase):
    def test_a_job_killed_in_every_state_ends_as_one_that_never_was(self):
        self.upload(records(300))
        arn = self.create_job("killed")
        for status in ("Submitted", "Validating", "Scheduled", "InProgress", "Completed"):
            before = self.wait(arn, status, step_s=20)
            clock = self.emulator.ask("clock")
            self.kill()
            self.assertEqual(self.told(self.get_job(arn)), self.told(before), status)
            self.assertEqual(self.emulator.ask("clock"), clock, status)
        self.assert_ended_right(arn, 300)
        killed = self.told(self.get_job(arn)), self.objects(), self.emulator.bill("hour")

        self.emulator = self.emulate(*self.ARGS, settings=self.SETTINGS)
        self.connect()
        self.s3.create_bucket(Bucket=BUCKET)
        self.upload(records(300))
        self.assertEqual(self.create_job("killed", clientRequestToken=killed[0]["clientRequestToken"]), arn)
        self.wait(arn, "Completed", step_s=20)
        self.assertEqual((self.told(self.get_job(arn)), self.objects(), self.emulator.bill("hour")), killed)

    def told(self, job):
        return {name: value for name, value in job.items() if name != "ResponseMetadata"}

    def test_a_job_killed_while_its_output_is_computed_computes_it_again(self):
        n = 10_000
        self.upload(records(n))
        arn = self.create_job()
        self.wait(arn, "Scheduled")
        spool = self.emulator.folder / "jobs" / arn.rsplit("/", 1)[1] / "0.out"
        with concurrent.futures.ThreadPoolExecutor(1) as thread:
            moved = thread.submit(self.emulator.advance, 24 * 3600)
            while not spool.exists():
                self.assertFalse(moved.done(), "the output was computed before anybody could see it")
            self.emulator.kill()
            with self.assertRaises((AssertionError, OSError)):
                moved.result()
        self.assertEqual([file.name for file in (self.emulator.folder / "s3").rglob("*.out")], [], "nothing is in the bucket")
        self.emulator.start()
        self.connect()
        self.wait(arn, "Completed", step_s=3600)
        self.assert_ended_right(arn, n)

    def test_a_job_killed_while_it_stops_stops_with_what_it_had(self):
        self.upload(records(500))
        arn = self.create_job()
        self.wait(arn, "InProgress", step_s=20)
        self.emulator.advance(180)
        self.bedrock.stop_model_invocation_job(jobIdentifier=arn)
        self.kill()
        self.assertEqual(self.get_job(arn)["status"], "Stopping")
        job = self.wait(arn, "Stopped", step_s=10)
        self.kill()
        self.assertEqual(self.get_job(arn)["processedRecordCount"], job["processedRecordCount"])
        lines = self.objects()["records.jsonl.out"]
        self.assertTrue(0 < len(lines) < 500, len(lines))
        self.assertEqual(counts(lines), (job["processedRecordCount"],) * 2)
        self.assertEqual(prices.billed(self.emulator), prices.of_output(HAIKU, lines))

    def test_late_output_comes_after_kill_nine_too(self):
        self.emulator.faults({"fault": "late_results", "minutes": 10})
        self.upload(records(50))
        arn = self.create_job()
        self.wait(arn, "Completed")
        self.kill()
        self.assertEqual(self.objects(), {})
        self.emulator.advance(600)
        self.assert_ended_right(arn, 50)


class RandomMoments(DurableCase):
    ARGS = ("--speed", "1000")

    def test_a_job_of_20_000_records_survives_kills_at_random_moments(self):
        chance = random.Random(20261125)
        self.upload(records(MANY, max_tokens=16))
        arn, clock = self.create_job(), self.emulator.ask("clock")["now"]
        interrupted = 0
        for life in [self.for_a_time] * 2 + [self.until_written] * 6 + [self.for_a_time] * 2:
            life(chance, arn)
            self.kill()
            self.assert_whole()
            clock, before = self.emulator.ask("clock")["now"], clock
            self.assertGreaterEqual(clock, before)
            interrupted += self.get_job(arn)["status"] not in TERMINAL
        self.assertGreaterEqual(interrupted, 6)
        while self.get_job(arn)["status"] not in TERMINAL:
            self.assert_whole()
        self.assert_ended_right(arn, MANY)
        cost = prices.billed(self.emulator)
        self.kill()
        self.assertEqual(prices.billed(self.emulator), cost)

    def for_a_time(self, chance, _):
        """Lets the emulator live so long."""
        with self.assertRaises(subprocess.TimeoutExpired):
            self.emulator.process.wait(timeout=chance.uniform(0.01, LIFE_S_MAX))

    def until_written(self, chance, arn):
        """Lets the emulator live until it has written a part of the output."""
        enough = chance.uniform(0, WRITTEN_BYTES_MAX)
        spool = self.emulator.folder / "jobs" / arn.rsplit("/", 1)[1]
        while self.get_job(arn)["status"] not in TERMINAL:
            if sum(file.stat().st_size for file in spool.glob("0.out")) >= enough:
                return

    def assert_whole(self):
        for name, lines in self.objects().items():
            self.assertEqual(len(lines), 1 if name == "manifest.json.out" else MANY, name)


class Answers(DurableCase):
    THREADS = 8
    TOKENS = 10
    ASK = {"modelId": NOVA, "messages": [{"role": "user", "content": [{"text": f"Hello [[toy: tokens={TOKENS}]]"}]}]}

    def billed_calls(self):
        output = sum(line["tokens"] for line in self.emulator.bill()["lines"] if line["class"] == "output")
        calls, rest = divmod(output, self.TOKENS)
        self.assertEqual(rest, 0)
        return calls

    def test_whoever_got_an_answer_finds_the_call_on_the_bill_after_kill_nine(self):
        answered = 0
        for _ in range(3):
            runtime = self.emulator.client("bedrock-runtime", max_pool_connections=self.THREADS)
            self.addCleanup(runtime.close)
            enough, lock, got = threading.Event(), threading.Lock(), [0]

            def hammer():
                while True:
                    try:
                        runtime.converse(**self.ASK)
                    except (BotoCoreError, ClientError):
                        return
                    with lock:
                        got[0] += 1
                        if got[0] >= 100:
                            enough.set()

            with concurrent.futures.ThreadPoolExecutor(self.THREADS) as threads:
                hammers = [threads.submit(hammer) for _ in range(self.THREADS)]
                self.assertTrue(enough.wait(timeout=60))
                self.emulator.kill()
                for one in hammers:
                    one.result()
            self.emulator.start()
            self.connect()
            answered += got[0]
            unanswered = self.billed_calls() - answered
            self.assertTrue(0 <= unanswered <= self.THREADS, (self.billed_calls(), answered))
            answered = self.billed_calls()
        self.assertGreaterEqual(answered, 300)


class Objects(DurableCase):
    SIZE = 64_000_000

    def test_an_upload_that_is_killed_leaves_the_object_as_it_was(self):
        self.s3.put_object(Bucket=BUCKET, Key="kept", Body=b"as it was")
        buckets = self.emulator.folder / "s3"
        before = {path.name for path in buckets.iterdir()}
        for key in ("kept", "fresh"):
            with concurrent.futures.ThreadPoolExecutor(1) as thread:
                sent = thread.submit(self.s3.put_object, Bucket=BUCKET, Key=key, Body=b"x" * self.SIZE)
                while not any(path.suffix == ".part" for path in buckets.iterdir()):
                    self.assertFalse(sent.done(), "the upload ended before anybody could see it")
                self.emulator.kill()
                self.assertIsInstance(sent.exception(), BotoCoreError)
            self.emulator.start()
            self.connect()
        listed = {entry["Key"]: entry["Size"] for entry in self.s3.list_objects_v2(Bucket=BUCKET)["Contents"]}
        self.assertEqual(listed, {"kept": len(b"as it was")})
        self.assertEqual(self.s3.get_object(Bucket=BUCKET, Key="kept")["Body"].read(), b"as it was")
        self.assertEqual({path.name for path in buckets.iterdir()}, before, "nothing is left behind")

    def test_parts_of_an_upload_survive_and_complete_it_after_kill_nine(self):
        upload = {"Bucket": BUCKET, "Key": "in-parts"}
        upload_id = self.s3.create_multipart_upload(**upload)["UploadId"]
        parts = []
        for number in (1, 2, 3):
            body = bytes([64 + number]) * 5_242_880
            etag = self.s3.upload_part(**upload, UploadId=upload_id, PartNumber=number, Body=body)["ETag"]
            parts.append({"PartNumber": number, "ETag": etag})
            self.kill()
            self.assertEqual(self.s3.list_objects_v2(Bucket=BUCKET)["KeyCount"], 0, "it is no object yet")
        self.s3.complete_multipart_upload(**upload, UploadId=upload_id, MultipartUpload={"Parts": parts})
        self.kill()
        self.assertEqual(self.s3.head_object(**upload)["ContentLength"], 3 * 5_242_880)


class Tokens(DurableCase):
    def test_one_token_at_once_from_many_clients_makes_one_job(self):
        self.upload(records(2))
        patient = self.emulator.client("bedrock", max_pool_connections=8)
        self.addCleanup(patient.close)
        self.bedrock = patient
        with concurrent.futures.ThreadPoolExecutor(8) as threads:
            arns = set(threads.map(lambda i: self.create_job(f"job-{i}", clientRequestToken="same"), range(32)))
        self.assertEqual(len(arns), 1)
        self.kill()
        self.assertEqual(self.create_job("later", clientRequestToken="same"), arns.pop())
        self.assertEqual(len(self.bedrock.list_model_invocation_jobs()["invocationJobSummaries"]), 1)


class Settings(DurableCase):
    def test_what_was_set_over_the_api_is_there_after_kill_nine(self):
        self.upload(records(2))
        token = {"clientRequestToken": "remembered"}
        arn = self.create_job("tagged", tags=[{"key": "team", "value": "search"}], **token)
        self.bedrock.tag_resource(resourceARN=arn, tags=[{"key": "stage", "value": "test"}, {"key": "gone", "value": "soon"}])
        self.bedrock.untag_resource(resourceARN=arn, tagKeys=["gone"])
        config = {"s3Config": {"bucketName": BUCKET, "keyPrefix": "logs"}, "textDataDeliveryEnabled": False}
        self.bedrock.put_model_invocation_logging_configuration(loggingConfig=config)
        source = {"copyFrom": f"arn:aws:bedrock:us-east-1::foundation-model/{NOVA}"}
        profiles = [
            self.bedrock.create_inference_profile(inferenceProfileName=name, modelSource=source)["inferenceProfileArn"]
            for name in ("kept", "dropped")
        ]
        self.bedrock.delete_inference_profile(inferenceProfileIdentifier=profiles[1])
        for _ in range(2):
            self.kill()
            self.assertEqual(self.create_job("another", **token), arn)
            tags = self.bedrock.list_tags_for_resource(resourceARN=arn)["tags"]
            self.assertCountEqual(tags, [{"key": "team", "value": "search"}, {"key": "stage", "value": "test"}])
            kept = self.bedrock.get_model_invocation_logging_configuration()["loggingConfig"]
            self.assertEqual({name: kept[name] for name in config}, config)
            listed = self.bedrock.list_inference_profiles(typeEquals="APPLICATION")["inferenceProfileSummaries"]
            self.assertEqual([(p["inferenceProfileName"], p["inferenceProfileArn"]) for p in listed], [("kept", profiles[0])])
        self.runtime.converse(modelId=profiles[0], messages=Answers.ASK["messages"])
        self.assertGreater(prices.billed(self.emulator), 0)

    def test_a_cached_prompt_is_read_after_kill_nine_until_it_expires(self):
        long = {"text": "A prompt that is worth keeping. " * 900}
        messages = [{"role": "user", "content": [long, {"cachePoint": {"type": "default"}}, {"text": "Hello"}]}]

        def ask():
            return self.runtime.converse(modelId=HAIKU, messages=messages, inferenceConfig={"maxTokens": 10})["usage"]

        written = ask()["cacheWriteInputTokens"]
        self.assertGreater(written, 4096)
        self.emulator.advance(299)
        self.kill()
        usage = ask()
        self.assertEqual((usage["cacheReadInputTokens"], usage["cacheWriteInputTokens"]), (written, 0))
        self.emulator.advance(299)
        self.kill()
        self.assertEqual(ask()["cacheReadInputTokens"], written, "a use refreshes it")
        self.emulator.advance(300)
        self.kill()
        usage = ask()
        self.assertEqual((usage["cacheReadInputTokens"], usage["cacheWriteInputTokens"]), (0, written))


if __name__ == "__main__":
    unittest.main()
