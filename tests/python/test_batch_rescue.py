"""Records that batch cannot answer in time, or that are too few for a job, are called on demand: once each, and paid for as booked."""

import json
import pathlib
import signal
import subprocess
import unittest
from decimal import Decimal

from emulated import BUCKET, HAIKU
from program import BIN
from test_batch_run import ABORTED, BatchCase

CALL_STEPS = ["calls intended", "called", "calls written", "calls settled", "calls booked", "calls closed"]


class Rescue(BatchCase):
    def urgent(self, *more, model=HAIKU):
        return self.run_batch("--deadline", "20m", *more, model=model)

    def test_what_no_job_can_answer_in_time_is_called_at_once(self):
        self.write(300)
        receipt = self.receipt(self.urgent("--rescue", "on-demand"))
        self.assert_whole(300, receipt)
        self.assertEqual({a["lane"] for a in receipt["attempts"]}, {"on_demand"})
        self.assertEqual((self.jobs(), receipt["saved_usd"], receipt["promise"]), ([], "0", "guaranteed"))

    def test_converse_records_are_called_as_converse(self):
        records = [{"modelInput": {"messages": [{"role": "user", "content": [{"text": f"question {i}"}]}]}} for i in range(20)]
        self.input.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
        receipt = self.receipt(self.urgent("--rescue", "on-demand"))
        self.assertEqual((receipt["answered"], Decimal(receipt["paid_usd"])), (20, self.billed()))

    def test_the_cheaper_tier_is_taken_where_the_model_has_it(self):
        nova = "us.amazon.nova-2-lite-v1:0"
        records = [{"modelInput": {"messages": [{"role": "user", "content": [{"text": f"question {i}"}]}]}} for i in range(20)]
        self.input.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
        done = self.urgent(model=nova)
        receipt = self.receipt(done)
        self.assertEqual({a["lane"] for a in receipt["attempts"]}, {"flex"}, done.stderr)
        self.assertEqual(Decimal(receipt["paid_usd"]), self.billed())

    def test_a_deadline_that_cannot_be_met_is_refused_with_the_earliest_that_can(self):
        self.write(300)
        done = self.urgent("--rescue-tpm", "1000", "--guarantee")
        self.assertEqual(done.returncode, 3)
        self.assertIn("cannot be guaranteed", done.stderr)
        self.assertRegex(done.stderr, r"20\d\d-\d\d-\d\dT\S+Z could be")
        self.assertEqual(json.loads(self.laneshift("list", "--format", "json").stdout), [])
        self.assertEqual(list((self.folder / "queue" / "spool").glob("*.lsc")), [], "nothing of it stays")

    def test_without_a_lane_to_rescue_to_a_deadline_is_best_effort(self):
        self.write(100)
        receipt = self.receipt(self.urgent("--rescue", "none"))
        self.assertEqual(receipt["promise"], "best_effort")
        self.assert_whole(100, receipt)

    def test_few_records_are_called_where_filling_a_job_up_costs_more(self):
        self.write(3)
        receipt = self.receipt(self.run_batch())
        self.assert_whole(3, receipt)
        self.assertEqual([a["lane"] for a in receipt["attempts"]], ["on_demand"], "97 fillers cost more than three calls")

    def test_records_that_a_call_refuses_fail_and_throttling_is_waited_out(self):
        self.write(60)
        self.emulator.faults({"fault": "F16", "rate": 0.3})
        receipt = self.receipt(self.urgent("--rescue", "on-demand"))
        self.emulator.faults()
        self.assert_whole(60, receipt)
        self.assertEqual(receipt["failed"], 0)


    def test_ctrl_c_waits_for_the_answers_that_are_paid_for(self):
        self.write(400)
        self.emulator.faults({"fault": "F16", "rate": 0.2})
        command = [str(BIN), "batch", *map(str, self.arguments()), "--deadline", "20m", "--rescue", "on-demand"]
        with subprocess.Popen(command, env=self.environment(), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
            while not self.billed():
                self.assertIsNone(process.poll(), "it was too quick")
            process.send_signal(signal.SIGINT)
            told = process.stderr.read()
        self.assertEqual(process.returncode, 130, told)
        self.emulator.faults()
        receipt = self.receipt(self.laneshift("resume", "--format", "json"))
        self.assert_whole(400, receipt)
        self.assertEqual((receipt["wasted_usd"], receipt["paid_at_most_usd"]), ("0", receipt["paid_usd"]))


class Crashes(BatchCase):
    def logs(self):
        """What the emulator has logged, as somebody would sync it from S3."""
        self.emulator.ask("flush", {})
        folder = self.folder / "logs"
        client = self.emulator.client("s3")
        for object_ in client.list_objects_v2(Bucket=BUCKET, Prefix="logs/").get("Contents", []):
            path = folder / object_["Key"]
            path.parent.mkdir(parents=True, exist_ok=True)
            client.download_file(BUCKET, object_["Key"], str(path))
        client.close()
        return pathlib.Path(folder)

    def test_a_death_after_each_step_of_a_call_answers_all_once_and_the_logs_settle_what_was_paid(self):
        for number, step in enumerate(CALL_STEPS):
            with self.subTest(step):
                if number:
                    self.doCleanups()
                    self.setUp()
                client = self.emulator.client("bedrock")
                client.put_model_invocation_logging_configuration(
                    loggingConfig={"s3Config": {"bucketName": BUCKET, "keyPrefix": "logs"}, "textDataDeliveryEnabled": True}
                )
                client.close()
                self.write(40)
                arguments = ("--deadline", "20m", "--rescue", "on-demand")
                self.assertEqual(self.run_batch(*arguments, die_after=step).returncode, ABORTED)
                receipt = self.receipt(self.run_batch(*arguments))
                self.assertEqual((receipt["answered"], len(self.answers())), (40, 40))
                known, most = Decimal(receipt["paid_usd"]), Decimal(receipt["paid_at_most_usd"])
                self.assertLessEqual(known, self.billed())
                self.assertLessEqual(self.billed(), most)
                done = self.laneshift("reconcile", "--logs", self.logs(), "--format", "json")
                self.assertEqual(done.returncode, 0, done.stderr)
                status = json.loads(self.laneshift("status", receipt["id"], "--format", "json").stdout)
                self.assertEqual(Decimal(status["paid_usd"]), self.billed(), "to the picodollar")
                self.assertEqual(status["paid_at_most_usd"], status["paid_usd"])


del BatchCase

if __name__ == "__main__":
    unittest.main()
