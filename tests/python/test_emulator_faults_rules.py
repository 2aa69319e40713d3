"""Fault rules: which calls they strike, how often, how they repeat, how slips in them are told, and that they last."""

import unittest

from botocore.exceptions import ClientError

from emulated import EmulatedCase, records
from program import laneshift
from test_emulator_faults import HELLO, NOVA, settings

OTHER = {"key": "AKIAOTHERACCOUNT0000", "secret": "other/secret"}
ACCOUNTS = f"""
[[account]]
[[account]]
id = "222233334444"
principal = "arn:aws:iam::222233334444:user/other"
access_key = "{OTHER['key']}"
secret_key = "{OTHER['secret']}"
"""


class RuleCase(EmulatedCase):
    SETTINGS = settings(minimum=1) + ACCOUNTS

    def struck(self, runtime=None, **changes):
        """Whether a call was throttled."""
        try:
            (runtime or self.runtime).converse(**HELLO | changes)
        except ClientError as error:
            self.assertEqual(error.response["Error"]["Code"], "ThrottlingException")
            return True
        return False

    def pattern(self, calls):
        return [n for n in range(1, calls + 1) if self.struck()]

    def counts(self):
        return [(rule["seen"], rule["struck"]) for rule in self.emulator.ask("faults")["faults"]]


class Strikes(RuleCase):
    def test_the_nth_call_is_struck_and_no_other(self):
        self.emulator.faults({"fault": "throttled", "nth": 3})
        self.assertEqual((self.pattern(8), self.counts()), ([3], [(8, 1)]))

    def test_every_nth_call_is_struck(self):
        self.emulator.faults({"fault": "throttled", "every": 3})
        self.assertEqual((self.pattern(9), self.counts()), ([3, 6, 9], [(9, 3)]))

    def test_a_rule_strikes_so_many_times_at_most(self):
        self.emulator.faults({"fault": "throttled", "every": 2, "times": 2})
        self.assertEqual(self.pattern(9), [2, 4])

    def test_a_rule_ends_after_its_minutes_of_the_emulators_time(self):
        self.emulator.faults({"fault": "throttled", "for_minutes": 2})
        self.assertTrue(self.struck())
        self.emulator.advance(120)
        self.assertFalse(self.struck())

    def test_a_rate_repeats_with_its_seed_and_differs_with_another(self):
        def run(seed):
            emulator = self.emulate(*self.ARGS, "--seed", seed)
            emulator.faults({"fault": "throttled", "rate": 0.3})
            runtime = emulator.client("bedrock-runtime")
            self.addCleanup(runtime.close)
            return [self.struck(runtime) for _ in range(100)]

        first = run(7)
        self.assertEqual(first, run(7))
        self.assertNotEqual(first, run(8))
        self.assertTrue(15 <= sum(first) <= 45, sum(first))

    def test_a_rule_may_be_for_a_model_an_account_or_an_operation(self):
        other = self.emulator.client("bedrock-runtime", **OTHER)
        self.addCleanup(other.close)
        self.emulator.faults({"fault": "throttled", "model": "claude-haiku"})
        self.assertEqual((self.struck(), self.struck(modelId=NOVA)), (True, False))
        self.emulator.faults({"fault": "throttled", "account": "222233334444"})
        self.assertEqual((self.struck(), self.struck(other)), (False, True))
        self.emulator.faults({"fault": "throttled", "operation": "ConverseStream"})
        self.assertFalse(self.struck())
        with self.refused("ThrottlingException", 429):
            self.runtime.converse_stream(**HELLO)
        self.assertEqual(self.counts(), [(1, 1)], "calls that are not meant are not counted")

    def test_a_job_rule_for_a_model_leaves_jobs_of_other_models_alone(self):
        self.upload(records(2))
        self.emulator.faults({"fault": "never_begins", "model": "claude-haiku"})
        stuck = self.create_job("stuck")
        self.create_job("again", modelId="us.anthropic.claude-sonnet-4-6")
        self.emulator.advance(23 * 3600)
        jobs = {job["jobName"]: job["status"] for job in self.bedrock.list_model_invocation_jobs()["invocationJobSummaries"]}
        self.assertEqual(jobs["stuck"], "Scheduled", stuck)
        self.assertNotEqual(jobs["again"], "Scheduled")

    def test_several_rules_count_for_themselves_and_the_first_that_answers_wins(self):
        unavailable = {"fault": "error", "error": "ServiceUnavailableException", "every": 2}
        self.emulator.faults({"fault": "throttled", "every": 4}, unavailable)
        seen = []
        for _ in range(4):
            try:
                self.runtime.converse(**HELLO)
                seen.append("")
            except ClientError as error:
                seen.append(error.response["Error"]["Code"])
        self.assertEqual(seen, ["", "ServiceUnavailableException", "", "ThrottlingException"])
        self.assertEqual(self.counts(), [(4, 1), (4, 2)])


