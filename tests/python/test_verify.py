"""What was saved between two bills, at equal tokens: by steps that add up, beside the plan, and against AWS's bill."""

import csv
import gzip
import json
import pathlib
import tempfile
import unittest
from decimal import Decimal

from program import laneshift

# One request in a thousand of the demo's company: quick, and its books are its bill as well.
SAMPLE = 1000

HEADER = [
    "bill_billing_entity",
    "line_item_line_item_type",
    "line_item_usage_start_date",
    "line_item_usage_account_id",
    "line_item_product_code",
    "line_item_usage_type",
    "line_item_operation",
    "line_item_usage_amount",
    "line_item_unblended_cost",
    "pricing_unit",
    "line_item_currency_code",
]


def verify(before, after, *args):
    return laneshift("verify", "--before", before, "--after", after, *args)


def told(done):
    assert done.returncode in (0, 5), done.stderr
    return json.loads(done.stdout)


def steps(found):
    """What every step saved, of those that saved or cost anything."""
    saves = {step["step"]: Decimal(step["saves_usd"]) for step in found["waterfall"]}
    return {name: amount for name, amount in saves.items() if amount != 0}


class Bills(unittest.TestCase):
    """Bills of a few rows, written here."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def bill(self, name, rows, line_type="Usage"):
        """A bill of rows: usage type, thousands of tokens, dollars per thousand."""
        path = self.folder / name
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(HEADER)
            for usage_type, thousands, each in rows:
                cost = Decimal(str(thousands)) * Decimal(each)
                row = ["AWS", line_type, "2026-11-02T06:00:00Z", "111122223333", "AmazonBedrock", usage_type]
                writer.writerow([*row, "InvokeModelInference", thousands, cost, "1K tokens", "USD"])
        return path

    def found(self, before, after, *args):
        found = told(verify(before, after, "--format", "json", *args))
        saves = sum(Decimal(step["saves_usd"]) for step in found["waterfall"])
        self.assertEqual(
            Decimal(found["before"]["total_usd"]) - saves, Decimal(found["after"]["total_usd"]), "the steps add up"
        )
        return found

    def test_twice_the_tokens_cost_twice_as_much_and_save_nothing(self):
        before = self.bill("before.csv", [("USE1-NovaLite-input-tokens", 1000, "0.06"), ("USE1-NovaLite-output-tokens", 100, "0.24")])
        after = self.bill("after.csv", [("USE1-NovaLite-input-tokens", 2000, "0.06"), ("USE1-NovaLite-output-tokens", 200, "0.24")])
        found = self.found(before, after)
        self.assertEqual((Decimal(found["saved_usd"]), steps(found)), (0, {"tokens": -84}))
        half = self.found(after, before)
        self.assertEqual((Decimal(half["saved_usd"]), steps(half)), (0, {"tokens": 84}))

    def test_a_price_that_aws_cut_is_told_apart_from_what_went_to_batch(self):
        before = self.bill("before.csv", [("USE1-NovaLite-input-tokens", 1000, "0.06")])
        after = self.bill(
            "after.csv", [("USE1-NovaLite-input-tokens", 400, "0.03"), ("USE1-NovaLite-input-tokens-batch", 600, "0.015")]
        )
        found = self.found(before, after)
        # 600 thousand tokens at half of 0.06; the rest of what is saved is the price.
        self.assertEqual(steps(found), {"batch": Decimal(18), "prices": Decimal(21)})
        self.assertEqual(found["tokens_of_unknown_price_before"], 0)

    def test_a_lane_that_is_new_goes_back_by_all_that_both_months_bought(self):
        line = "USE1-NovaLite-input-tokens"
        before = self.bill("before.csv", [(line, 500, "0.06"), (line + "-flex", 500, "0.03")])
        after = self.bill("after.csv", [(line, 400, "0.06"), (line + "-flex", 400, "0.015"), (line + "-batch", 200, "0.02")])
        # What both months bought cost 36 and costs 30: batch would have been 0.024.
        self.assertEqual(steps(self.found(before, after))["prices"], Decimal("6.8"))

    def test_another_model_is_another_mix(self):
        before = self.bill("before.csv", [("USE1-NovaPro-input-tokens", 500, "0.8"), ("USE1-NovaLite-input-tokens", 500, "0.06")])
        after = self.bill("after.csv", [("USE1-NovaPro-input-tokens", 100, "0.8"), ("USE1-NovaLite-input-tokens", 900, "0.06")])
        found = self.found(before, after)
        self.assertEqual((Decimal(found["saved_usd"]), steps(found)), (0, {"mix": 296}))

    def test_credits_fees_and_other_usage_are_steps_of_their_own(self):
        before = self.bill("before.csv", [("USE1-NovaLite-input-tokens", 1000, "0.06")])
        folder = self.folder / "after"
        folder.mkdir()
        self.bill("after/usage.csv", [("USE1-NovaLite-input-tokens", 1000, "0.06"), ("USE1-NovaCanvas-T2I-1024", 10, "0.04")])
        self.bill("after/credit.csv", [("USE1-NovaLite-input-tokens", 1, "-5")], line_type="Credit")
        self.bill("after/units.csv", [("USE1-NovaLite-ProvisionedThroughput-NoCommit-ModelUnits", 1, "9")])
        found = self.found(before, folder)
        self.assertEqual(steps(found), {"committed": Decimal(-9), "other": Decimal("-0.4"), "adjustments": Decimal(5)})
        self.assertTrue(any("paid capacity" in note for note in found["notes"]))
        # A fee that went is no saving by itself: its tokens may be on demand again.
        self.assertEqual([Decimal(self.found(*months)["saved_usd"]) for months in ((before, folder), (folder, before))], [0, 0])

    def test_what_books_do_not_have_is_left_out_of_both_sides(self):
        folder = self.folder / "bill"
        folder.mkdir()
        self.bill("bill/usage.csv", [("USE1-NovaLite-input-tokens", 1000, "0.06"), ("USE1-NovaCanvas-T2I-1024", 10, "0.04")])
        self.bill("bill/credit.csv", [("USE1-NovaLite-input-tokens", 1, "-5")], line_type="Credit")
        self.bill("bill/units.csv", [("USE1-NovaLite-ProvisionedThroughput-NoCommit-ModelUnits", 1, "10000")])
        books = self.folder / "gateway"
        (books / "ledger/AWSLogs").mkdir(parents=True)
        for before, after, side, saves in ((folder, books, "before", 60), (books, folder, "after", -60)):
            found = self.found(before, after)
            self.assertEqual((Decimal(found[side]["total_usd"]), Decimal(found["saved_usd"])), (60, 0))
            self.assertEqual(steps(found), {"tokens": saves})
            self.assertTrue(any(note.startswith(f"{side}: $9,995.40") and "left out" in note for note in found["notes"]), found["notes"])

    def test_a_correction_is_taken_from_its_line_wherever_it_stands(self):
        line = "USE1-NovaLite-input-tokens-batch"
        whole = self.bill("whole.csv", [("USE1-NovaLite-input-tokens", 1000, "0.06")])
        billed = self.bill("billed.csv", [(line, -400, "0.06"), ("USE1-NovaLite-input-tokens", 600, "0.06"), (line, 800, "0.03"), (line, "-0.0", "0")])
        plain = self.bill("plain.csv", [("USE1-NovaLite-input-tokens", 600, "0.06"), (line, 400, "0")])
        self.assertEqual(steps(self.found(whole, billed)), steps(self.found(whole, plain)))
        # What corrects nothing that the bill has is money without tokens.
        stray = self.bill("stray.csv", [("USE1-NovaLite-input-tokens", 1000, "0.06"), (line, -100, "0.03")])
        self.assertEqual(steps(self.found(whole, stray)), {"rest": 3})

    def test_a_gzipped_bill_is_the_same_bill(self):
        plain = self.bill("plain.csv", [("USE1-NovaLite-input-tokens", 1000, "0.06")])
        packed = self.folder / "packed.csv.gz"
        packed.write_bytes(gzip.compress(plain.read_bytes()))
        self.assertEqual(steps(self.found(plain, packed)), {})

    def test_a_row_that_is_not_understood_is_named_with_file_line_and_field(self):
        good = self.bill("good.csv", [("USE1-NovaLite-input-tokens", 1000, "0.06")])
        bad = self.folder / "bad.csv"
        lines = good.read_text(encoding="utf-8").splitlines()
        for at, column in [(7, "line_item_usage_amount"), (8, "line_item_unblended_cost"), (2, "line_item_usage_start_date")]:
            fields = lines[1].split(",")
            fields[at] = "much"
            bad.write_text("\n".join([*lines, ",".join(fields)]) + "\n", encoding="utf-8")
            done = verify(good, bad)
            self.assertEqual((done.returncode, done.stdout), (3, ""))
            self.assertRegex(done.stderr, rf"LS0004.*bad\.csv, line 3: {column} is not ")

    def test_what_is_no_bill_is_named(self):
        bill = self.bill("bill.csv", [("USE1-NovaLite-input-tokens", 1000, "0.06")])
        for text, code, exit_code in [("dear all\n", "LS0002", 3), ("ChargePeriodStart,BilledCost\n", "LS0012", 3)]:
            other = self.folder / "other.csv"
            other.write_text(text, encoding="utf-8")
            done = verify(bill, other)
            self.assertEqual(done.returncode, exit_code, done.stderr)
            self.assertIn(code, done.stderr)
            self.assertIn("other.csv", done.stderr)
        self.assertIn("LS0001", verify(bill, self.folder / "nowhere").stderr)

    def test_a_bill_beside_itself_proves_nothing(self):
        bill = self.bill("bill.csv", [("USE1-NovaLite-input-tokens", 1000, "0.06")])
        done = verify(bill, bill, "--cur", bill)
        self.assertEqual(done.returncode, 2)
        self.assertIn("LS0014", done.stderr)
        self.assertIn("gateway", done.stderr)

    def test_a_line_of_the_books_that_is_none_is_named_and_one_that_was_cut_is_told(self):
        bill = self.bill("bill.csv", [("USE1-NovaLite-input-tokens", 1000, "0.06")])
        hour = self.folder / "gateway/ledger/AWSLogs/laneshift/hour"
        hour.mkdir(parents=True)
        (hour / "calls.json").write_text('{"schemaType": "Model', encoding="utf-8")
        done = verify(bill, self.folder / "gateway")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("line 1 was cut off", " ".join(done.stdout.split()))
        (hour / "calls.json").write_text('{"schemaType": "ModelInvocationLog"}\n', encoding="utf-8")
        done = verify(bill, self.folder / "gateway")
        self.assertEqual(done.returncode, 3)
        self.assertRegex(done.stderr, r"LS0004.*calls\.json, line 1: missing field `schemaVersion`")


class Demo(unittest.TestCase):
    """The two months of the demo: bills, plan, and a gateway's folder, all of them metered."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        args = ["--company", "founding", "--sample", SAMPLE, "--out", cls.folder / "demo", "--format", "json"]
        done = laneshift("demo", *args)
        assert done.returncode == 0, done.stderr
        (cls.demo,) = json.loads(done.stdout)["companies"]
        founding = cls.folder / "demo/founding"
        cls.before, cls.after = founding / "today/cur.csv", founding / "planned/cur.csv"
        cls.plan, cls.gateway = founding / "audit", founding / "planned/gateway"

    def against(self, cur, *args, before=None):
        """The gateway's books against a bill."""
        factor = ["--sampling-factor", self.demo["sampling_factor"]]
        return verify(before or self.before, self.gateway, "--plan", self.plan, "--cur", cur, *factor, *args)

    def changed(self, name, change):
        """The bill of the month after, with rows changed, or left out where the change gives none."""
        path = self.folder / name
        with open(self.after, newline="", encoding="utf-8") as file:
            rows = [row for row in map(change, csv.DictReader(file)) if row is not None]
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return path

    def with_row(self, name, *more):
        """The bill of the month after, with further rows."""
        path = self.changed(name, dict)
        with open(path, "a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, list(more[0])).writerows(more)
        return path

    def assert_one_reason(self, done, reason):
        self.assertEqual(done.returncode, 5)
        reasons = " ".join(done.stdout.split("\nNot proven\n")[1].split("- saved at equal tokens")[0].split())
        self.assertEqual((reason in reasons, reasons.count("- ")), (True, 1), reasons)

    def test_the_saving_between_the_bills_is_what_the_demo_metered(self):
        found = told(verify(self.before, self.after, "--plan", self.plan, "--format", "json"))
        self.assertEqual(Decimal(found["saved_usd"]), Decimal(self.demo["saved_usd"]))
        self.assertEqual(steps(found), {"batch": Decimal(self.demo["saved_usd"])})
        predicted = found["predicted"]
        for bound in ["floor_usd", "likely_usd", "ceiling_usd"]:
            self.assertEqual(predicted[bound], self.demo["predicted"][bound])
        self.assertEqual((predicted["standing"] == "within"), self.demo["predicted"]["holds"])
        self.assertIsNone(found["invoiced"])

    def test_books_that_are_the_bill_to_the_last_digit_are_proven(self):
        done = self.against(self.after, "--tolerance", "0", "--format", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        invoiced = json.loads(done.stdout)["invoiced"]
        self.assertEqual((invoiced["proven"], invoiced["reasons"]), (True, []))
        self.assertEqual(Decimal(invoiced["saved_usd"]), Decimal(self.demo["saved_usd"]))
        for part in ["tokens", "money"]:
            self.assertGreater(invoiced[part]["lines"], 30)
            self.assertEqual((invoiced[part]["outside"], invoiced[part]["within"]), ([], invoiced[part]["invoiced"]))
        text = self.against(self.after, "--tolerance", "0").stdout
        self.assertIn("\nProven\n", text)
        self.assertTrue(all(len(line) <= 80 for line in text.splitlines()))

    def test_without_the_factor_a_sample_is_not_the_bill(self):
        done = verify(self.before, self.gateway, "--cur", self.after)
        self.assertEqual(done.returncode, 5)
        self.assertIn("\nNot proven\n", done.stdout)

    def test_a_day_that_is_short_is_named_with_its_usage_type(self):
        with open(self.after, newline="", encoding="utf-8") as file:
            short = next(row for row in csv.DictReader(file) if "Batch" in row["line_item_usage_type"])
        day, usage_type = short["line_item_usage_start_date"][:10], short["line_item_usage_type"]

        def halved(row):
            if row == short:
                row = row | {"line_item_usage_amount": Decimal(row["line_item_usage_amount"]) / 2}
            return row

        done = self.against(self.changed("short.csv", halved), "--format", "json")
        self.assertEqual(done.returncode, 5)
        self.assertIn("LS0030", done.stderr)
        (outside,) = json.loads(done.stdout)["invoiced"]["tokens"]["outside"]
        self.assertEqual((outside["day"], outside["usage_type"]), (day, usage_type))
        self.assertGreater(int(outside["metered"]), int(outside["invoiced"]))
        text = " ".join(self.against(self.folder / "short.csv").stdout.split())
        self.assertIn(f"{day}, {usage_type}: metered {outside['metered']}, invoiced {outside['invoiced']}", text)

    def test_a_day_that_has_not_come_yet_is_named(self):
        with open(self.after, newline="", encoding="utf-8") as file:
            last = max(row["line_item_usage_start_date"] for row in csv.DictReader(file))[:10]
        late = self.changed("late.csv", lambda row: None if row["line_item_usage_start_date"].startswith(last) else row)
        done = self.against(late)
        self.assertEqual(done.returncode, 5)
        self.assertIn(f"the invoice has nothing on {last}", done.stderr)

    def test_a_bill_is_proof_when_it_is_invoiced(self):
        done = self.against(self.changed("open.csv", lambda row: row | {"bill_invoice_id": ""}))
        self.assertEqual(done.returncode, 5)
        self.assertIn("on no invoice yet", done.stderr)
        untold = self.changed("untold.csv", lambda row: {name: text for name, text in row.items() if name != "bill_invoice_id"})
        self.assert_one_reason(self.against(untold), "no column bill_invoice_id")
        done = self.against(self.after, "--format", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse([note for note in json.loads(done.stdout)["notes"] if note.startswith("invoice")])

    def test_the_same_days_twice_are_not_two_months(self):
        self.assert_one_reason(self.against(self.after, before=self.after), "30 days are on the invoice and on")

    def test_fees_that_differ_and_prices_that_are_not_known_are_no_proof(self):
        with open(self.after, newline="", encoding="utf-8") as file:
            first = next(csv.DictReader(file))
        units = first | {"line_item_usage_type": "USE1-NovaLite-ProvisionedThroughput-NoCommit-ModelUnits", "line_item_unblended_cost": "9"}
        self.assert_one_reason(self.against(self.with_row("units.csv", units)), "the fees of paid capacity were $0")

        # Bought on demand and in batch now, and neither of it before.
        flex = self.folder / "flex.csv"
        flex.write_text(self.before.read_text(encoding="utf-8").replace("TokenCount", "TokenCount_Flex"), encoding="utf-8")
        self.assert_one_reason(self.against(self.after, before=flex), "whose price before is not known")

    def test_what_aws_takes_back_is_taken_from_its_line(self):
        with open(self.after, newline="", encoding="utf-8") as file:
            first = next(csv.DictReader(file))
        half = first | {name: -Decimal(first[name]) / 2 for name in ("line_item_usage_amount", "line_item_unblended_cost")}
        done = self.against(self.with_row("half.csv", half), "--tolerance", "0", "--format", "json")
        self.assertEqual(done.returncode, 5)
        invoiced = json.loads(done.stdout)["invoiced"]
        day = first["line_item_usage_start_date"][:10]
        for part in ("tokens", "money"):
            (outside,) = invoiced[part]["outside"]
            self.assertEqual(outside["day"], day)
        self.assertIn(first["line_item_usage_type"], outside["usage_type"])
        whole = half | {name: -half[name] for name in ("line_item_usage_amount", "line_item_unblended_cost")}
        self.assertEqual(self.against(self.with_row("again.csv", half, whole), "--tolerance", "0").returncode, 0)

    def test_a_tolerance_holds_up_to_its_edge(self):
        def dearer(row):
            cost = Decimal(row["line_item_unblended_cost"]) * Decimal("1.005")
            return row | {"line_item_unblended_cost": cost}

        cur = self.changed("dearer.csv", dearer)
        self.assertEqual(self.against(cur).returncode, 0)
        self.assertEqual(self.against(cur, "--tolerance", "0.5%").returncode, 0)
        done = self.against(cur, "--tolerance", "0.4%", "--format", "json")
        self.assertEqual(done.returncode, 5)
        invoiced = json.loads(done.stdout)["invoiced"]
        self.assertEqual(invoiced["tokens"]["outside"], [])
        self.assertEqual(len(invoiced["money"]["outside"]), invoiced["money"]["lines"])

    def test_usage_that_no_book_has_is_not_proven(self):
        def other(row):
            return row | {"line_item_usage_type": row["line_item_usage_type"].replace("_Batch", "")}

        done = self.against(self.changed("other.csv", other), "--format", "json")
        self.assertEqual(done.returncode, 5)
        invoiced = json.loads(done.stdout)["invoiced"]
        self.assertIn(None, [one["usage_type"] for one in invoiced["tokens"]["outside"]])
        # All on demand again: by this bill nothing was saved by batch.
        self.assertNotIn("batch", steps(invoiced))

    def test_calls_that_aws_makes_itself_are_named_and_hold_nothing_up(self):
        out = self.folder / "acme"
        args = ["--company", "acme", "--sample", SAMPLE, "--out", out, "--format", "json"]
        done = laneshift("demo", *args)
        self.assertEqual(done.returncode, 0, done.stderr)
        (demo,) = json.loads(done.stdout)["companies"]
        before, after = out / "acme/today/cur.csv", out / "acme/planned/cur.csv"
        with open(after, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        by_aws = sum(
            Decimal(row["line_item_unblended_cost"]) for row in rows if "AmazonBedrockExecutionRole" in row["line_item_iam_principal"]
        )
        self.assertGreater(by_aws, 0)
        args = ["--cur", after, "--sampling-factor", demo["sampling_factor"], "--tolerance", "0", "--format", "json"]
        done = verify(before, out / "acme/planned/gateway", *args)
        self.assertEqual(done.returncode, 0, done.stderr)
        invoiced = json.loads(done.stdout)["invoiced"]
        self.assertEqual(Decimal(invoiced["unmetered_usd"]), by_aws)
        self.assertEqual(Decimal(invoiced["saved_usd"]), Decimal(demo["saved_usd"]))


if __name__ == "__main__":
    unittest.main()
