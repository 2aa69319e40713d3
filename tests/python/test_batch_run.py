"""`laneshift batch run` against the emulator: every record answered once, through crashes and ugly providers, and paid for once."""

import fcntl
import json
import pathlib
import subprocess
import tempfile
import unittest
from decimal import Decimal

from emulated import BUCKET, HAIKU, ROLE, Emulator, claude
from program import BIN

# Quick, so that a test that starts several jobs one after another stays short.
SETTINGS = "[turnaround]\nqueue_median_min = 5.0\nqueue_sigma = 0.1\ntail_share = 0.0\n"
# Every durable step, in order, as the engine names it.
STEPS = [
    "accepting",
    "accepted",
    "intended",
    "part uploaded",
    "uploaded",
    "created",
    "created and noted",
    "ended",
    "harvested",
    "result written",
    "settled",
    "booked",
    "closed",
    "output written",
    "delivered",
]
ABORTED = -6


class BatchCase(unittest.TestCase):
    SETTINGS = SETTINGS
    SPEED = "15000"

    def setUp(self):
        self.emulator = Emulator("--speed", self.SPEED, settings=self.SETTINGS)
        self.addCleanup(self.emulator.close)
        client = self.emulator.client("s3")
        client.create_bucket(Bucket=BUCKET)
        client.close()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.input, self.out = self.folder / "in.jsonl", self.folder / "out.jsonl"

    def write(self, n, **more):
        records = [{"recordId": f"my-{i}", "modelInput": claude(f"question {i}", **more)} for i in range(n)]
        self.input.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")

    def environment(self, poll_s="0.02"):
        return {
            "PATH": "/usr/bin:/bin",
            "AWS_ENDPOINT_URL": self.emulator.info["url"],
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": self.emulator.info["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": self.emulator.info["secret_access_key"],
            "LANESHIFT_BATCH_DATA": str(self.folder / "queue"),
            "LANESHIFT_BATCH_POLL_S": poll_s,
        }

    def laneshift(self, *args, die_after=None, **process):
        environment = self.environment() | ({"LANESHIFT_DIE_AFTER": die_after} if die_after else {})
        command = [str(BIN), "batch", *map(str, args)]
        return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False, **process)

    def arguments(self, model=HAIKU):
        return (
            "run", self.input, "--model", model, "--role", ROLE, "--s3", f"s3://{BUCKET}/batch", "--output", self.out,
            "--yes", "--format", "json",
        )

    def run_batch(self, *more, model=HAIKU, die_after=None, **process):
        return self.laneshift(*self.arguments(model), *more, die_after=die_after, **process)

    def receipt(self, done):
        self.assertIn(done.returncode, (0, 1), done.stderr)
        receipt = json.loads(done.stdout)
        unanswered = receipt["failed"] + receipt["expired"] + receipt["cancelled"]
        self.assertEqual(done.returncode, min(unanswered, 1), "1 says that requests have no answer")
        return receipt

    def error(self, done, code):
        """What a command that failed says to machines: the last line it writes."""
        self.assertEqual(done.returncode, code, done.stderr)
        return json.loads(done.stderr.splitlines()[-1])["error"]

    def answers(self, path=None):
        path = path or self.out
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def errors(self):
        path = self.folder / "out.errors.jsonl"
        return self.answers(path) if path.exists() else []

    def jobs(self):
        client = self.emulator.client("bedrock")
        found = client.list_model_invocation_jobs(maxResults=1000)["invocationJobSummaries"]
        client.close()
        return found

    def billed(self):
        return sum(Decimal(line["costUsd"]) for line in self.emulator.bill()["lines"])

    def assert_whole(self, n, receipt):
        """Every record once, in order; the receipt is the bill."""
        answers, errors = self.answers(), self.errors()
        ids = [line["recordId"] for line in answers]
        self.assertEqual(ids, sorted(ids, key=lambda text: int(text[3:])), "in the order of the input")
        self.assertEqual(sorted(ids + [line["recordId"] for line in errors]), sorted(f"my-{i}" for i in range(n)))
        self.assertEqual((receipt["answered"], receipt["failed"]), (len(answers), len(errors)))
        for line in answers:
            self.assertIn(line["recordId"][3:], line["modelInput"]["messages"][0]["content"].split())
        self.assertEqual(Decimal(receipt["paid_usd"]), self.billed())


