"""What on-demand calls are metered as: tiers, the prompt cache, quotas with their burn-down, and provisioned capacity."""

import csv
import decimal
import io
import json
import unittest

from emulated import HAIKU, HOUR_S, EmulatedCase, claude

NOVA = "amazon.nova-pro-v1:0"
LLAMA = "meta.llama3-1-8b-instruct-v1:0"
UNIT = "arn:aws:bedrock:us-east-1:111122223333:provisioned-model/provisioned1"
LONG = "word " * 4000
SHORT = "word " * 3000


class MeteringCase(EmulatedCase):
    def converse(self, text, model=HAIKU, **more):
        return self.runtime.converse(modelId=model, messages=[{"role": "user", "content": [{"text": text}]}], **more)

    def billed(self, **wanted):
        """Tokens by class, over the lines of the bill that are as wanted."""
        lines = [line for line in self.emulator.bill()["lines"] if all(line[name] == value for name, value in wanted.items())]
        return {line["class"]: line["tokens"] for line in lines}

    def prices(self, **wanted):
        lines = [line for line in self.emulator.bill()["lines"] if all(line[name] == value for name, value in wanted.items())]
        for line in lines:
            cost = decimal.Decimal(line["usdPerMillion"]) * line["tokens"] / 1_000_000
            self.assertEqual(decimal.Decimal(line["costUsd"]), cost)
        return {line["class"]: decimal.Decimal(line["usdPerMillion"]) for line in lines}


class Tiers(MeteringCase):
    def test_a_tier_is_echoed_and_billed_at_its_price(self):
        # AWS, Bedrock pricing page, 2026-07-24: flex is half of standard, priority one and three quarters.
        for tier, price_in, price_out in [("default", "0.80", "3.20"), ("flex", "0.40", "1.60"), ("priority", "1.40", "5.60")]:
            with self.subTest(tier):
                answer = self.converse(f"hello {tier}", NOVA, serviceTier={"type": tier})
                self.assertEqual(answer["serviceTier"], {"type": tier})
                usage = answer["usage"]
                self.assertEqual(self.billed(tier=tier), {"input": usage["inputTokens"], "output": usage["outputTokens"]})
                expected = {"input": decimal.Decimal(price_in), "output": decimal.Decimal(price_out)}
                self.assertEqual(self.prices(tier=tier), expected)

    def test_a_tier_in_a_header_or_a_stream_counts_as_in_a_body(self):
        body = json.dumps({"messages": [{"role": "user", "content": [{"text": "hello"}]}]})
        answer = self.runtime.invoke_model(modelId=NOVA, body=body, serviceTier="flex")
        self.assertEqual(answer["serviceTier"], "flex")
        answer["body"].close()
        answer = self.runtime.invoke_model_with_response_stream(modelId=NOVA, body=body, serviceTier="flex")
        self.assertEqual(answer["serviceTier"], "flex")
        list(answer["body"])
        message = [{"role": "user", "content": [{"text": "hello"}]}]
        events = list(self.runtime.converse_stream(modelId=NOVA, messages=message, serviceTier={"type": "flex"})["stream"])
        self.assertEqual(events[-1]["metadata"]["serviceTier"], {"type": "flex"})
        self.assertEqual(self.billed(tier="default"), {})
        self.assertEqual(self.billed(tier="flex")["input"], 3 * events[-1]["metadata"]["usage"]["inputTokens"])

    def test_the_reserved_tier_without_a_reservation_is_served_as_standard(self):
        self.assertEqual(self.converse("hello", NOVA, serviceTier={"type": "reserved"})["serviceTier"], {"type": "default"})

    def test_a_tier_that_the_model_is_not_sold_in_is_refused(self):
        with self.refused("ValidationException", 400, "tier"):
            self.converse("hello", HAIKU, serviceTier={"type": "flex"})
        self.assertEqual(self.emulator.bill()["lines"], [])

    def test_a_latency_optimized_call_says_so_and_is_billed_apart(self):
        fast = {"latency": "optimized"}
        answer = self.converse("hello", f"us.{NOVA}", performanceConfig=fast)
        self.assertEqual(answer["performanceConfig"], fast)
        usage = {"input": answer["usage"]["inputTokens"], "output": answer["usage"]["outputTokens"]}
        self.assertEqual(self.billed(mode="latency_optimized"), usage)
        # The price list knows no price of it: the tokens are named and not added up at another one.
        total = self.emulator.bill()["total"]
        self.assertEqual({line["class"]: line["tokens"] for line in total["unpriced"]}, usage)
        self.assertEqual(decimal.Decimal(total["knownUsd"]), 0)
        self.assertNotIn("performanceConfig", self.converse("hello", f"us.{NOVA}"))
        with self.refused("ValidationException", 400, "not supported"):
            self.converse("hello", HAIKU, performanceConfig=fast)


