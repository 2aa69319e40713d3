"""docs/emulator.md is true: its programs run as they stand, its settings are taken, and it names everything there is."""

import os
import pathlib
import re
import unittest
from unittest import mock

import emulated
from program import ROOT, laneshift

PAGE = pathlib.Path(ROOT, "docs/emulator.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


class Page(unittest.TestCase):
    def test_the_programs_make_a_first_call_and_a_first_job(self):
        emulator = emulated.Emulator("--speed", "600")
        self.addCleanup(emulator.close)
        stated = dict(re.findall(r"(AWS_ACCESS_KEY_ID|AWS_SECRET_ACCESS_KEY|AWS_DEFAULT_REGION)=(\S+)", blocks("console")[0]))
        environment = stated | {"AWS_ENDPOINT_URL": emulator.info["url"]}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        printed = []
        with mock.patch.dict(os.environ, kept | environment, clear=True):
            shared = {"print": lambda *values: printed.extend(values)}
            for program in blocks("python"):
                exec(compile(program, "docs/emulator.md", "exec"), shared)
            message, arn = printed
            self.assertEqual(message["message"]["role"], "assistant")
            for _ in range(20_000):
                job = shared["bedrock"].get_model_invocation_job(jobIdentifier=arn)
                if job["status"] in emulated.TERMINAL:
                    break
        self.assertEqual((job["status"], job["successRecordCount"]), ("Completed", 100), job)
        key = f"out/{arn.rsplit('/', 1)[1]}/a.jsonl.out"
        self.assertEqual(len(shared["s3"].get_object(Bucket="work", Key=key)["Body"].read().splitlines()), 100)

    def test_the_settings_are_taken(self):
        # The addresses in it are examples: nothing is sent there before a job changes its state.
        emulator = emulated.Emulator("--stepped", settings=blocks("toml")[0])
        self.addCleanup(emulator.close)
        client = emulator.client("bedrock")
        self.addCleanup(client.close)
        names = [p["provisionedModelName"] for p in client.list_provisioned_model_throughputs()["provisionedModelSummaries"]]
        self.assertEqual(names, ["committed"])

    def test_every_fault_and_every_switch_is_named(self):
        emulator = emulated.Emulator("--stepped")
        self.addCleanup(emulator.close)
        with self.assertRaises(AssertionError) as refused:
            emulator.faults({"fault": "no such fault"})
        known = str(refused.exception).split("none of", 2)[-1]
        faults = re.findall(r"\b[a-z]+(?:_[a-z]+)+\b|\b(?:throttled|stalled|stuck|error)\b", known)
        self.assertGreater(len(faults), 20)
        settings = emulator.folder / "wrong.toml"
        settings.write_text("[switches]\nno_such_switch = true\n", encoding="utf-8")
        wrong = laneshift("emulate", "--data", emulator.folder / "other", "--settings", settings)
        self.assertEqual(wrong.returncode, 3, wrong.stderr)
        switches = re.findall(r"`(\w+)`", wrong.stderr.split("expected one of", 1)[1])
        self.assertGreater(len(switches), 10)
        for name in faults + switches:
            with self.subTest(name):
                self.assertIn(f"`{name}`", PAGE)


if __name__ == "__main__":
    unittest.main()
