"""The audit of an emulated week costs what the emulator billed, to the picodollar.

Logs and bill are read as a customer has them: logs from S3 in AWS's layout, the bill as CUR 2.0 rows.
"""

import gzip
import json
import pathlib
import tempfile
import unittest
from collections import Counter
from decimal import Decimal

import prices
from emulated import HAIKU, START, Emulator
from program import audit, usd
from week import EVIDENCE, LOGS, NOVA, SECOND, SETTINGS, SONNET, TITAN, Week

# AWS, "Monitor model invocation", and what parsers of real logs read; read 2026-11-23.
RECORD = {
    "schemaType", "schemaVersion", "timestamp", "accountId", "region", "requestId", "operation", "modelId", "identity",
    "requestMetadata", "inferenceRegion", "errorCode", "input", "output",
}  # fmt: skip
INPUT = {
    "inputContentType", "inputBodyJson", "inputBodyS3Path", "inputTokenCount", "cacheReadInputTokenCount",
    "cacheWriteInputTokenCount",
}  # fmt: skip
OUTPUT = {"outputContentType", "outputBodyJson", "outputBodyS3Path", "outputTokenCount"}
MODELS = {model.split(".", 1)[1] if model.startswith(("us.", "global.")) else model for model in (HAIKU, SONNET, NOVA, TITAN)}


