"""Ways to call that an audit must tell apart: profiles, prices by context, large and cached bodies, regions, model units.

Each costs in the audit, from the logs and from the bill alone, what the emulator billed.
"""

import json
import pathlib
import tempfile
import unittest
from decimal import Decimal

from botocore.exceptions import ClientError

import prices
from emulated import HAIKU, REGION, EmulatedCase, claude
from program import audit, usd
from test_emulator_faults import HELLO
from week import KEPT, LARGE, NOVA, SONNET, converse

UNITS = f"""
[[provisioned_model]]
account = "111122223333"
region = "{REGION}"
id = "provisioned1"
name = "committed"
model = "amazon.nova-2-lite-v1:0"
units = 2
"""


class WayCase(EmulatedCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for bucket in ("logs", "bill"):
            self.s3.create_bucket(Bucket=bucket)
        self.log_to(self.bedrock)

    def log_to(self, control, **switches):
        config = {"s3Config": {"bucketName": "logs", "keyPrefix": "x"}} | switches
        control.put_model_invocation_logging_configuration(loggingConfig=config)

    def audit(self, name, *evidence):
        info = self.emulator.info
        keys = {"AWS_ACCESS_KEY_ID": info["access_key_id"], "AWS_SECRET_ACCESS_KEY": info["secret_access_key"]}
        environment = keys | {"AWS_REGION": REGION}
        return audit(evidence[0], self.folder / name, *evidence[1:], "--s3-endpoint", info["url"], env=environment)

    def audits(self, *more):
        """The plans from logs with the bill, and from the bill alone."""
        self.emulator.ask("flush", method="POST")
        self.s3.put_object(Bucket="bill", Key="cur.csv", Body=self.emulator.ask("bill.csv").encode())
        return self.audit("logs", "s3://logs/", "s3://bill/", *more), self.audit("bill", "s3://bill/", *more)

    def total(self):
        return Decimal(prices.billed(self.emulator)) / 10**12

    def assert_same(self, *more):
        self.assertGreater(self.total(), 0)
        for plan in self.audits(*more):
            self.assertEqual(usd(plan["today_usd"]), self.total())
            self.assertEqual(plan["unresolved"], [])

    def invoke(self, model_id, body, **more):
        return self.runtime.invoke_model(modelId=model_id, body=json.dumps(body), **more)


class Names(WayCase):
    def test_an_application_profile_is_resolved_by_what_boto3_lists(self):
        for source in (SONNET, HAIKU, NOVA):
            kind = "foundation-model" if source == NOVA else "inference-profile"
            owner = "" if source == NOVA else "111122223333"
            copied = {"copyFrom": f"arn:aws:bedrock:{REGION}:{owner}:{kind}/{source}"}
            created = self.bedrock.create_inference_profile(inferenceProfileName=f"of {kind}", modelSource=copied)
            self.runtime.converse(modelId=created["inferenceProfileArn"], **converse("Hello"))
        listed = self.bedrock.list_inference_profiles(typeEquals="APPLICATION")
        del listed["ResponseMetadata"]
        (self.folder / "profiles.json").write_text(json.dumps(listed, default=str), encoding="utf-8")
        self.assert_same("--profiles", self.folder / "profiles.json")

    def test_an_application_profile_names_each_region_that_may_compute(self):
        for source, expected in {
            SONNET: ["", REGION],
            HAIKU: ["us-east-1", "us-east-2", "us-west-2"],
        }.items():
            copied = {"copyFrom": f"arn:aws:bedrock:{REGION}:111122223333:inference-profile/{source}"}
            arn = self.bedrock.create_inference_profile(inferenceProfileName="p", modelSource=copied)["inferenceProfileArn"]
            for identifier in (arn, source):
                models = self.bedrock.get_inference_profile(inferenceProfileIdentifier=identifier)["models"]
                self.assertEqual(sorted(model["modelArn"].split(":")[3] for model in models), expected)

    def test_arns_cost_what_ids_cost(self):
        self.runtime.converse(modelId=f"arn:aws:bedrock:{REGION}::foundation-model/{NOVA}", **converse("Hello"))
        self.runtime.converse(modelId=f"arn:aws:bedrock:{REGION}:111122223333:inference-profile/{SONNET}", **converse("Hello"))
        self.assert_same()

    def test_every_model_by_every_name_costs_the_same_on_both_sides(self):
        names = [model["modelId"] for model in self.bedrock.list_foundation_models()["modelSummaries"]]
        for page in self.bedrock.get_paginator("list_inference_profiles").paginate():
            names += [profile["inferenceProfileId"] for profile in page["inferenceProfileSummaries"]]
        answered = 0
        for name in names:
            try:
                self.runtime.converse(modelId=name, **converse("Hello"))
                answered += 1
            except ClientError as error:
                self.assertEqual(error.response["Error"]["Code"], "ValidationException", name)
        self.assertGreater(answered, 30)
        self.assert_same()


class Bodies(WayCase):
    def test_cached_prompts_too_large_for_a_record_keep_their_time_to_live(self):
        point = {"cachePoint": {"type": "default", "ttl": "1h"}}
        messages = [{"role": "user", "content": [{"text": LARGE}, point, {"text": "Hello"}]}]
        system = [{"type": "text", "text": f"{LARGE} natively", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
        self.runtime.converse(modelId=HAIKU, messages=messages)
        self.invoke(HAIKU, claude("Hello", system=system))
        list(self.runtime.converse_stream(modelId=SONNET, messages=messages)["stream"])
        stream = self.runtime.invoke_model_with_response_stream(modelId=SONNET, body=json.dumps(claude("Hello", system=system)))
        list(stream["body"])
        self.assertIn("cache_write_1h", {line["class"] for line in self.emulator.bill()["lines"]})
        self.assert_same()

    def test_two_times_to_live_in_one_prompt_are_told_apart(self):
        content = [
            {"text": KEPT},
            {"cachePoint": {"type": "default", "ttl": "1h"}},
            {"text": f"{KEPT} shorter"},
            {"cachePoint": {"type": "default", "ttl": "5m"}},
            {"text": "Hello"},
        ]
        self.runtime.converse(modelId=SONNET, messages=[{"role": "user", "content": content}])
        classes = {line["class"] for line in self.emulator.bill()["lines"]}
        self.assertLessEqual({"cache_write_5m", "cache_write_1h"}, classes)
        self.assert_same()

    def test_without_bodies_what_is_uncached_or_kept_for_five_minutes_costs_the_same(self):
        self.log_to(self.bedrock, textDataDeliveryEnabled=False)
        for _ in range(2):
            self.runtime.converse(modelId=HAIKU, **converse("Hello", cached="5m"))
        self.invoke(SONNET, claude("Hello"))
        self.assert_same()

    def test_a_very_long_prompt_costs_the_same_on_both_sides(self):
        self.runtime.converse(modelId=SONNET, **converse("word " * 260_000))
        self.assertGreater(max(line["tokens"] for line in self.emulator.bill()["lines"]), 200_000)
        self.assert_same()


class Regions(WayCase):
    def test_calls_in_other_regions_are_priced_and_logged_there(self):
        for region, model_id in (("eu-west-1", HAIKU.replace("us.", "eu.")), ("ap-northeast-1", HAIKU.replace("us.", "jp."))):
            control, runtime = (self.emulator.client(name, region=region) for name in ("bedrock", "bedrock-runtime"))
            self.addCleanup(control.close)
            self.addCleanup(runtime.close)
            self.log_to(control)
            runtime.converse(**HELLO | {"modelId": model_id})
        self.assertEqual({line["region"] for line in self.emulator.bill()["lines"]}, {"eu-west-1", "ap-northeast-1"})
        self.assert_same()


class Unlogged(WayCase):
    def test_the_tier_of_a_native_call_is_on_the_bill_and_in_no_log(self):
        """InvokeModel names its tier in a header, and a log record has bodies only."""
        body = {"messages": [{"role": "user", "content": [{"text": "Hello"}]}]}
        headers = self.invoke(NOVA, body, serviceTier="flex")["ResponseMetadata"]["HTTPHeaders"]
        tokens = {name: int(headers[f"x-amzn-bedrock-{name}-token-count"]) for name in ("input", "output")}
        from_logs, from_bill = self.audits()
        self.assertEqual(usd(from_logs["today_usd"]), Decimal(prices.cost(NOVA, "on_demand", **tokens)) / 10**12)
        for cost in (usd(from_bill["today_usd"]), usd(from_logs["coverage"]["bill_usd"]), self.total()):
            self.assertEqual(cost, Decimal(prices.cost(NOVA, "flex", **tokens)) / 10**12)

    def test_what_has_no_price_is_in_no_total_of_either_side(self):
        """The catalogue has no flex price of the global Nova 2 Lite."""
        model_id = "global.amazon.nova-2-lite-v1:0"
        priced = self.runtime.converse(modelId=model_id, **converse("Hello"))["usage"]
        self.runtime.converse(modelId=model_id, serviceTier={"type": "flex"}, **converse("Hello"))
        cost = prices.cost(model_id, "on_demand", input=priced["inputTokens"], output=priced["outputTokens"])
        self.assertEqual(int(self.emulator.bill()["total"]["knownPico"]), cost)
        from_logs, from_bill = self.audits()
        for plan in (from_logs, from_bill):
            self.assertEqual(sum(usd(lane["today_usd"]) for lane in plan["lanes"]), Decimal(cost) / 10**12)


class Units(WayCase):
    SETTINGS = UNITS

    def test_model_units_are_paid_by_the_hour_and_their_tokens_are_free(self):
        arn = f"arn:aws:bedrock:{REGION}:111122223333:provisioned-model/provisioned1"
        self.runtime.converse(modelId=arn, **converse("Hello"))
        self.emulator.advance(2 * 3600)
        bill = self.emulator.bill()
        [unit] = bill["modelUnits"]
        self.assertEqual((bill["lines"], unit["unitHours"]), ([], 3 * 2), "begun hours are paid whole")
        self.assertEqual(self.total(), Decimal(unit["usdPerUnitHour"]) * 6)
        for plan in self.audits():
            self.assertEqual(usd(plan["today_usd"]), 0)
            [other] = plan["other_services"]
            self.assertRegex(other["product"], "^Bedrock: USE1-Nova2.0Lite-Provisioned")
            self.assertEqual(usd(other["cost_usd"]), self.total())
        unresolved = self.audits()[0]["unresolved"]
        self.assertEqual([(entry["id"], entry["requests"]) for entry in unresolved], [(arn, 1)])


if __name__ == "__main__":
    unittest.main()
