"""What can be done with submissions beside running them: status, cancel, retry, results, explain, redact, purge, reconcile."""

import json
import os
import signal
import subprocess
import time
import unittest
from decimal import Decimal

from emulated import BUCKET, HAIKU, ROLE
from program import BIN
from test_batch_run import ABORTED, BatchCase

DAY_S = 86_400


class Commands(BatchCase):
    def json(self, *args):
        done = self.laneshift(*args, "--format", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def detach(self, *until):
        """Begins a run, waits until its standard error shows something, and leaves it as Ctrl-C does."""
        command = [str(BIN), "batch", "run", str(self.input), "--model", HAIKU, "--role", ROLE, "--s3", f"s3://{BUCKET}/batch",
                   "--output", str(self.out), "--yes"]
        with subprocess.Popen(command, env=self.environment(), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
            seen = ""
            for line in process.stderr:
                seen += line
                if any(word in line for word in until):
                    break
            process.send_signal(signal.SIGINT)
            rest = process.stderr.read()
        self.assertEqual(process.returncode, 130, seen + rest)
        self.assertIn("`laneshift batch resume", rest)

    def files(self):
        """Everything that the queue's folder and the bucket hold."""
        held = {str(path): path.read_bytes() for path in (self.folder / "queue").rglob("*") if path.is_file()}
        client = self.emulator.client("s3")
        for object_ in client.list_objects_v2(Bucket=BUCKET).get("Contents", []):
            held[object_["Key"]] = client.get_object(Bucket=BUCKET, Key=object_["Key"])["Body"].read()
        client.close()
        return held


class Slow(Commands):
    """The emulator's clock goes at five minutes a second, so that a job lasts long enough to be looked at."""

    SPEED = "300"

    def test_ctrl_c_detaches_and_resume_continues_with_the_same_job(self):
        self.write(120)
        self.detach("InProgress", "Submitted", "Validating", "Scheduled")
        status = self.json("status")
        self.assertEqual((status["state"], status["records"]), ("open", 120))
        self.assert_whole(120, self.receipt(self.laneshift("resume", "--format", "json")))
        self.assertEqual(len(self.jobs()), 1)

    def test_status_works_beside_a_run(self):
        self.write(120)
        command = [str(BIN), "batch", "run", str(self.input), "--model", HAIKU, "--role", ROLE, "--s3", f"s3://{BUCKET}/batch",
                   "--output", str(self.out), "--yes"]
        with subprocess.Popen(command, env=self.environment(), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
            for line in process.stderr:
                if "[" in line:
                    break
            status = self.json("status")
            listed = self.json("list")
            early = self.json("results", "--output", self.folder / "early.jsonl")
            busy = self.laneshift("resume")
            process.stderr.read()
        self.assertEqual(process.returncode, 0)
        self.assertEqual((status["state"], len(status["attempts"]), status["attempts"][0]["lane"]), ("open", 1, "batch"))
        self.assertEqual([row["id"] for row in listed], [status["id"]])
        self.assertEqual((early["answered"], early["unanswered"], early["waiting"]), (0, 0, 120))
        self.assertEqual((busy.returncode, "another laneshift works in it" in busy.stderr, "stop it with Ctrl-C" in busy.stderr), (4, True, True))
        self.assertEqual(self.json("status", status["id"][:6])["id"], status["id"], "the beginning of an id is enough")
        self.assertEqual(self.laneshift("cancel", status["id"]).returncode, 3, "it is over")

    def test_a_cancelled_submission_stops_its_job_and_what_was_paid_is_told(self):
        self.write(150)
        self.detach("InProgress")
        done = self.laneshift("cancel", "--format", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        receipt = json.loads(done.stdout)
        self.assertEqual((receipt["answered"], receipt["cancelled"]), (0, 150))
        self.assertEqual([job["status"] for job in self.jobs()], ["Stopped"])
        self.assertEqual(Decimal(receipt["paid_usd"]), self.billed())
        self.assertEqual(receipt["paid_usd"], receipt["wasted_usd"], "nobody wanted it any more")
        again = self.run_batch()
        self.assertEqual(again.returncode, 3)
        self.assertIn("`laneshift batch retry", again.stderr)
        self.assert_whole(150, self.receipt(self.laneshift("retry", "--yes", "--format", "json")), paid_before=receipt)

    def assert_whole(self, n, receipt, paid_before=None):
        if paid_before is None:
            super().assert_whole(n, receipt)
            return
        self.assertEqual(len(self.answers()), n)
        self.assertEqual(Decimal(receipt["paid_usd"]) + Decimal(paid_before["paid_usd"]), self.billed())


    def test_f17_a_stop_that_takes_long_is_waited_for_and_what_completes_meanwhile_is_waste(self):
        self.write(150)
        self.emulator.faults({"fault": "F17", "minutes": 25})
        self.detach("InProgress")
        receipt = json.loads(self.laneshift("cancel", "--format", "json").stdout)
        self.assertEqual((receipt["answered"], receipt["cancelled"]), (0, 150))
        self.assertEqual((Decimal(receipt["paid_usd"]), receipt["wasted_usd"]), (self.billed(), receipt["paid_usd"]))


class After(Commands):
    def test_retry_runs_only_what_failed_and_delivers_all_of_it(self):
        self.write(400)
        self.emulator.faults({"fault": "F12", "share": 0.5})
        first = self.receipt(self.run_batch())
        self.assertGreater(first["failed"], 100)
        self.emulator.faults()
        second = self.receipt(self.laneshift("retry", first["id"], "--yes", "--format", "json"))
        self.assertEqual([line["recordId"] for line in self.answers()], [f"my-{i}" for i in range(400)])
        self.assertEqual(self.errors(), [])
        self.assertEqual(second["answered"], 400, "the answers of both")
        self.assertEqual(sum(a["records"] for a in second["attempts"]), first["failed"])
        self.assertEqual(Decimal(first["paid_usd"]) + Decimal(second["paid_usd"]), self.billed())
        nothing = self.laneshift("retry", first["id"], "--yes")
        self.assertEqual((nothing.returncode, "was answered" in nothing.stderr), (0, True))

    def test_results_are_the_same_bytes_again(self):
        self.write(130)
        self.receipt(self.run_batch())
        other = self.folder / "other" / "again.jsonl"
        self.assertEqual(self.json("results", "--output", other), {"answered": 130, "unanswered": 0, "waiting": 0, "erased": 0})
        self.assertEqual(other.read_bytes(), self.out.read_bytes())

    def test_explain_tells_what_happened_to_a_record(self):
        self.write(200)
        self.emulator.faults({"fault": "F04", "times": 1})
        self.receipt(self.run_batch())
        self.emulator.faults()
        story = self.json("explain", "my-7")
        self.assertEqual((story["name"], story["line"], story["outcome"]), ("my-7", 8, "answered"))
        told = " | ".join(event["what"] for event in story["events"])
        for words in ["accepted", "ended as Expired", "ended as Completed", "answered by"]:
            self.assertIn(words, told)
        self.assertEqual(self.json("explain", story["record"]), story)
        missing = self.laneshift("explain", "my-700")
        self.assertEqual((missing.returncode, "find record my-700" in missing.stderr), (3, True))
        self.assertEqual(self.json("explain", "line-8"), story, "a record with an id of its own has a line too")

    def test_a_redacted_record_is_in_no_object_and_the_others_are_as_they_were(self):
        self.write(160)
        self.receipt(self.run_batch())
        before = self.answers()
        secret = b'question 33"'
        self.assertTrue(any(secret in held for held in self.files().values()))
        done = self.laneshift("redact", "my-33")
        self.assertEqual((done.returncode, "my-33 is erased" in done.stdout), (0, True), done.stderr)
        self.assertEqual([path for path, held in self.files().items() if secret in held or b"question 33 " in held], [])
        self.assertEqual(self.json("results", "--output", self.out)["erased"], 1)
        self.assertEqual(self.answers(), [line for line in before if line["recordId"] != "my-33"])

    def test_a_purged_submission_leaves_nothing_but_the_books(self):
        self.write(110)
        id_ = self.receipt(self.run_batch())["id"]
        done = self.laneshift("purge", id_)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.json("list"), [])
        held = self.files()
        self.assertEqual([path for path, bytes_ in held.items() if b"question 33" in bytes_], [])
        self.assertEqual([path for path in held if path.startswith("batch/")], [])

    def test_an_open_submission_is_not_purged(self):
        self.write(110)
        self.assertEqual(self.run_batch(die_after="intended").returncode, ABORTED)
        id_ = self.json("list")[0]["id"]
        done = self.laneshift("purge", id_)
        self.assertEqual((done.returncode, "without a result" in done.stderr), (4, True))
        self.assert_whole(110, self.receipt(self.laneshift("resume", "--format", "json")))


class Reconcile(Commands):
    def test_a_job_whose_creation_was_not_noted_is_adopted(self):
        self.write(120)
        self.assertEqual(self.run_batch(die_after="created").returncode, ABORTED)
        found = self.json("reconcile")
        self.assertEqual(len(found["adopted"]), 1)
        self.assert_whole(120, self.receipt(self.laneshift("resume", "--format", "json")))
        self.assertEqual(len(self.jobs()), 1)

    def test_a_job_of_another_queue_is_told_and_left_alone(self):
        self.write(120)
        self.receipt(self.run_batch())
        os.rename(self.folder / "queue", self.folder / "lost")
        found = self.json("reconcile")
        self.assertEqual([job["state"] for job in found["foreign"]], ["Completed"])

    def test_objects_that_nothing_refers_to_are_told_and_deleted_when_asked(self):
        self.write(120)
        self.receipt(self.run_batch())
        stray = self.folder / "queue" / "spool" / "0000000000007.lsc"
        young = self.folder / "queue" / "spool" / "0000000000008.lsc"
        stray.write_bytes(b"never accepted")
        young.write_bytes(b"being accepted")
        os.utime(stray, (time.time() - 2 * DAY_S,) * 2)
        self.assertEqual(self.json("reconcile")["objects"], ["spool/0000000000007.lsc"])
        self.assertEqual(self.json("reconcile", "--delete")["objects"], ["spool/0000000000007.lsc"])
        self.assertEqual((stray.exists(), young.exists()), (False, True))
        self.json("results", "--output", self.out)
        self.assertEqual(len(self.answers()), 120)


class Doctor(Commands):
    def ask(self, *more, role=ROLE, bucket=BUCKET):
        done = self.laneshift("doctor", "--model", HAIKU, "--role", role, "--s3", f"s3://{bucket}/batch", "--format", "json", *more)
        return done, {check["what"]: check["verdict"] for check in json.loads(done.stdout)["checks"]}

    def test_what_is_there_is_found_and_nothing_is_changed(self):
        before = self.files()
        done, checks = self.ask()
        self.assertEqual(done.returncode, 0, done.stderr)
        for what in ["bucket", "model", "batch", "jobs", "quotas"]:
            self.assertEqual(checks[what], "ok", done.stdout)
        self.assertEqual((self.files(), self.jobs()), (before, []))
        self.assertFalse((self.folder / "queue").exists())

    def test_what_is_missing_is_said_with_the_policies_to_grant(self):
        self.emulator.faults({"fault": "error", "error": "AccessDeniedException", "operation": "ListModelInvocationJobs"})
        done, checks = self.ask(role="BatchRole", bucket="nobodys-bucket")
        self.assertEqual((done.returncode, checks["role"], checks["bucket"], checks["jobs"]), (1, "missing", "missing", "missing"))
        policies = {policy["for"]: json.dumps(policy["policy"]) for policy in json.loads(done.stdout)["policies"]}
        self.assertIn("bedrock:ListModelInvocationJobs", policies["the caller's permissions"])
        self.assertIn("arn:aws:s3:::nobodys-bucket/batch/*", policies["the role's permissions"])
        self.assertIn("sts:AssumeRole", policies["the role's trust policy"])


del BatchCase

if __name__ == "__main__":
    unittest.main()
