"""The books: every view of the bill has the same sum, what is free is free, and a second program prices it alike."""

import csv
import io
import json
import unittest
from decimal import Decimal

import prices
from emulated import HAIKU, EmulatedCase, claude, records
from test_emulator_faults import CALM, HELLO, settings
from week import KEPT, NOVA, SECOND, SONNET, TITAN, converse

GPT_OSS = "openai.gpt-oss-120b-1:0"
ROLE = {"principal": "arn:aws:sts::111122223333:assumed-role/Nightly/worker", "key": "AKIATHEROLE000000000", "secret": "role/secret"}
CALLERS = f"""
[[account]]

[[account]]
principal = "{ROLE['principal']}"
access_key = "{ROLE['key']}"
secret_key = "{ROLE['secret']}"

[[account]]
id = "{SECOND['id']}"
principal = "arn:aws:iam::{SECOND['id']}:user/second"
access_key = "{SECOND['key']}"
secret_key = "{SECOND['secret']}"
"""
CLASSES = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")


class BookCase(EmulatedCase):
    SETTINGS = CALLERS + settings(minimum=1)

    def setUp(self):
        super().setUp()
        self.second = self.emulator.client("bedrock-runtime", key=SECOND["key"], secret=SECOND["secret"])
        self.addCleanup(self.second.close)

    def billed(self):
        return prices.billed(self.emulator)

    def rows(self, query=""):
        return list(csv.DictReader(io.StringIO(self.emulator.ask(f"bill.csv{query}"))))

    def spoken(self, model_id, mode="on_demand", client=None, ttl=None, **arguments):
        """Converses; gives what the answer's usage costs by the catalogue."""
        usage = (client or self.runtime).converse(modelId=model_id, **arguments)["usage"]
        written = {"cache_write_1h" if ttl == "1h" else "cache_write_5m": usage.get("cacheWriteInputTokens", 0)}
        read = usage.get("cacheReadInputTokens", 0)
        return prices.cost(model_id, mode, input=usage["inputTokens"], output=usage["outputTokens"], cache_read=read, **written)


