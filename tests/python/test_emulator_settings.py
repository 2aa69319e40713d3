"""What changes between two starts, or after a job was created, changes what comes and nothing that was."""

import csv
import io
import json
import unittest

from emulated import HAIKU, HOUR_S, EmulatedCase, records
from program import laneshift

EXIT_DATA = 3
LLAMA = "meta.llama3-1-8b-instruct-v1:0"


def model(units=2, commitment="SixMonths", name="provisioned1"):
    return f"""
[[provisioned_model]]
account = "111122223333"
region = "us-east-1"
id = "{name}"
name = "{name}"
model = "{LLAMA}"
units = {units}
commitment = "{commitment}"
"""


class Resolved(EmulatedCase):
    def profile(self):
        source = {"copyFrom": f"arn:aws:bedrock:us-east-1:111122223333:inference-profile/{HAIKU}"}
        return self.bedrock.create_inference_profile(inferenceProfileName="search", modelSource=source)["inferenceProfileArn"]

    def test_a_job_is_billed_to_the_profile_that_it_was_created_with(self):
        self.upload(records(100))
        profiles = {"Submitted": self.profile(), "InProgress": self.profile()}
        for deleted_at, profile in profiles.items():
            with self.subTest(deleted_at):
                arn = self.create_job(modelId=profile)
                self.wait(arn, deleted_at)
                self.bedrock.delete_inference_profile(inferenceProfileIdentifier=profile)
                self.assertEqual(self.wait(arn)["status"], "Completed")
        bill = self.emulator.bill()
        self.assertEqual({line["profile"] for line in bill["lines"]}, {"us"})
        rows = list(csv.DictReader(io.StringIO(self.emulator.ask("bill.csv"))))
        self.assertEqual({row["line_item_resource_id"] for row in rows}, set(profiles.values()))
        self.emulator.restart()
        self.assertEqual(self.emulator.bill(), bill)
        self.emulator.kill()
        journal = self.emulator.folder / "journal.ndjson"
        entries = [json.loads(line) for line in journal.read_text().splitlines()]
        for entry in entries:
            for name in ("model", "profile", "resource") if entry["event"] == "job_created" else ():
                del entry[name]
        journal.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
        self.emulator.start()
        self.assertEqual(self.emulator.bill(), bill, "a journal that does not say it, though both are deleted")


class ProvisionedModels(EmulatedCase):
    SETTINGS = ""

    def start_with(self, settings):
        self.emulator.kill()
        (self.emulator.folder / "settings.toml").write_text(settings, encoding="utf-8")
        self.emulator.start()

    def units(self):
        return [(unit["commitment"], unit["unitHours"]) for unit in self.emulator.bill()["modelUnits"]]

    def test_its_hours_begin_and_end_with_it_and_what_was_paid_stays(self):
        self.emulator.advance(5 * HOUR_S)
        self.start_with(model())
        self.assertEqual(self.units(), [("SixMonths", 2)], "a begun hour, and none before it was there")
        self.emulator.advance(3 * HOUR_S - 1)
        self.emulator.restart()
        self.assertEqual(self.units(), [("SixMonths", 6)])
        self.start_with(model(units=5, commitment="OneMonth"))
        self.assertEqual(self.units(), [("SixMonths", 6)], "an hour is paid once, as it began")
        self.emulator.advance(1)
        self.assertEqual(self.units(), [("OneMonth", 5), ("SixMonths", 6)])
        self.start_with("")
        self.emulator.advance(10 * HOUR_S)
        self.assertEqual(self.units(), [("SixMonths", 6)], "it stood for no time")
        self.start_with(model(units=1, commitment="OneMonth"))
        self.emulator.restart()
        self.assertEqual(self.units(), [("OneMonth", 1), ("SixMonths", 6)])
        self.connect()
        [found] = self.bedrock.list_provisioned_model_throughputs()["provisionedModelSummaries"]
        self.assertEqual(found["creationTime"].hour, 18)

    def test_a_journal_that_does_not_tell_of_them_has_them_from_its_beginning(self):
        self.start_with(model())
        self.emulator.advance(5 * HOUR_S)
        self.emulator.kill()
        journal = self.emulator.folder / "journal.ndjson"
        kept = [line for line in journal.read_text().splitlines(keepends=True) if "provisioned_set" not in line]
        journal.write_text("".join(kept))
        self.emulator.start()
        self.assertEqual(self.units(), [("SixMonths", 12)])

    def test_a_misspelt_commitment_is_an_error_that_says_how_it_is_spelt(self):
        self.emulator.kill()
        path = self.emulator.folder / "settings.toml"
        path.write_text(model(commitment="OneMonths"), encoding="utf-8")
        done = laneshift("emulate", "--data", self.emulator.folder, "--listen", "127.0.0.1:0", "--settings", path)
        self.assertEqual(done.returncode, EXIT_DATA, done.stderr)
        self.assertIn("unknown variant `OneMonths`, expected `OneMonth` or `SixMonths`", done.stderr)


if __name__ == "__main__":
    unittest.main()
