"""Recorded traffic under its policy, and with something otherwise."""

import json
import pathlib
import tempfile
import unittest
from decimal import Decimal

from program import laneshift

# A small company's month and its audit are the ledger; one in 5,000 of its requests was run.
SAMPLE = 5_000


def figure(column, name):
    return column[name]["median"]


class Simulate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.out = pathlib.Path(folder.name) / "demo"
        done = laneshift("demo", "--company", "founding", "--sample", SAMPLE, "--out", cls.out, "--format", "json")
        assert done.returncode == 0, done.stderr
        (cls.demo,) = json.loads(done.stdout)["companies"]
        cls.ledger = cls.out / "founding" / "audit"

    def simulate(self, *args, ledger=None, seeds=1):
        done = laneshift("simulate", "--ledger", ledger or self.ledger, "--seeds", seeds, "--format", "json", *args)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_a_recorded_month_costs_what_it_cost_and_saves_what_it_saved(self):
        told = self.simulate()
        recorded, planned = told["columns"]["as_recorded"], told["columns"]["under_the_policy"]
        self.assertEqual(told["calls_run"], self.demo["requests_run"])
        self.assertEqual(told["left_out"], {})
        self.assertEqual(Decimal(figure(recorded, "bill_usd")), Decimal(self.demo["before_usd"]))
        self.assertEqual(Decimal(figure(planned, "bill_usd")), Decimal(self.demo["after_usd"]))
        self.assertEqual(figure(planned, "accepted"), self.demo["deadlines"]["promised"])
        self.assertEqual(figure(planned, "missed"), 0)

    def test_an_outage_loses_nothing_that_was_accepted_and_its_cost_is_told(self):
        told = self.simulate("--what-if", "outage=us-east-1:3h,turnaround=x3")
        planned, other = told["columns"]["under_the_policy"], told["columns"]["what_if"]
        self.assertEqual(figure(other, "accepted"), figure(planned, "accepted"))
        self.assertEqual(figure(other, "missed"), 0)
        self.assertGreater(figure(other, "failed"), 0)
        self.assertEqual(figure(planned, "failed"), 0)
        # At equal answers an outage saves nothing.
        whole = Decimal(figure(other, "bill_usd")) + Decimal(figure(other, "unanswered_usd"))
        self.assertGreaterEqual(whole, Decimal(figure(planned, "bill_usd")))

    def test_who_can_wait_more_saves_more(self):
        told = self.simulate("--what-if", "tolerant+50%")
        planned, other = told["columns"]["under_the_policy"], told["columns"]["what_if"]
        self.assertGreater(figure(other, "accepted"), figure(planned, "accepted"))
        self.assertLess(Decimal(figure(other, "bill_usd")), Decimal(figure(planned, "bill_usd")))
        self.assertEqual(self.simulate("--what-if", "tolerant+50%"), told, "the same traffic by the same chance")
        done = laneshift("simulate", "--ledger", self.ledger, "--seeds", 2, "--calls", 100, "--what-if", "turnaround=x3")
        self.assertEqual(done.returncode, 0, done.stderr)
        for words in ["as recorded", "under the policy", "what if", "for the same answers"]:
            self.assertIn(words, done.stdout)
        self.assertLessEqual(max(map(len, done.stdout.splitlines())), 80, done.stdout)

    def test_a_gateways_books_are_a_ledger_too(self):
        gateway = self.out / "founding" / "planned" / "gateway"
        told = self.simulate("--policy", self.ledger / "policy.toml", ledger=gateway)
        self.assertGreater(told["calls_run"], 0)

    def test_what_cannot_be_understood_is_named(self):
        for args, code, words in [
            (["--what-if", "outage=mars"], 2, "outage=mars"),
            (["--what-if", "outage=eu-west-1:3h"], 2, "nothing in the ledger is called in that region"),
            (["--what-if", "outage=us-east-1:3h@2020-01-01T00:00:00Z"], 2, "nothing is called then"),
            (["--policy", self.out / "no-policy.toml"], 3, "no-policy.toml"),
        ]:
            done = laneshift("simulate", "--ledger", self.ledger, "--seeds", 1, *args)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(words, done.stderr)
        done = laneshift("simulate", "--ledger", self.out / "founding" / "planned" / "aws", "--policy", self.ledger / "policy.toml")
        self.assertEqual(done.returncode, 3, done.stderr)


if __name__ == "__main__":
    unittest.main()