class Sums(BookCase):
    def setUp(self):
        """Calls over three days by three callers, and a job."""
        super().setUp()
        role = self.emulator.client("bedrock-runtime", key=ROLE["key"], secret=ROLE["secret"])
        self.addCleanup(role.close)
        for day in range(3):
            for client in (self.runtime, self.second, role):
                for turn in range(2):
                    client.converse(modelId=SONNET, **converse(f"turn {turn} of day {day}", cached="1h"))
                client.converse(modelId=NOVA, serviceTier={"type": "flex"}, **converse(f"day {day}"))
                list(client.converse_stream(modelId=HAIKU, **converse(f"day {day}", cached="5m"))["stream"])
                self.emulator.advance(3600)
            self.upload(records(5))
            self.wait(self.create_job(f"day-{day}"), "Completed")
            self.emulator.advance(21 * 3600)

    def folded(self, by):
        """Tokens and picodollars of a view by what all views tell apart."""
        found = {}
        for line in self.emulator.bill(by)["lines"]:
            key = tuple(line[name] for name in ("account", "region", "model", "profile", "mode", "tier", "class"))
            tokens, pico = found.get(key, (0, 0))
            found[key] = (tokens + line["tokens"], pico + int(line["costPico"]))
        return found

    def test_hour_day_and_principal_add_up_to_the_bill_by_model(self):
        whole = self.folded("model")
        self.assertEqual({key[-1] for key in whole}, set(CLASSES))
        for by in ("hour", "day", "principal"):
            with self.subTest(by):
                view = self.emulator.bill(by)
                self.assertEqual(self.folded(by), whole)
                self.assertEqual(view["total"], self.emulator.bill()["total"])
                self.assertEqual(sum(int(line["costPico"]) for line in view["lines"]), int(view["total"]["knownPico"]))
                self.assertGreater(len(view["lines"]), len(whole))

    def test_hours_and_days_and_callers_are_those_of_the_calls(self):
        days = sorted({line["start"] for line in self.emulator.bill("day")["lines"]})
        self.assertEqual(days, [f"2026-11-0{day}T00:00:00Z" for day in (2, 3, 4)])
        hours = {line["start"] for line in self.emulator.bill("hour")["lines"]}
        self.assertLessEqual({"2026-11-02T00:00:00Z", "2026-11-02T01:00:00Z"}, hours)
        principals = {line["principal"]: line["account"] for line in self.emulator.bill("principal")["lines"]}
        own, second = self.emulator.info["account"], SECOND["id"]
        users = {f"arn:aws:iam::{own}:user/developer": own, f"arn:aws:iam::{second}:user/second": second}
        self.assertEqual(principals, users | {ROLE["principal"]: own})

    def test_money_is_written_in_full_once_in_dollars_and_once_in_picodollars(self):
        bill = self.emulator.bill()
        for part in (*bill["lines"], {"costUsd": bill["total"]["knownUsd"], "costPico": bill["total"]["knownPico"]}):
            self.assertEqual(Decimal(part["costUsd"]), Decimal(part["costPico"]) / 10**12)
        for line in bill["lines"]:
            self.assertEqual(int(line["costPico"]), line["tokens"] * int(Decimal(line["usdPerMillion"]) * 10**6))
            self.assertTrue(line["source"])

    def test_the_rows_of_the_cur_add_up_to_the_total_of_the_bill(self):
        total = Decimal(self.emulator.bill()["total"]["knownUsd"])
        for query in ("", "?granularity=hour", "?granularity=day"):
            rows = self.rows(query)
            self.assertEqual(sum(Decimal(row["line_item_unblended_cost"]) for row in rows), total, query)
            for row in rows:
                rate, amount = Decimal(row["line_item_unblended_rate"]), Decimal(row["line_item_usage_amount"])
                self.assertEqual(rate * amount, Decimal(row["line_item_unblended_cost"]), row)
            self.assertEqual({row["bill_payer_account_id"] for row in rows}, {self.emulator.info["account"]})
            self.assertEqual({row["line_item_currency_code"] for row in rows}, {"USD"})

    def test_a_row_of_the_cur_says_who_called_and_how_and_in_batch(self):
        rows = self.rows()
        principals = {row["line_item_iam_principal"] for row in rows}
        self.assertEqual(principals, {line["principal"] for line in self.emulator.bill("principal")["lines"]})
        streamed = [row for row in rows if row["line_item_operation"] == "InvokeModelStreamingInference"]
        self.assertTrue(streamed and all("Claude Haiku 4.5" in row["product"] for row in streamed))
        batch = [row for row in rows if "Batch" in row["line_item_usage_type"]]
        self.assertTrue(all("Claude Haiku 4.5" in row["product"] for row in batch))
        cost = sum(int(line["costPico"]) for line in self.emulator.bill()["lines"] if line["mode"] == "batch")
        self.assertEqual(sum(Decimal(row["line_item_unblended_cost"]) for row in batch), Decimal(cost) / 10**12)

    def test_a_bill_survives_kill_nine_in_every_view(self):
        before = [self.emulator.bill(by) for by in ("model", "hour", "day", "principal")], self.rows()
        self.emulator.restart()
        self.assertEqual(([self.emulator.bill(by) for by in ("model", "hour", "day", "principal")], self.rows()), before)

    def test_a_view_that_there_is_not_is_refused(self):
        for path in ("bill?by=colour", "bill.csv?granularity=minute"):
            with self.assertRaisesRegex(AssertionError, "is none of"):
                self.emulator.ask(path)