class Caching(MeteringCase):
    def ask(self, ttl=None, prefix=LONG, model=HAIKU):
        """Read, written and left tokens of a call with a cache point behind its system prompt."""
        point = {"type": "default"} | ({"ttl": ttl} if ttl else {})
        usage = self.converse("x", model, system=[{"text": prefix}, {"cachePoint": point}])["usage"]
        parts = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens")
        self.assertEqual(usage["totalTokens"], sum(usage[name] for name in parts))
        return usage["cacheReadInputTokens"], usage["cacheWriteInputTokens"], usage["inputTokens"]

    def test_a_prefix_is_written_and_then_read_as_long_as_it_lives(self):
        whole = len(LONG) // 4
        for ttl, life_s in ((None, 300), ("5m", 300), ("1h", HOUR_S)):
            with self.subTest(ttl):
                self.emulator.advance(2 * HOUR_S)
                read, written, left = self.ask(ttl)
                self.assertEqual((read, written), (0, whole))
                self.assertEqual(self.ask(ttl), (whole, 0, left))
                for _ in range(2):
                    self.emulator.advance(life_s - 1)
                    self.assertEqual(self.ask(ttl), (whole, 0, left), "a use renews the time to live")
                self.emulator.advance(life_s)
                self.assertEqual(self.ask(ttl), (0, whole, left))

    def test_reads_and_writes_are_billed_at_their_prices(self):
        for ttl in ("5m", "1h"):
            self.emulator.advance(2 * HOUR_S)
            self.ask(ttl), self.ask(ttl)
        whole = len(LONG) // 4
        billed = self.billed()
        self.assertEqual(billed["cache_read"], 2 * whole)
        self.assertEqual((billed["cache_write_5m"], billed["cache_write_1h"]), (whole, whole))
        # A geographic profile of Haiku 4.5: 1.10 a million; a write 1.25 and 2 times as much, a read a tenth.
        prices = {"input": "1.1", "output": "5.5", "cache_read": "0.11", "cache_write_5m": "1.375", "cache_write_1h": "2.2"}
        self.assertEqual(self.prices(), {name: decimal.Decimal(price) for name, price in prices.items()})

    def test_below_the_model_s_minimum_nothing_is_cached(self):
        for _ in range(2):
            read, written, left = self.ask(prefix=SHORT)
            self.assertEqual((read, written), (0, 0))
            self.assertGreater(left, len(SHORT) // 4)
        self.assertNotEqual(self.ask(prefix=SHORT, model="us.anthropic.claude-sonnet-4-5-20250929-v1:0")[1], 0)

    def test_the_details_tell_the_times_to_live_apart(self):
        system = [{"text": LONG}, {"cachePoint": {"type": "default", "ttl": "1h"}}]
        message = [{"role": "user", "content": [{"text": SHORT}, {"cachePoint": {"type": "default"}}, {"text": "x"}]}]
        usage = self.runtime.converse(modelId=HAIKU, system=system, messages=message)["usage"]
        details = {detail["ttl"]: detail["inputTokens"] for detail in usage["cacheDetails"]}
        self.assertEqual(details, {"1h": len(LONG) // 4, "5m": len(SHORT) // 4})
        self.assertEqual(usage["cacheWriteInputTokens"], sum(details.values()))

    def test_a_longer_time_to_live_must_come_first(self):
        system = [{"text": LONG}, {"cachePoint": {"type": "default", "ttl": "5m"}}]
        hour = {"cachePoint": {"type": "default", "ttl": "1h"}}
        message = [{"role": "user", "content": [{"text": SHORT}, hour, {"text": "x"}]}]
        with self.refused("ValidationException", 400):
            self.runtime.converse(modelId=HAIKU, system=system, messages=message)

    def test_a_native_call_shares_the_cache_with_its_own_words_for_it(self):
        system = [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
        used = []
        for _ in range(2):
            answer = self.runtime.invoke_model(modelId=HAIKU, body=json.dumps(claude("x", system=system)))
            usage = json.loads(answer["body"].read())["usage"]
            headers = answer["ResponseMetadata"]["HTTPHeaders"]
            for name, header in (("creation", "write"), ("read", "read")):
                count = headers[f"x-amzn-bedrock-cache-{header}-input-token-count"]
                self.assertEqual(int(count), usage[f"cache_{name}_input_tokens"])
            used.append((usage["cache_read_input_tokens"], usage["cache_creation"]["ephemeral_1h_input_tokens"]))
        self.assertEqual(used, [(0, len(LONG) // 4), (len(LONG) // 4, 0)])

    def test_another_model_or_prompt_reads_nothing(self):
        self.ask()
        self.assertEqual(self.ask(prefix=f"Other {LONG}")[0], 0)
        self.assertEqual(self.ask(model="us.anthropic.claude-opus-4-5-20251101-v1:0")[0], 0)
        self.assertEqual(self.ask()[1], 0)


class CachedTotals(MeteringCase):
    SETTINGS = "[switches]\ntotal_tokens_include_cache = false\n"

    def test_the_total_can_leave_cached_tokens_out(self):
        system = [{"text": LONG}, {"cachePoint": {"type": "default"}}]
        usage = self.converse("x", system=system)["usage"]
        self.assertGreater(usage["cacheWriteInputTokens"], 0)
        self.assertEqual(usage["totalTokens"], usage["inputTokens"] + usage["outputTokens"])


class Throttling(MeteringCase):
    SETTINGS = """
[quotas]
"Cross-region model inference tokens per minute for Anthropic Claude Haiku 4.5" = 10000
"On-demand model inference requests per minute for Amazon Nova Pro" = 2
"""

    def limited(self, text, most):
        return self.converse(text, inferenceConfig={"maxTokens": most})["usage"]

    def test_requests_over_the_quota_are_throttled_until_the_minute_is_over(self):
        for _ in range(2):
            self.converse("x", NOVA)
        with self.refused("ThrottlingException", 429, "Too many requests"):
            self.converse("x", NOVA)
        self.converse("x", f"us.{NOVA}")
        self.emulator.advance(30)
        self.converse("x", NOVA)
        with self.refused("ThrottlingException", 429):
            self.converse("x", NOVA)

    def test_boto3_s_own_retry_succeeds_when_time_has_passed(self):
        client = self.emulator.client("bedrock-runtime", retries={"total_max_attempts": 3, "mode": "standard"})
        self.addCleanup(client.close)
        sent = []

        def pass_time(**_):
            sent.append(1)
            if len(sent) == 4:
                self.emulator.advance(60)

        client.meta.events.register("before-send.bedrock-runtime.Converse", pass_time)
        message = [{"role": "user", "content": [{"text": "x"}]}]
        answers = [client.converse(modelId=NOVA, messages=message) for _ in range(3)]
        self.assertEqual([answer["ResponseMetadata"]["RetryAttempts"] for answer in answers], [0, 0, 1])

    def test_the_most_tokens_are_reserved_and_output_burns_down_five_times(self):
        with self.refused("ThrottlingException", 429, "Too many tokens"):
            self.limited("x [[toy: tokens=1]]", 10_000)
        usage = self.limited("x [[toy: tokens=1000]]", 4000)
        self.assertEqual(usage["outputTokens"], 1000)
        left = 10_000 - usage["inputTokens"] - 5 * 1000
        asks = self.runtime.count_tokens(
            modelId=HAIKU, input={"converse": {"messages": [{"role": "user", "content": [{"text": "y [[toy: tokens=1]]"}]}]}}
        )["inputTokens"]
        with self.refused("ThrottlingException", 429):
            self.limited("y [[toy: tokens=1]]", left - asks + 1)
        self.limited("y [[toy: tokens=1]]", left - asks)

    def test_cache_reads_are_free_of_quota(self):
        system = [{"text": LONG}, {"cachePoint": {"type": "default"}}]
        for _ in range(2):
            usage = self.converse("x [[toy: tokens=1]]", system=system, inferenceConfig={"maxTokens": 10})["usage"]
            self.emulator.advance(30)
        self.assertEqual(usage["cacheReadInputTokens"], len(LONG) // 4)
        self.limited("x [[toy: tokens=1]]", 9900)


class Provisioned(MeteringCase):
    SETTINGS = f"""
[[provisioned_model]]
account = "111122223333"
region = "us-east-1"
id = "provisioned1"
name = "committed"
model = "{LLAMA}"
units = 2
commitment = "SixMonths"
tokens_per_minute = 1000
"""

    def test_a_provisioned_model_is_billed_by_the_hour_and_not_by_the_token(self):
        for _ in range(3):
            self.assertTrue(self.converse("x", UNIT)["output"]["message"]["content"][0]["text"])
        self.emulator.advance(10 * HOUR_S - 1)
        bill = self.emulator.bill()
        self.assertEqual(bill["lines"], [])
        [units] = bill["modelUnits"]
        self.assertEqual((units["resource"], units["commitment"], units["unitHours"]), (UNIT, "SixMonths", 20))
        # AWS, Bedrock pricing page: a model unit of Llama 3.1 8B for six months.
        self.assertEqual(decimal.Decimal(units["costUsd"]), 20 * decimal.Decimal("13.08"))
        self.assertEqual(bill["total"]["knownUsd"], units["costUsd"])

    def test_a_provisioned_model_has_a_capacity_of_its_own(self):
        self.converse("x [[toy: tokens=1]]", UNIT, inferenceConfig={"maxTokens": 1900})
        with self.refused("ThrottlingException", 429):
            self.converse("x", UNIT, inferenceConfig={"maxTokens": 2001})
        self.converse("x", LLAMA, inferenceConfig={"maxTokens": 2001})
        self.emulator.advance(60)
        self.converse("x", UNIT, inferenceConfig={"maxTokens": 1900})

    def test_it_is_shown_by_name_and_arn(self):
        for identifier in ("committed", UNIT):
            found = self.bedrock.get_provisioned_model_throughput(provisionedModelId=identifier)
            self.assertEqual((found["provisionedModelArn"], found["modelUnits"], found["status"]), (UNIT, 2, "InService"))
            self.assertEqual(found["commitmentDuration"], "SixMonths")
        [summary] = self.bedrock.list_provisioned_model_throughputs()["provisionedModelSummaries"]
        self.assertEqual(summary["provisionedModelName"], "committed")


class Profiles(MeteringCase):
    def test_a_call_by_an_application_profile_is_billed_to_it(self):
        created = self.bedrock.create_inference_profile(
            inferenceProfileName="search",
            modelSource={"copyFrom": f"arn:aws:bedrock:us-east-1:111122223333:inference-profile/{HAIKU}"},
        )
        arn = created["inferenceProfileArn"]
        usage = self.converse("x", arn)["usage"]
        rows = list(csv.DictReader(io.StringIO(self.emulator.ask("bill.csv"))))
        self.assertEqual({row["line_item_resource_id"] for row in rows}, {arn})
        amounts = {row["line_item_usage_type"]: decimal.Decimal(row["line_item_usage_amount"]) for row in rows}
        millions = {decimal.Decimal(usage[name]) / 1_000_000 for name in ("inputTokens", "outputTokens")}
        self.assertEqual(set(amounts.values()), millions)
        self.assertEqual({line["profile"] for line in self.emulator.bill()["lines"]}, {"us"})

    def test_a_profile_s_price_is_its_geography_s(self):
        self.converse("x", HAIKU)
        self.converse("x", HAIKU.replace("us.", "global."))
        self.assertEqual(self.prices(profile="us"), {"input": decimal.Decimal("1.1"), "output": decimal.Decimal("5.5")})
        self.assertEqual(self.prices(profile="global"), {"input": decimal.Decimal(1), "output": decimal.Decimal(5)})


if __name__ == "__main__":
    unittest.main()
