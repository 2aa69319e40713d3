"""The demo: both months of the worked example, by what was metered and billed."""

import csv
import gzip
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import tomllib
import unittest
from decimal import Decimal

from program import BIN, TIMEOUT_S, laneshift

# A tenth of the requests that a demo runs by itself: the figures are the same, because nothing of this company is left to chance.
SAMPLE = 500


# A loopback that is down.
WITHOUT_NETWORK = ["unshare", "--user", "--map-root-user", "--net"]
CAN_BE_WITHOUT = shutil.which("unshare") and not subprocess.run([*WITHOUT_NETWORK, "true"], capture_output=True, check=False).returncode


def but_for_real_time(printed):
    """What two runs agree on: all but how long answers took by the machine's clock."""
    told = json.loads(printed)
    for company in told["companies"]:
        del company["real_time"]
    return told


def demo(out, *args):
    return laneshift("demo", "--company", "founding", "--sample", SAMPLE, "--out", out, "--format", "json", *args)


class Demo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.out = cls.folder / "demo"
        done = demo(cls.out)
        assert done.returncode == 0, done.stderr
        cls.printed = done.stdout
        (cls.told,) = json.loads(done.stdout)["companies"]

    def test_the_worked_example_costs_what_it_says_by_metered_bills(self):
        told = self.told
        self.assertEqual(told["tokens"], 2_000_000_000)
        self.assertEqual((Decimal(told["before_usd"]), Decimal(told["after_usd"])), (12_000, 8_400))
        self.assertEqual(Decimal(told["lanes"]["standard"]["after_usd"]), 4_800)
        self.assertEqual(Decimal(told["lanes"]["batch"]["after_usd"]), 3_600)

    def test_the_bill_of_the_first_month_is_what_its_rows_add_up_to(self):
        with open(self.out / "founding/today/cur.csv", newline="", encoding="utf-8") as rows:
            cost = sum(Decimal(row["line_item_unblended_cost"]) for row in csv.DictReader(rows))
        self.assertEqual(cost, Decimal(self.told["before_usd"]))

    def test_books_are_the_bill_and_deadlines_are_kept(self):
        told = self.told
        self.assertEqual(Decimal(told["booked_usd"]), Decimal(told["after_usd"]))
        self.assertEqual(Decimal(told["booked_at_most_usd"]), Decimal(told["after_usd"]))
        self.assertGreater(told["deadlines"]["promised"], 0)
        self.assertEqual(told["deadlines"]["kept"], told["deadlines"]["promised"])

    def test_the_metered_saving_is_what_the_audit_predicted(self):
        predicted, saved = self.told["predicted"], Decimal(self.told["saved_usd"])
        self.assertTrue(predicted["holds"])
        self.assertLessEqual(Decimal(predicted["floor_usd"]), saved)
        self.assertLessEqual(saved, Decimal(predicted["ceiling_usd"]))

    def test_nobody_who_waits_waits_longer(self):
        self.assertEqual(self.told["wait_before"], self.told["wait_after"])
        self.assertGreater(self.told["wait_before"]["p50_ms"], 0)

    def test_only_what_can_wait_has_a_rule(self):
        with open(self.out / "founding/audit/policy.toml", "rb") as file:
            rules = tomllib.load(file)["rule"]
        named = {rule["workload"] for rule in rules if "batch" in rule["lanes"]}
        waits = ["classification", "corpus-summaries", "enrichment", "evaluation"]
        self.assertEqual(named, {f"workload={name}" for name in waits})

    def test_the_page_says_the_same_and_loads_nothing(self):
        page = (self.out / "demo.html").read_text(encoding="utf-8")
        calls = self.told["real_time"]["calls"]
        for amount in ["$12,000.00", "$8,400.00", "$3,600.00", f"real time: {calls} calls"]:
            self.assertIn(amount, page)
        self.assertRegex(page, r"real time: \d+ calls, .* what the gateway adds: -?\d+\.\d\d ms at the median")
        self.assertIsNone(re.search(r"(src|href)=\"(https?:)?//", page))
        (link,) = re.findall(r'href="([^"]+)"', page)
        self.assertTrue((self.out / link).is_file())

    def test_a_second_run_replaces_the_first_and_gives_the_same_figures(self):
        again = demo(self.out)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(but_for_real_time(again.stdout), but_for_real_time(self.printed))

    def test_a_folder_of_somebody_else_is_left_alone(self):
        other = self.folder / "other"
        other.mkdir()
        (other / "demo.html").write_text("dear all", encoding="utf-8")
        refused = laneshift("demo", "--out", other)
        self.assertEqual(refused.returncode, 4)
        self.assertIn("LS0029", refused.stderr)
        self.assertEqual([path.name for path in other.iterdir()], ["demo.html"])