class Free(BookCase):
    SETTINGS = BookCase.SETTINGS + "\n[on_demand]\nrequests_per_minute = 2\n"

    def tearDown(self):
        self.assertEqual((self.emulator.bill()["lines"], self.rows(), self.billed()), ([], [], 0))

    def refuse(self, call, code):
        with self.refused(code):
            call()

    def test_counting_listing_and_reading_are_free(self):
        ask = {"converse": {"messages": HELLO["messages"]}}
        self.assertGreater(self.runtime.count_tokens(modelId="anthropic.claude-haiku-4-5-20251001-v1:0", input=ask)["inputTokens"], 0)
        self.bedrock.list_foundation_models()
        self.bedrock.list_inference_profiles()
        self.bedrock.list_model_invocation_jobs()

    def test_calls_that_are_refused_are_free(self):
        self.refuse(lambda: self.runtime.converse(modelId="no.such-model", messages=HELLO["messages"]), "ValidationException")
        body = json.dumps({"max_tokens": 1})
        self.refuse(lambda: self.runtime.invoke_model(modelId=HAIKU, body=body), "ValidationException")
        tier = {"type": "flex"}
        self.refuse(lambda: self.runtime.converse(**HELLO, serviceTier=tier), "ValidationException")
        stranger = self.emulator.client("bedrock-runtime", secret="not/the/secret")
        self.addCleanup(stranger.close)
        self.refuse(lambda: stranger.converse(**HELLO), "InvalidSignatureException")

    def test_calls_that_the_model_fails_are_free(self):
        for told, code in (("model", "ModelErrorException"), ("timeout", "ModelTimeoutException")):
            self.refuse(lambda: self.runtime.converse(modelId=HAIKU, **converse(f"[[toy: error={told}]]")), code)

    def test_jobs_that_fail_in_validation_expire_or_stop_before_they_begin_are_free(self):
        self.upload(["no record"])
        self.wait(self.create_job("failed"), "Failed")
        self.upload(records(3))
        self.emulator.faults({"fault": "never_begins", "nth": 1})
        expired, stopped = self.create_job("expired"), self.create_job("stopped")
        self.bedrock.stop_model_invocation_job(jobIdentifier=stopped)
        self.wait(stopped, "Stopped")
        self.wait(expired, "Expired", step_s=3600)


class Throttled(BookCase):
    SETTINGS = CALLERS + CALM + "\n[on_demand]\nrequests_per_minute = 2\n"

    def test_calls_over_the_quota_are_free(self):
        cost = self.spoken(HAIKU, **converse("one")) + self.spoken(HAIKU, **converse("two"))
        for _ in range(3):
            with self.refused("ThrottlingException", 429):
                self.runtime.converse(modelId=HAIKU, **converse("three"))
        self.assertEqual(self.billed(), cost)