class Files(RuleCase):
    def test_rules_are_replaced_added_shown_and_cleared(self):
        self.emulator.faults({"fault": "throttled", "nth": 1})
        self.emulator.ask("faults", {"fault": "F06", "nth": 9})
        shown = [rule["rule"] for rule in self.emulator.ask("faults")["faults"]]
        self.assertEqual(shown, [{"fault": "throttled", "nth": 1}, {"fault": "F06", "nth": 9}])
        self.emulator.faults({"fault": "stuck"})
        self.assertEqual([rule["rule"]["fault"] for rule in self.emulator.ask("faults")["faults"]], ["stuck"])
        self.emulator.ask("faults", method="DELETE")
        self.assertEqual((self.emulator.ask("faults")["faults"], self.struck()), ([], False))

    def test_rules_and_their_counts_survive_kill_nine(self):
        self.emulator.faults({"fault": "throttled", "every": 3}, {"fault": "F16", "nth": 5, "operation": "Converse"})
        self.assertEqual(self.pattern(4), [3])
        before = self.emulator.ask("faults")
        self.emulator.restart()
        self.connect()
        self.assertEqual(self.emulator.ask("faults"), before)
        self.assertEqual(self.pattern(2), [1, 2], "the fifth call and the sixth")
        self.assertEqual(self.counts(), [(6, 2), (6, 1)])

    def test_minutes_of_a_rule_go_on_after_kill_nine(self):
        self.emulator.faults({"fault": "throttled", "for_minutes": 10})
        self.emulator.advance(599)
        self.emulator.restart()
        self.connect()
        self.assertTrue(self.struck())
        self.emulator.advance(1)
        self.assertFalse(self.struck())

    def test_a_file_of_rules_is_taken_at_the_start(self):
        path = self.emulator.folder / "faults.toml"
        path.write_text('[[fault]]\nfault = "F16"\nnth = 2\n\n[[fault]]\nfault = "stuck"\nmodel = "nova"\n', encoding="utf-8")
        emulator = self.emulate("--faults", path, *self.ARGS)
        self.assertEqual([rule["rule"]["fault"] for rule in emulator.ask("faults")["faults"]], ["F16", "stuck"])
        runtime = emulator.client("bedrock-runtime")
        self.addCleanup(runtime.close)
        self.assertEqual([self.struck(runtime) for _ in range(3)], [False, True, False])

    def test_a_file_with_a_slip_is_refused_with_the_field(self):
        path = self.emulator.folder / "faults.toml"
        for text, words in {
            '[[fault]]\nfault = "F16"\nnht = 2\n': "nht",
            '[[fault]]\nfault = "thruttled"\n': "thruttled",
            '[[fault]]\nfault = "F16"\n[[fault]]\nfault = "F16"\nrate = 1.5\n': "rule 1: rate",
            "[[fault]\n": "line 1",
        }.items():
            with self.subTest(words):
                path.write_text(text, encoding="utf-8")
                done = laneshift("emulate", "--data", self.emulator.folder / "other", "--faults", path)
                self.assertEqual(done.returncode, 3, done.stderr)
                self.assertIn(words, done.stderr)
                self.assertIn("faults.toml", done.stderr)

    def test_a_bad_rule_is_refused_with_the_name_of_its_field_and_the_old_rules_stay(self):
        self.emulator.faults({"fault": "throttled", "nth": 1})
        for rule, words in [
            ({"fault": "thruttled"}, "fault"),
            ({"fault": "F29"}, "fault"),
            ({"fault": "throttled", "operation": "Convers"}, "operation"),
            ({"fault": "throttled", "rate": 1.01}, "rate"),
            ({"fault": "throttled", "rate": -0.1}, "rate"),
            ({"fault": "cut_short", "share": 2}, "share"),
            ({"fault": "slow_turnaround", "factor": -1}, "factor"),
            ({"fault": "late_results", "minutes": -1}, "minutes"),
            ({"fault": "throttled", "for_minutes": -1}, "for_minutes"),
            ({"fault": "throttled", "nth": 0}, "nth"),
            ({"fault": "throttled", "every": 0}, "every"),
            ({"fault": "throttled", "times": "two"}, "string"),
            ({"fault": "throttled", "often": 2}, "often"),
            ({"fault": "error"}, "error"),
            ({"fault": "error", "error": "TeapotException"}, "error"),
            ({"fault": "broken_stream", "error": "TeapotException"}, 'error: "TeapotException"'),
            ({"nth": 2}, "fault"),
        ]:
            with self.subTest(rule=rule), self.assertRaisesRegex(AssertionError, f"faults: 400 .*{words}".replace('"', "..")):
                self.emulator.faults(rule)
        self.assertEqual([rule["rule"] for rule in self.emulator.ask("faults")["faults"]], [{"fault": "throttled", "nth": 1}])

    def test_a_story_that_holds_always_says_so(self):
        for story in ("F01", "F07", "F08", "F19", "F21", "F22", "F23", "F24", "F28"):
            with self.subTest(story), self.assertRaisesRegex(AssertionError, f"{story} needs no rule.*always"):
                self.emulator.faults({"fault": story})
        for story in ("F02", "F03", "F04", "F05", "F06", "F09", *(f"F{n}" for n in range(10, 19)), "F20", "F25", "F26", "F27"):
            self.emulator.faults({"fault": story})


if __name__ == "__main__":
    unittest.main()