class Run(BatchCase):
    def test_a_file_is_answered_in_its_order_for_half_the_price_of_on_demand(self):
        self.write(300)
        receipt = self.receipt(self.run_batch())
        self.assert_whole(300, receipt)
        self.assertEqual(receipt["failed"], 0)
        self.assertEqual(len(self.jobs()), 1)
        self.assertEqual(Decimal(receipt["on_demand_usd"]), 2 * Decimal(receipt["paid_usd"]))

    def test_the_same_command_again_pays_nothing_more(self):
        self.write(120)
        first = self.receipt(self.run_batch())
        before = self.out.read_bytes()
        self.out.unlink()
        again = self.receipt(self.run_batch())
        self.assertEqual((again, self.out.read_bytes()), (first, before))
        self.assertEqual(len(self.jobs()), 1)

    def test_converse_records_run_as_converse(self):
        records = [{"modelInput": {"messages": [{"role": "user", "content": [{"text": f"question {i}"}]}]}} for i in range(100)]
        self.input.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
        self.receipt(self.run_batch())
        self.assertEqual([job["modelInvocationType"] for job in self.jobs()], ["Converse"])
        self.assertEqual([line["recordId"] for line in self.answers()][:2], ["line-1", "line-2"])

    def test_bad_lines_are_all_named_and_nothing_is_accepted(self):
        self.write(120)
        lines = self.input.read_text(encoding="utf-8").splitlines()
        lines[3] = "{\"recordId\":\"my-3\"}"
        lines[7] = lines[6]
        lines[9] = "no JSON secret-prompt"
        self.input.write_text("\n".join(lines) + "\n", encoding="utf-8")
        done = self.run_batch()
        self.assertEqual(done.returncode, 3)
        for words in ["3 lines", "line 4: modelInput is missing", "line 8: its id occurs before, on line 7", "line 10: not a JSON"]:
            self.assertIn(words, done.stderr)
        self.assertNotIn("secret-prompt", done.stderr)
        self.assertEqual(json.loads(self.laneshift("list", "--format", "json").stdout), [])

    def test_too_few_records_are_filled_up_or_called_whichever_is_cheaper(self):
        self.write(99)
        done = self.run_batch()
        self.assertIn("filled up by 1 to the 100 that a job needs", done.stderr)
        receipt = self.receipt(done)
        self.assert_whole(99, receipt)
        self.assertEqual([a["lane"] for a in receipt["attempts"]], ["batch"], "99 in batch and a filler are half of 99 on demand")

    def test_a_role_that_may_not_be_passed_is_said_and_can_be_mended(self):
        self.write(100)
        self.emulator.faults({"fault": "access_denied", "times": 1})
        done = self.run_batch()
        self.assertEqual(done.returncode, 4)
        self.assertIn("iam:PassRole", done.stderr)
        self.assert_whole(100, self.receipt(self.laneshift("resume", "--format", "json")))

    def test_two_runs_on_one_folder_do_not_meet(self):
        self.write(100)
        (self.folder / "queue").mkdir()
        with open(self.folder / "queue" / "queue.lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = self.run_batch()
        self.assertEqual(done.returncode, 4)
        self.assertIn("another laneshift works in", done.stderr)


class Nowhere(BatchCase):
    def test_what_can_run_in_no_lane_is_not_accepted(self):
        self.write(100)
        done = self.run_batch("--rescue", "none", "--region", "us-west-2", model="amazon.nova-lite-v1:0")
        self.assertEqual((done.returncode, "no on-demand lane may be used" in done.stderr), (3, True), done.stderr)
        self.assertEqual(json.loads(self.laneshift("list", "--format", "json").stdout), [])


class Quotas(BatchCase):
    SETTINGS = SETTINGS + (
        '[quotas]\n"Records per batch inference job for Claude Haiku 4.5" = 150\n'
        '"Sum of in-progress and submitted batch inference jobs using a base model for Claude Haiku 4.5" = 2\n'
    )

    def test_jobs_keep_within_the_quotas_as_they_are_read(self):
        self.write(501)
        receipt = self.receipt(self.run_batch())
        self.assert_whole(501, receipt)
        self.assertEqual(sorted(job["totalRecordCount"] for job in self.jobs()), [125, 125, 125, 126])


class Crashes(BatchCase):
    def test_a_death_after_each_durable_step_loses_nothing_and_pays_nothing_twice(self):
        for number, step in enumerate(STEPS):
            with self.subTest(step):
                if number:
                    self.doCleanups()
                    self.setUp()
                self.write(110)
                died = self.run_batch(die_after=step)
                self.assertEqual(died.returncode, ABORTED, died.stderr)
                receipt = self.receipt(self.run_batch())
                self.assert_whole(110, receipt)
                self.assertEqual(receipt["failed"], 0)
                self.assertEqual(len(self.jobs()), 1, "one job, whatever step was the last")


class Provider(BatchCase):
    """What a provider can do to a client."""

    def run_under(self, n, *rules):
        self.write(n)
        self.emulator.faults(*rules)
        receipt = self.receipt(self.run_batch())
        self.emulator.faults()
        self.assert_whole(n, receipt)
        return receipt

    def test_f05_the_rest_of_a_job_that_was_cut_short_runs_in_another_and_what_was_paid_is_kept(self):
        receipt = self.run_under(300, {"fault": "F05", "share": 0.5, "times": 1})
        self.assertEqual((receipt["failed"], receipt["wasted_usd"]), (0, "0"))
        self.assertEqual(sorted(job["status"] for job in self.jobs()), ["Completed", "PartiallyCompleted"])
        self.assertEqual(sum(job["successRecordCount"] for job in self.jobs()), 300)

    def test_f04_an_expired_job_is_tried_again(self):
        receipt = self.run_under(150, {"fault": "F04", "times": 1})
        self.assertEqual([receipt["failed"], sorted(job["status"] for job in self.jobs())], [0, ["Completed", "Expired"]])

    def test_f06_a_lost_answer_makes_no_second_job(self):
        receipt = self.run_under(150, {"fault": "F06", "times": 1})
        self.assertEqual((receipt["failed"], len(self.jobs())), (0, 1))

    def test_f09_missing_and_repeated_lines_are_joined_by_id(self):
        self.write(3000)
        self.emulator.faults({"fault": "F09", "times": 1})
        receipt = self.receipt(self.run_batch())
        answers, errors = self.answers(), self.errors()
        self.assertEqual(len({line["recordId"] for line in answers + errors}), 3000)
        self.assertEqual(len(answers) + len(errors), 3000)
        self.assertEqual(receipt["failed"], 0, "what was missing ran again")
        self.assertEqual(len(self.jobs()), 2)

    def test_f10_errors_inside_the_output_are_errors(self):
        receipt = self.run_under(1000, {"fault": "F10", "share": 0.3, "times": 1})
        self.assertEqual((receipt["failed"], len(self.jobs())), (0, 2), "server errors ran again")

    def test_f12_records_that_fail_for_good_stand_in_the_file_of_errors(self):
        receipt = self.run_under(200, {"fault": "F12", "share": 0.4})
        self.assertGreater(receipt["failed"], 40)
        self.assertEqual({line["error"]["errorCode"] for line in self.errors()}, {400})

    def test_f13_a_job_that_is_not_found_at_first_is_not_abandoned(self):
        receipt = self.run_under(120, {"fault": "F13"})
        self.assertEqual((receipt["failed"], len(self.jobs())), (0, 1))

    def test_f14_output_that_comes_late_or_cut_is_waited_for(self):
        for fault in ["truncated_output", "late_results"]:
            with self.subTest(fault):
                if fault != "truncated_output":
                    self.doCleanups()
                    self.setUp()
                receipt = self.run_under(150, {"fault": fault, "minutes": 10})
                self.assertEqual((receipt["failed"], len(self.jobs())), (0, 1))

    def test_f16_throttling_is_waited_out(self):
        receipt = self.run_under(150, {"fault": "F16", "rate": 0.3})
        self.assertEqual((receipt["failed"], len(self.jobs())), (0, 1))

    def test_f18_counters_that_stay_zero_hide_no_cost(self):
        receipt = self.run_under(150, {"fault": "F18"})
        self.assertGreater(Decimal(receipt["paid_usd"]), 0)

    def test_f02_a_full_quota_of_jobs_is_waited_for(self):
        receipt = self.run_under(150, {"fault": "F02", "times": 4})
        self.assertEqual((receipt["failed"], len(self.jobs())), (0, 1))

    def test_f11_answers_that_were_cut_are_answers_and_are_counted(self):
        receipt = self.run_under(200, {"fault": "F11", "share": 0.3})
        self.assertEqual((receipt["answered"], len(self.jobs())), (200, 1), "they are not asked for again")
        self.assertGreater(receipt["cut"], 30)

    def test_f25_a_call_that_is_not_answered_is_made_again(self):
        receipt = self.run_under(120, {"fault": "F25", "minutes": 0.01, "times": 3})
        self.assertEqual((receipt["failed"], len(self.jobs())), (0, 1))

    def test_f26_an_arn_with_slashes_reaches_its_model(self):
        client = self.emulator.client("bedrock")
        arn = client.get_inference_profile(inferenceProfileIdentifier=HAIKU)["inferenceProfileArn"]
        client.close()
        self.write(120)
        receipt = self.receipt(self.run_batch(model=arn))
        self.assert_whole(120, receipt)
        self.write(20)
        self.assertEqual(self.receipt(self.run_batch("--deadline", "20m", "--overwrite", model=arn))["answered"], 20)

    def test_f07_the_same_file_for_two_queues_is_two_jobs_with_tokens_of_their_own(self):
        self.write(120)
        receipts = [self.receipt(self.run_batch("--overwrite", "--data", self.folder / name)) for name in ("one", "two")]
        self.assertEqual(len({job["jobArn"] for job in self.jobs()}), 2)
        self.assertEqual(len({job["clientRequestToken"] for job in self.jobs()}), 2)
        self.assertEqual(sum(Decimal(receipt["paid_usd"]) for receipt in receipts), self.billed())

    def test_f19_of_two_that_resume_at_once_one_delivers_and_books(self):
        self.write(150)
        self.assertEqual(self.run_batch(die_after="created").returncode, ABORTED)
        command = [str(BIN), "batch", "resume", "--format", "json"]
        both = [
            subprocess.Popen(command, env=self.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        ended = [(*process.communicate(timeout=120), process.returncode) for process in both]
        receipts = [json.loads(out) for out, _, code in ended if code == 0 and out]
        self.assertGreaterEqual(len(receipts), 1, ended)
        for _, said, code in ended:
            self.assertTrue(code == 0 or "another laneshift works in" in said, said)
        self.assert_whole(150, receipts[0])
        self.assertEqual(len(self.jobs()), 1)

    def test_f20_announcements_that_are_lost_late_or_repeated_are_not_relied_on(self):
        for fault in ["events_lost", "events_twice", "events_late"]:
            with self.subTest(fault):
                if fault != "events_lost":
                    self.doCleanups()
                    self.setUp()
                receipt = self.run_under(150, {"fault": fault, "minutes": 600})
                self.assertEqual((receipt["failed"], len(self.jobs())), (0, 1))

    def test_f15_a_bucket_that_the_role_cannot_read_is_said(self):
        self.write(100)
        self.emulator.faults({"fault": "role_denied", "times": 1})
        done = self.run_batch()
        self.assertEqual(done.returncode, 4)
        self.assertIn("has no permission to read", done.stderr)
        self.assert_whole(100, self.receipt(self.laneshift("resume", "--format", "json")))


if __name__ == "__main__":
    unittest.main()
