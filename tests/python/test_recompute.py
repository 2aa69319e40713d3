"""Figures of a plan, computed again from the ledger by another program."""

import csv
import decimal
import pathlib
import tempfile
import unittest

from program import ACME, ROOT, audit, figure, load_plan, one, open_ledger, usd

ANSWERED = "error_code = '' AND NOT blocked"
# A call without token counts costs nothing that could be planned; embeddings have no output.
COUNTED = f"{ANSWERED} AND input_tokens IS NOT NULL"

# Where plan.json has it; whether it is multiplied by the sampling factor; how the ledger gives it.
FIGURES = [
    ("scope.records", False, "SELECT count(*) FROM invocations"),
    ("scope.answered", False, f"SELECT count(*) FROM invocations WHERE {ANSWERED}"),
    ("scope.failed", False, "SELECT count(*) FROM invocations WHERE error_code <> ''"),
    ("scope.throttled", False, "SELECT count(*) FROM invocations WHERE error_code = 'ThrottlingException'"),
    ("scope.blocked", False, "SELECT count(*) FROM invocations WHERE blocked"),
    ("scope.uncounted", False, f"SELECT count(*) FROM invocations WHERE {ANSWERED} AND input_tokens IS NULL"),
    ("scope.days", False, """SELECT date_diff('day', min("at"), max("at")) + 1 FROM invocations"""),
    ("scope.usage.input", True, "SELECT sum(input_tokens)::BIGINT FROM invocations"),
    ("scope.usage.output", True, "SELECT sum(output_tokens)::BIGINT FROM invocations"),
    ("scope.usage.cache_read", True, "SELECT sum(cache_read_tokens)::BIGINT FROM invocations"),
    ("scope.usage.cache_write_5m", True, "SELECT sum(cache_write_5m_tokens)::BIGINT FROM invocations"),
    ("scope.usage.cache_write_1h", True, "SELECT sum(cache_write_1h_tokens)::BIGINT FROM invocations"),
]


class Recompute(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.out = pathlib.Path(folder.name, "out")
        cls.printed = audit(ACME, cls.out)
        cls.plan = load_plan(cls.out)
        cls.ledger = open_ledger(cls.out)
        cls.addClassCleanup(cls.ledger.close)

    def test_the_printed_plan_is_the_written_one(self):
        self.assertEqual(self.printed, self.plan)

    def test_the_figures_of_the_scope_follow_from_the_ledger(self):
        factor = figure(self.plan, "scope.sampling_factor")
        for path, multiplied, sql in FIGURES:
            with self.subTest(path):
                self.assertEqual(figure(self.plan, path), one(self.ledger, sql) * (factor if multiplied else 1))

    def test_the_requests_of_a_declared_workload_follow_from_the_ledger(self):
        factor = figure(self.plan, "scope.sampling_factor")
        planned = {w["key"]: w["requests"] for w in self.plan["workloads"] if w["key"].startswith("workload=")}
        rows = self.ledger.execute(
            f"SELECT 'workload=' || workload, count(*) FROM invocations WHERE workload <> '' AND {COUNTED} GROUP BY ALL"
        ).fetchall()
        self.assertTrue(rows, "the example declares workloads")
        self.assertEqual(planned, {key: calls * factor for key, calls in rows})

    def test_the_waterfall_leads_from_today_to_the_plan(self):
        saved = sum(usd(step["saves_usd"]) for step in self.plan["waterfall"])
        self.assertEqual(usd(self.plan["today_usd"]) - saved, usd(self.plan["planned_usd"]))

    def test_the_workloads_add_up_to_the_whole(self):
        for name in ("today_usd", "planned_usd"):
            with self.subTest(name):
                self.assertEqual(sum(usd(w[name]) for w in self.plan["workloads"]), usd(self.plan[name]))


    def test_the_money_of_a_workload_follows_from_its_tokens_and_the_catalogue(self):
        """Global Claude Sonnet 4.6, uncached: both rates are read from the shipped catalogue, the tokens from the ledger."""
        factor = figure(self.plan, "scope.sampling_factor")
        catalogue = pathlib.Path(ROOT, "crates/catalog/data/prices/catalog.csv")
        rate = {}
        with catalogue.open(newline="") as rows:
            for row in csv.DictReader(rows):
                place = (row["provider"], row["model_key"], row["scope"], row["ctx_min_tokens"])
                if place == ("bedrock", "claudesonnet46", "global", "0"):
                    rate[row["mode"], row["dimension"]] = decimal.Decimal(row["price_usd"])
        given, written = self.ledger.execute(
            "SELECT sum(input_tokens)::BIGINT, sum(output_tokens)::BIGINT FROM invocations "
            f"WHERE workload = 'corpus-summaries' AND {COUNTED}"
        ).fetchone()
        for key, mode in (("today_usd", "on_demand"), ("planned_usd", "batch")):
            cost = factor * (given * rate[mode, "input"] + written * rate[mode, "output"]) / 1_000_000
            workload = next(w for w in self.plan["workloads"] if w["key"] == "workload=corpus-summaries")
            self.assertEqual(usd(workload[key]), cost, key)


if __name__ == "__main__":
    unittest.main()