if __name__ == "__main__":
    unittest.main()


class Acme(unittest.TestCase):
    """The example company: prompt caches, hybrids, models without a batch price, a second region, calls of AWS's own."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.out = pathlib.Path(folder.name) / "demo"
        done = laneshift("demo", "--company", "acme", "--sample", SAMPLE, "--out", cls.out, "--format", "json")
        assert done.returncode == 0, done.stderr
        (cls.told,) = json.loads(done.stdout)["companies"]
        cls.workloads = {row["workload"]: row for row in cls.told["workloads"]}

    def test_the_metered_saving_of_each_workload_is_the_predicted_one(self):
        moved = {name for name, row in self.workloads.items() if Decimal(row["saved_usd"])}
        self.assertTrue(moved)
        for name, row in self.workloads.items():
            self.assertEqual(Decimal(row["saved_usd"]), Decimal(row["predicted_usd"]), name)
        self.assertTrue(self.told["predicted"]["holds"])

    def test_workloads_add_up_to_both_bills(self):
        for when in ["before_usd", "after_usd"]:
            self.assertEqual(sum(Decimal(row[when]) for row in self.workloads.values()), Decimal(self.told[when]))

    def test_books_are_the_bill_but_for_what_passes_no_gateway(self):
        beside = Decimal(self.told["beside_usd"])
        self.assertEqual(beside, Decimal(self.workloads["knowledge-base"]["after_usd"]))
        self.assertGreater(beside, 0)
        self.assertEqual(Decimal(self.told["booked_usd"]), Decimal(self.told["after_usd"]) - beside)
        self.assertEqual(self.told["booked_usd"], self.told["booked_at_most_usd"])

    def test_prompts_are_cached_in_both_months_and_a_second_region_is_called(self):
        for month in ["today/s3/logs", "planned/gateway/ledger"]:
            usage = list(records(self.out / "acme" / month))
            self.assertTrue(any(record["input"].get("cacheReadInputTokenCount") for record in usage), month)
            self.assertEqual({record["region"] for record in usage}, {"us-east-1", "eu-west-1"}, month)

    def test_deadlines_are_kept_and_nobody_waits_longer(self):
        told = self.told
        self.assertGreater(told["deadlines"]["promised"], 0)
        self.assertEqual(told["deadlines"]["kept"], told["deadlines"]["promised"])
        self.assertEqual(told["wait_before"], told["wait_after"])

    def test_a_slice_is_answered_in_real_time_with_the_same_tokens_both_ways(self):
        slice_ = self.told["real_time"]
        self.assertGreater(slice_["streams"], 0)
        self.assertGreater(slice_["calls"], slice_["streams"])
        for way in ["straight", "through"]:
            for percentiles in [slice_[way], slice_[way]["first_byte"]]:
                self.assertGreater(percentiles["p50_us"], 0)
                self.assertLessEqual(percentiles["p50_us"], percentiles["p99_us"])
            self.assertLessEqual(slice_[way]["first_byte"]["p50_us"], slice_[way]["p50_us"])
        self.assertEqual(slice_["added_p50_us"], slice_["through"]["p50_us"] - slice_["straight"]["p50_us"])
        straight, behind = (called(self.out / "acme/real-time" / name) for name in ["straight", "behind"])
        self.assertEqual(len(straight), slice_["calls"])
        self.assertEqual([what for _, what in straight], [what for _, what in behind])
        self.assertEqual({who for who, _ in behind}, {"laneshift-gateway"})
        self.assertNotIn("laneshift-gateway", {who for who, _ in straight})

    @unittest.skipUnless(CAN_BE_WITHOUT, "takes a network of its own, which unshare makes")
    def test_without_sockets_there_is_a_demo_and_it_says_why_the_slice_is_missing(self):
        out = self.out.parent / "without"
        command = [*WITHOUT_NETWORK, BIN, "demo", "--company", "acme", "--sample", "1000", "--out", out, "--format", "json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        (told,) = json.loads(done.stdout)["companies"]
        self.assertIn("no sockets can be opened on 127.0.0.1", told["real_time"]["missing"])
        self.assertIn("real time: not measured", (out / "demo.html").read_text(encoding="utf-8"))


def called(folder):
    """Who called an emulator, and what it metered, from its journal."""
    with open(folder / "journal.ndjson", encoding="utf-8") as lines:
        events = [event for event in map(json.loads, lines) if event["event"] == "called"]
    return [
        (event["principal"].split("/")[1], (event["region"], event["model"], event["streaming"], event["tokens"])) for event in events
    ]


def records(folder):
    for path in sorted(folder.rglob("*.json*")):
        read = gzip.open if path.suffix == ".gz" else open
        with read(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                if record.get("input"):
                    yield record