class Priced(BookCase):
    def test_a_call_that_failed_has_written_no_cache(self):
        """Who comes next pays for the write; nobody reads what nobody paid for."""
        with self.refused("ModelErrorException"):
            self.runtime.converse(modelId=HAIKU, **converse("[[toy: error=model]]", cached="1h"))
        usage = self.runtime.converse(modelId=HAIKU, **converse("Hello", cached="1h"))["usage"]
        self.assertEqual(usage["cacheReadInputTokens"], 0)
        self.assertGreater(usage["cacheWriteInputTokens"], 0)

    def test_answers_cost_what_the_catalogue_says(self):
        cost = 0
        for tier in ("default", "priority", "flex"):
            mode = "on_demand" if tier == "default" else tier
            cost += self.spoken(NOVA, mode, serviceTier={"type": tier}, **converse(f"tier {tier}"))
            cost += self.spoken(GPT_OSS, mode, serviceTier={"type": tier}, **converse(f"tier {tier}"))
        for model_id in (HAIKU, SONNET, "us.anthropic.claude-sonnet-4-6"):
            for ttl in ("5m", "1h"):
                for turn in range(2):
                    cost += self.spoken(model_id, ttl=ttl, client=self.second, **converse(f"turn {turn}", cached=ttl))
                self.emulator.advance(3600)
        self.assertEqual(self.billed(), cost)

    def test_native_answers_cost_what_their_headers_say(self):
        cost = 0
        body = claude("Hello", system=[{"type": "text", "text": KEPT, "cache_control": {"type": "ephemeral", "ttl": "1h"}}])
        nova = {"messages": [{"role": "user", "content": [{"text": "Hello"}]}]}
        chat = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 30}
        for model_id, body in ((HAIKU, body), (HAIKU, body), (NOVA, nova), (GPT_OSS, chat), (TITAN, {"inputText": "Hello"})):
            answer = self.runtime.invoke_model(modelId=model_id, body=json.dumps(body))
            headers = answer["ResponseMetadata"]["HTTPHeaders"]
            tokens = {name: int(headers.get(f"x-amzn-bedrock-{name}-token-count", 0)) for name in ("input", "output")}
            tokens["cache_read"] = int(headers["x-amzn-bedrock-cache-read-input-token-count"])
            tokens["cache_write_1h"] = int(headers["x-amzn-bedrock-cache-write-input-token-count"])
            cost += prices.cost(model_id, "on_demand", **tokens)
        self.assertEqual(self.billed(), cost)

    def test_a_stream_costs_what_its_last_event_says(self):
        usage = [e["metadata"]["usage"] for e in self.runtime.converse_stream(**HELLO)["stream"] if "metadata" in e][0]
        self.assertEqual(self.billed(), prices.cost(HAIKU, "on_demand", input=usage["inputTokens"], output=usage["outputTokens"]))

    def test_a_batch_costs_what_its_output_shows_whatever_the_prompt_says_of_caches(self):
        kept = [{"type": "text", "text": KEPT, "cache_control": {"type": "ephemeral"}}]
        self.upload(records(8, system=kept, max_tokens=16))
        arn = self.create_job()
        self.wait(arn, "Completed")
        self.assertEqual(self.billed(), prices.of_output(HAIKU, self.output(arn)))
        self.assertEqual({line["class"] for line in self.emulator.bill()["lines"]}, {"input", "output"})

    def test_a_stopped_job_costs_what_its_output_shows_and_no_more(self):
        self.upload(records(300))
        arn = self.create_job()
        self.wait(arn, "InProgress", step_s=20)
        self.emulator.advance(240)
        self.bedrock.stop_model_invocation_job(jobIdentifier=arn)
        self.wait(arn, "Stopped", step_s=10)
        lines, manifest = self.output(arn), self.manifest(arn)
        self.assertTrue(0 < len(lines) < 300, len(lines))
        self.assertEqual(self.billed(), prices.of_output(HAIKU, lines))
        shown = prices.cost(HAIKU, "batch", input=manifest["inputTokenCount"], output=manifest["outputTokenCount"])
        self.assertEqual(self.billed(), shown)
        self.emulator.advance(7 * 86_400)
        self.assertEqual(self.billed(), shown)

    def test_what_the_job_hours_cost_is_booked_in_the_hour_that_the_job_ended(self):
        self.upload(records(3))
        job = self.wait(self.create_job(), "Completed")
        [start] = {line["start"] for line in self.emulator.bill("hour")["lines"]}
        self.assertEqual(start, job["endTime"].strftime("%Y-%m-%dT%H:00:00Z"))


class Unpriced(BookCase):
    def test_what_has_no_price_is_unknown_and_never_zero(self):
        """The catalogue has no flex price of the global Nova 2 Lite."""
        model_id = "amazon.nova-2-lite-v1:0"
        with self.assertRaises(KeyError):
            prices.rate(f"global.{model_id}", "flex", "input")
        for tier in ("default", "flex"):
            self.runtime.converse(modelId=f"global.{model_id}", serviceTier={"type": tier}, **converse("Hello"))
        bill = self.emulator.bill()
        lines = [line for line in bill["lines"] if line["costPico"] is None]
        self.assertEqual({(line["model"], line["mode"], line["class"]) for line in lines}, {(model_id, "flex", c) for c in CLASSES[:2]})
        for line in lines:
            self.assertEqual((line["costUsd"], line["usdPerMillion"], line["source"]), (None, None, None))
            self.assertGreater(line["tokens"], 0)
        missing = {(entry["model"], entry["class"]): entry["tokens"] for entry in bill["total"]["unpriced"]}
        self.assertEqual(missing, {(line["model"], line["class"]): line["tokens"] for line in lines})
        self.assertGreater(int(bill["total"]["knownPico"]), 0)
        priced = sum(int(line["costPico"]) for line in bill["lines"] if line["costPico"] is not None)
        self.assertEqual(int(bill["total"]["knownPico"]), priced)
        empty = [row for row in self.rows() if row["line_item_unblended_cost"] == ""]
        self.assertEqual(len(empty), len(lines))
        self.assertEqual({row["line_item_unblended_rate"] for row in empty}, {""})


if __name__ == "__main__":
    unittest.main()
