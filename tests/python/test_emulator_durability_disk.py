"""A disk that takes no more of the journal: calls are refused and free, and nothing is half done afterwards.

The limit on the size of a file stands for the full disk; what is smaller than the journal can still be written.
"""

import resource
import unittest

import prices
from emulated import BUCKET, HAIKU, HOUR_S, EmulatedCase, records
from test_emulator_faults import HELLO, settings


class FullDisk(EmulatedCase):
    SETTINGS = settings(minimum=1)

    def setUp(self):
        super().setUp()
        self.emulator.kill()
        # Python ignores the signal that a write over the limit sends, and so the emulator sees an error.
        self.emulator.start(restore_signals=False)
        self.connect()

    def limit(self, journal_bytes):
        """Lets the journal grow by so much from here."""
        size = (self.emulator.folder / "journal.ndjson").stat().st_size + journal_bytes
        resource.prlimit(self.emulator.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def lift(self):
        infinite = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(self.emulator.process.pid, resource.RLIMIT_FSIZE, infinite)

    def spoken(self):
        usage = self.runtime.converse(**HELLO)["usage"]
        return prices.cost(HAIKU, "on_demand", input=usage["inputTokens"], output=usage["outputTokens"])

    def test_a_call_that_cannot_be_journalled_is_refused_and_free_and_others_follow(self):
        cost = self.spoken()
        for room in (0, 1, 100, 200):
            self.limit(room)
            with self.refused("InternalServerException", 500, "journal"):
                self.spoken()
            self.assertEqual(prices.billed(self.emulator), cost)
            self.lift()
            cost += self.spoken()
        self.emulator.restart()
        self.assertEqual(prices.billed(self.emulator), cost, "what was written in part is in no one's way")

    def test_a_job_that_cannot_be_journalled_is_not_created(self):
        self.upload(records(2))
        self.limit(50)
        with self.refused("InternalServerException", 500):
            self.create_job("unwritten", clientRequestToken="again")
        self.assertEqual(self.bedrock.list_model_invocation_jobs()["invocationJobSummaries"], [])
        self.lift()
        arn = self.create_job("written", clientRequestToken="again")
        self.emulator.restart()
        self.connect()
        self.assertEqual(self.get_job(arn)["jobName"], "written")

    def test_a_job_whose_output_was_moved_before_its_end_was_written_ends_once(self):
        """The moment between the two that no kill hits by chance."""
        self.upload(records(20))
        arn = self.create_job()
        self.wait(arn, "InProgress")
        self.limit(0)
        self.emulator.advance(86_400)
        self.assertEqual((self.get_job(arn)["status"], prices.billed(self.emulator)), ("InProgress", 0))
        lines = self.output(arn)
        self.assertEqual(len(lines), 20, "the output is there, and whole")
        self.emulator.restart()
        self.connect()
        job = self.wait(arn, "Completed")
        self.assertEqual((self.output(arn), self.manifest(arn)["successRecordCount"]), (lines, 20))
        self.assertEqual(job["successRecordCount"], 20)
        self.assertEqual(prices.billed(self.emulator), prices.of_output(HAIKU, lines))
        found = self.s3.list_objects_v2(Bucket=BUCKET, Prefix="out/")["Contents"]
        self.assertEqual(len(found), 2)

    def test_a_job_whose_step_cannot_be_journalled_holds_up_no_other(self):
        """What a long run came to is a longer entry than the steps of another job."""
        self.emulator.kill()
        journal = self.emulator.folder / "journal.ndjson"
        # Longer than the output of the jobs, which the limit is not for.
        journal.write_text(journal.read_text() + 20_000 * journal.read_text().splitlines(keepends=True)[-1])
        self.emulator.start(restore_signals=False)
        self.connect()
        self.upload(records(2000, max_tokens=1))
        large = self.create_job("large")
        self.wait(large, "Scheduled")
        self.upload(records(2), key="small/records.jsonl")
        source = {"s3InputDataConfig": {"s3Uri": f"s3://{BUCKET}/small/"}}
        small = self.create_job("small", inputDataConfig=source)
        self.limit(20_000)
        self.emulator.advance(20 * HOUR_S)
        self.assertEqual((self.get_job(large)["status"], self.get_job(small)["status"]), ("InProgress", "Completed"))
        self.lift()
        self.assertEqual(self.wait(large)["successRecordCount"], 2000)

    def test_logs_that_were_written_before_that_was_noted_are_delivered_once(self):
        config = {"s3Config": {"bucketName": BUCKET, "keyPrefix": "logs"}}
        self.bedrock.put_model_invocation_logging_configuration(loggingConfig=config)
        self.spoken()
        self.limit(0)
        self.emulator.ask("flush", method="POST")
        first = self.logs()
        self.assertEqual(len(first), 1)
        self.lift()
        self.spoken()
        self.emulator.restart()
        self.connect()
        self.emulator.ask("flush", method="POST")
        self.assertEqual(set(self.logs()), set(first), "the same object, written over")
        self.assertNotEqual(self.logs(), first, "with both records")

    def logs(self):
        found = self.s3.list_objects_v2(Bucket=BUCKET, Prefix="logs/").get("Contents", [])
        return {entry["Key"]: entry["Size"] for entry in found}


if __name__ == "__main__":
    unittest.main()