class Audited(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.emulator = Emulator("--stepped", "--start", START, settings=SETTINGS)
        cls.addClassCleanup(cls.emulator.close)
        cls.week = Week(cls.emulator)
        cls.addClassCleanup(cls.week.close)
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.csv = cls.emulator.ask("bill.csv")
        cls.bill = cls.emulator.bill()
        cls.week.s3.put_object(Bucket=EVIDENCE, Key="cur/week.csv", Body=cls.csv.encode())
        cls.plan = cls.audit("whole", f"s3://{LOGS}/", f"s3://{EVIDENCE}/cur/")

    @classmethod
    def audit(cls, name, *evidence):
        """Audits straight from the emulator's S3."""
        info = cls.emulator.info
        keys = {"AWS_ACCESS_KEY_ID": info["access_key_id"], "AWS_SECRET_ACCESS_KEY": info["secret_access_key"]}
        environment = keys | {"AWS_REGION": "us-east-1"}
        return audit(evidence[0], cls.folder / name, *evidence[1:], "--s3-endpoint", info["url"], env=environment)

    def billed(self, batch, model=None):
        """The bill's cost of batch, or of all else."""
        lines = [line for line in self.bill["lines"] if (line["mode"] == "batch") == batch and model in (None, line["model"])]
        return sum(Decimal(line["costUsd"]) for line in lines)

    def objects(self):
        pages = self.week.s3.get_paginator("list_objects_v2").paginate(Bucket=LOGS)
        for key in (entry["Key"] for page in pages for entry in page["Contents"]):
            yield key, gzip.decompress(self.week.s3.get_object(Bucket=LOGS, Key=key)["Body"].read()).decode()

    def records(self):
        return [json.loads(line) for key, text in self.objects() if "/data/" not in key for line in text.splitlines()]

    def test_the_week_has_every_lane_and_class_and_its_jobs_have_ended(self):
        self.assertEqual(self.week.unfinished(), [])
        modes = {line["mode"] for line in self.bill["lines"]}
        self.assertEqual(modes, {"on_demand", "priority", "flex", "batch"})
        classes = {line["class"] for line in self.bill["lines"]}
        self.assertEqual(classes, {"input", "output", "cache_read", "cache_write_5m", "cache_write_1h"})
        self.assertEqual(set(self.week.refused), {"ThrottlingException", "ModelErrorException", "ValidationException"})
        self.assertEqual(len({line["account"] for line in self.bill["lines"]}), 2)

    def test_on_demand_from_the_logs_costs_what_was_billed(self):
        self.assertEqual(usd(self.plan["today_usd"]), self.billed(batch=False))

    def test_batch_from_the_bill_costs_what_was_billed(self):
        batch = [row for row in self.plan["coverage"]["rows"] if row["model"].endswith("(batch)")]
        self.assertEqual(sum(usd(row["bill_usd"]) for row in batch), self.billed(batch=True))
        self.assertGreater(self.billed(batch=True), 0)
        self.assertEqual({row["logs"] for row in batch}, {0})

    def test_each_model_costs_what_was_billed(self):
        planned = {model["model"]: usd(model["today_usd"]) for model in self.plan["models"]}
        self.assertLess(MODELS, set(planned))
        self.assertEqual(planned, {model: self.billed(batch=False, model=model) for model in planned})

    def test_each_lane_costs_what_was_billed(self):
        lane_of = {"on_demand": "standard"}
        billed = Counter()
        for line in self.bill["lines"]:
            billed[lane_of.get(line["mode"], line["mode"])] += Decimal(line["costUsd"])
        lanes = {lane["lane"]: usd(lane["today_usd"]) for lane in self.plan["lanes"]}
        self.assertEqual(lanes, {lane: cost for lane, cost in billed.items() if lane != "batch"})

    def test_the_logs_explain_the_whole_bill_but_batch_token_by_token(self):
        coverage = self.plan["coverage"]
        self.assertEqual(usd(coverage["bill_usd"]), Decimal(self.bill["total"]["knownUsd"]))
        self.assertEqual(usd(coverage["explained_usd"]), self.billed(batch=False))
        for row in coverage["rows"]:
            with self.subTest(row["model"], token_class=row["class"]):
                self.assertEqual(row["logs"], 0 if row["model"].endswith("(batch)") else row["bill"])

    def test_a_bill_alone_has_the_same_total(self):
        plan = self.audit("bill", f"s3://{EVIDENCE}/cur/")
        self.assertEqual(usd(plan["today_usd"]), Decimal(self.bill["total"]["knownUsd"]))
        self.assertEqual(plan["unresolved"], [])

    def test_a_bill_by_the_day_has_the_same_total(self):
        daily = self.folder / "daily.csv"
        daily.write_text(self.emulator.ask("bill.csv?granularity=day"), encoding="utf-8")
        plan = audit(daily, self.folder / "daily")
        self.assertEqual(usd(plan["today_usd"]), Decimal(self.bill["total"]["knownUsd"]))

    def test_downloaded_files_give_the_same_plan(self):
        local = self.folder / "downloaded"
        for key, text in self.objects():
            path = local / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress(text.encode()))
        (local / "cur.csv").write_text(self.csv, encoding="utf-8")
        plan = audit(local, self.folder / "local")
        for name in ("today_usd", "models", "lanes", "workloads", "coverage"):
            self.assertEqual(plan[name], self.plan[name], name)

    def test_calls_are_counted_as_answered_throttled_and_failed(self):
        scope, refused = self.plan["scope"], self.week.refused
        self.assertEqual(scope["answered"], self.week.answered)
        self.assertEqual(scope["throttled"], refused["ThrottlingException"])
        self.assertEqual(scope["failed"], sum(refused.values()))
        self.assertEqual((scope["uncounted"], scope["rejected"]), (0, []))

    def test_metadata_and_roles_make_the_workloads(self):
        keys = {(workload["key"], workload["account"]) for workload in self.plan["workloads"]}
        account = self.emulator.info["account"]
        self.assertEqual(keys, {("workload=chat", account), ("role/ChatRole", account), ("role/NightlyRole", SECOND["id"])})

    def test_a_record_has_no_more_than_the_documented_members(self):
        found = self.records()
        self.assertEqual(len(found), self.week.answered + sum(self.week.refused.values()))
        for record in found:
            self.assertLessEqual(set(record), RECORD)
            self.assertLessEqual(set(record["input"]), INPUT)
            self.assertLessEqual(set(record["output"]), OUTPUT)
            self.assertEqual((record["schemaType"], record["schemaVersion"]), ("ModelInvocationLog", "1.0"))
            self.assertEqual(set(record["identity"]), {"arn"})
        self.assertEqual(len({record["requestId"] for record in found}), len(found))

    def test_batch_is_in_no_log(self):
        operations = Counter(record["operation"] for record in self.records())
        runtime = {"Converse", "ConverseStream", "InvokeModel", "InvokeModelWithResponseStream"}
        self.assertEqual(set(operations), runtime)
        asked = [record for record in self.records() if "night " in json.dumps(record["input"])]
        self.assertEqual(asked, [])

    def test_logs_lie_by_account_region_and_hour_and_large_bodies_beside_them(self):
        key = r"^bedrock/AWSLogs/\d{12}/BedrockModelInvocationLogs/us-east-1/\d{4}/\d\d/\d\d/\d\d/(data/)?[^/]+\.json\.gz$"
        moved = [record["input"]["inputBodyS3Path"] for record in self.records() if "inputBodyS3Path" in record["input"]]
        self.assertEqual(len(moved), 7, "one a day")
        stored = {f"s3://{LOGS}/{key}" for key, _ in self.objects()}
        self.assertLessEqual(set(moved), stored)
        for name, text in self.objects():
            self.assertRegex(name, key)
            if "/data/" not in name:
                hour = "-".join(name.split("/")[5:8]) + "T" + name.split("/")[8]
                self.assertTrue(all(json.loads(line)["timestamp"].startswith(hour) for line in text.splitlines()))

    def test_the_bill_is_what_the_logs_cost_by_the_catalogue(self):
        cost = 0
        for record in self.records():
            if "errorCode" in record:
                continue
            tokens = {"input": record["input"]["inputTokenCount"], "output": record["output"].get("outputTokenCount", 0)}
            tokens["cache_read"] = record["input"].get("cacheReadInputTokenCount", 0)
            written = record["input"].get("cacheWriteInputTokenCount", 0)
            hour = '"ttl": "1h"' in json.dumps(record["input"].get("inputBodyJson"))
            tokens["cache_write_1h" if hour else "cache_write_5m"] = written
            tier = record["input"].get("inputBodyJson", {}).get("serviceTier", {}).get("type", "default")
            cost += prices.cost(record["modelId"], "on_demand" if tier == "default" else tier, **tokens)
        self.assertEqual(Decimal(cost) / 10**12, self.billed(batch=False))


if __name__ == "__main__":
    unittest.main()
