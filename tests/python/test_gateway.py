"""`laneshift serve` between unmodified boto3 and the emulator: bytes as they came, keys of its own, and every call in the books."""

import contextlib
import json
import os
import resource
import signal
import socket
import threading
import time
import unittest
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from unittest import mock
from urllib.parse import quote

import boto3
from botocore.exceptions import ClientError, EventStreamError

from emulated import BUCKET, HAIKU, ROLE, Emulator, claude
from gateway import REGION, Gateway
from program import audit

NOVA = "us.amazon.nova-lite-v1:0"
QUESTION = [{"role": "user", "content": [{"text": "What is a lane?"}]}]


class GatewayCase(unittest.TestCase):
    def setUp(self):
        self.emulator = Emulator("--speed", "60")
        self.addCleanup(self.emulator.close)
        self.gateway = Gateway(self.emulator)
        self.addCleanup(self.gateway.close)
        self.key = self.gateway.key("team-a", "--workload", "chat")
        self.runtime = self.connect(self.key)

    def connect(self, key, **more):
        client = self.gateway.client(key, **more)
        self.addCleanup(client.close)
        # The key is there when it answers something else than that it does not know it.
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                client.converse(modelId="none.such-v1", messages=QUESTION)
            except ClientError as error:
                if error.response["Error"]["Code"] not in ("UnrecognizedClientException", "AccessDeniedException"):
                    return client
                if error.response["Error"]["Code"] == "AccessDeniedException":
                    return client
            time.sleep(0.1)
        raise AssertionError("the gateway does not know the key")

    def billed(self):
        return sum(Decimal(line["costUsd"]) for line in self.emulator.bill()["lines"])

    def assert_books(self):
        """What is known to be paid is billed, and what is billed is known up to the bounds."""
        all_ = self.gateway.savings()["all"]
        paid, bound, billed = Decimal(all_["paid_usd"]), Decimal(all_["bound_usd"]), self.billed()
        self.assertLessEqual(paid, billed)
        self.assertLessEqual(billed, paid + bound)
        return paid, bound


class Runtime(GatewayCase):
    def test_a_call_is_passed_through_and_the_answer_is_the_same(self):
        direct = self.emulator.client("bedrock-runtime")
        self.addCleanup(direct.close)
        ask = {"modelId": NOVA, "messages": QUESTION, "inferenceConfig": {"maxTokens": 50}}
        mine, theirs = self.runtime.converse(**ask), direct.converse(**ask)
        self.assertEqual((mine["output"], mine["usage"]), (theirs["output"], theirs["usage"]))
        body = json.dumps(claude("hello"))
        mine, theirs = (client.invoke_model(modelId=HAIKU, body=body) for client in (self.runtime, direct))
        content = [json.loads(answer["body"].read())["content"] for answer in (mine, theirs)]
        self.assertEqual(content[0], content[1])
        names = [name for name in theirs["ResponseMetadata"]["HTTPHeaders"] if name.startswith("x-amzn-bedrock-")]
        self.assertTrue(names)
        for name in names:
            self.assertIn(name, mine["ResponseMetadata"]["HTTPHeaders"])

    def test_streams_are_the_same_events(self):
        direct = self.emulator.client("bedrock-runtime")
        self.addCleanup(direct.close)
        told = []
        for client in (self.runtime, direct):
            events = list(client.converse_stream(modelId=NOVA, messages=QUESTION)["stream"])
            told.append([event for event in events if "metadata" not in event])
            self.assertIn("metadata", events[-1])
        self.assertEqual(told[0], told[1])
        body = json.dumps(claude("hello", max_tokens=40))
        chunks = []
        for client in (self.runtime, direct):
            events = client.invoke_model_with_response_stream(modelId=HAIKU, body=body)["body"]
            chunks.append([json.loads(event["chunk"]["bytes"])["type"] for event in events])
        self.assertEqual(chunks[0], chunks[1])

    def test_the_books_are_the_bill_to_the_last_digit(self):
        before = self.billed()
        for i in range(3):
            self.runtime.converse(modelId=NOVA, messages=QUESTION, inferenceConfig={"maxTokens": 20 + i})
        self.runtime.invoke_model(modelId=HAIKU, body=json.dumps(claude("hello")))
        list(self.runtime.converse_stream(modelId=NOVA, messages=QUESTION)["stream"])
        list(self.runtime.invoke_model_with_response_stream(modelId=HAIKU, body=json.dumps(claude("hi")))["body"])
        self.runtime.converse(modelId="us.amazon.nova-pro-v1:0", messages=QUESTION, serviceTier={"type": "flex"})
        savings = self.gateway.savings()
        self.assertGreater(self.billed(), before)
        self.assertEqual((Decimal(savings["all"]["paid_usd"]), savings["all"]["bound_usd"]), (self.billed(), "0"))
        lanes = {row["lane"]: row for row in savings["rows"]}
        self.assertEqual(set(lanes), {"standard", "flex"})
        self.assertEqual({(row["owner"], row["workload"]) for row in savings["rows"]}, {("team-a", "chat")})
        flex = lanes["flex"]
        self.assertEqual(Decimal(flex["paid_usd"]) * 2, Decimal(flex["on_demand_usd"]))
        self.assertEqual(Decimal(flex["saved_usd"]), Decimal(flex["paid_usd"]))

    def test_errors_keep_their_names_and_cost_nothing(self):
        with self.assertRaises(ClientError) as caught:
            self.runtime.converse(modelId=NOVA, messages=[])
        self.assertEqual(caught.exception.response["Error"]["Code"], "ValidationException")
        self.emulator.faults({"fault": "throttled", "rate": 1.0})
        with self.assertRaises(ClientError) as caught:
            self.runtime.converse(modelId=NOVA, messages=QUESTION)
        error = caught.exception.response
        self.assertEqual((error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]), ("ThrottlingException", 429))
        savings = self.gateway.savings()["all"]
        self.assertEqual((savings["paid_usd"], savings["bound_usd"], savings["errors"]), ("0", "0", savings["calls"]))

    def test_a_broken_stream_is_an_error_in_the_stream_and_a_bound_in_the_books(self):
        self.emulator.faults({"fault": "broken_stream", "error": "ServiceUnavailableException"})
        with self.assertRaises(EventStreamError):
            list(self.runtime.converse_stream(modelId=NOVA, messages=QUESTION)["stream"])
        paid, bound = self.assert_books()
        self.assertEqual(paid, 0)
        self.assertGreater(bound, 0)

    def test_a_native_stream_that_is_cut_off_is_booked_with_its_bound_and_not_with_its_first_count(self):
        self.emulator.faults({"fault": "broken_stream", "times": 1})
        body = json.dumps(claude("hello there", max_tokens=500))
        with self.assertRaises(EventStreamError):
            list(self.runtime.invoke_model_with_response_stream(modelId=HAIKU, body=body)["body"])
        self.emulator.faults()
        paid, bound = self.assert_books()
        self.assertEqual((paid, bound > 0), (0, True), "Claude's first event counts one token of output")

    def test_calls_at_a_price_that_is_not_booked_are_refused(self):
        with self.assertRaises(ClientError) as caught:
            self.runtime.converse(modelId=NOVA_PRO, messages=QUESTION, performanceConfig={"latency": "optimized"})
        self.assertIn("price of their own", caught.exception.response["Error"]["Message"])
        self.runtime.converse(modelId=NOVA_PRO, messages=QUESTION, performanceConfig={"latency": "standard"})

    def test_the_audit_reads_the_ledger(self):
        for _ in range(3):
            self.runtime.converse(modelId=NOVA, messages=QUESTION, requestMetadata={"team": "search"})
        plan = audit(self.gateway.folder / "ledger", self.gateway.folder / "audited")
        # The call with which the key was tried is there too, as an error.
        self.assertGreaterEqual(plan["scope"]["records"], 3)
        self.assertEqual([workload["key"] for workload in plan["workloads"]], ["workload=chat"])
        self.assertEqual(Decimal(plan["today_usd"]), self.billed())


NOVA_PRO = "us.amazon.nova-pro-v1:0"


class Lanes(GatewayCase):
    """Nova Pro has a flex tier at half its price, Claude has none."""

    def ask(self, deadline=None, model=NOVA_PRO, **more):
        """Asks with a deadline in the header; gives the answer and what was decided."""
        client = self.gateway.client(self.key)
        self.addCleanup(client.close)

        def head(request, **_):
            request.headers["laneshift-explain"] = "true"
            if deadline:
                request.headers["laneshift-deadline"] = deadline

        client.meta.events.register("before-sign.bedrock-runtime.Converse", head)
        answer = client.converse(**({"modelId": model, "messages": QUESTION} | more))
        return answer, json.loads(answer["ResponseMetadata"]["HTTPHeaders"]["laneshift-decision"])

    def tier(self, *args, **more):
        answer, decision = self.ask(*args, **more)
        return answer["serviceTier"]["type"], decision["by"]

    def test_the_cheapest_tier_that_is_in_time_takes_a_call(self):
        for deadline, in_time in (("now", False), ("30s", False), ("5m", True), ("6h", True), ("2d", True)):
            for model in (NOVA_PRO, NOVA, HAIKU):
                _, decision = self.ask(deadline, model)
                refused = decision["refused"].get("flex", "")
                if model == NOVA_PRO:
                    self.assertEqual(decision["lane"], "flex" if in_time else "standard", (deadline, decision))
                    self.assertEqual("too late" in refused, not in_time)
                else:
                    self.assertEqual((decision["lane"], "no price is known" in refused), ("standard", True), (deadline, model, decision))
        lanes = {row["lane"]: row for row in self.gateway.savings()["rows"]}
        self.assertEqual(lanes["flex"]["calls"], 3)
        self.assertEqual(Decimal(self.gateway.savings()["all"]["paid_usd"]), self.billed())

    def test_silence_means_now_and_a_client_that_names_a_tier_has_chosen(self):
        self.assertEqual(self.tier(), ("default", "silence"))
        self.assertEqual(self.tier("6h"), ("flex", "header"))
        self.assertEqual(self.tier("6h", serviceTier={"type": "priority"}), ("priority", "tier"))
        self.assertEqual(self.tier(requestMetadata={"laneshift:deadline": "24h"}), ("flex", "metadata"))
        self.assertEqual(self.tier(requestMetadata={"deadline": "whatever we agreed"}), ("default", "silence"))

    def test_a_deadline_that_is_none_is_refused_by_name(self):
        for more in ({"deadline": "soonish"}, {"requestMetadata": {"laneshift:deadline": "soonish"}}):
            with self.assertRaises(ClientError) as caught:
                self.ask(**more)
            error = caught.exception.response["Error"]
            self.assertEqual((error["Code"], "laneshift-deadline" in error["Message"] or "laneshift:deadline" in error["Message"]), ("ValidationException", True))

    def test_what_flex_has_no_room_for_is_answered_in_the_standard_tier(self):
        self.emulator.faults({"fault": "throttled", "rate": 1.0, "times": 1})
        self.assertEqual(self.tier("6h"), ("default", "header"))
        rows = {row["lane"]: row for row in self.gateway.savings()["rows"]}
        self.assertEqual((rows["flex"]["errors"], rows["flex"]["paid_usd"]), (1, "0"))
        self.assertEqual(Decimal(rows["standard"]["paid_usd"]), self.billed())

    def test_streams_and_native_bodies_take_the_tier_too(self):
        client = self.gateway.client(self.key)
        self.addCleanup(client.close)
        client.meta.events.register("before-sign.bedrock-runtime", lambda request, **_: request.headers.add_header("laneshift-deadline", "6h"))
        events = list(client.converse_stream(modelId=NOVA_PRO, messages=QUESTION)["stream"])
        self.assertEqual(events[-1]["metadata"]["serviceTier"], {"type": "flex"})
        body = {"messages": QUESTION, "inferenceConfig": {"maxTokens": 20}}
        answer = client.invoke_model(modelId=NOVA_PRO, body=json.dumps(body))
        self.assertEqual(answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-bedrock-service-tier"], "flex")

    def test_the_policy_says_how_long_a_workload_may_wait(self):
        self.gateway.close()
        policy = self.emulator.folder / "policy.toml"
        policy.write_text(POLICY, encoding="utf-8")
        self.gateway = Gateway(
            self.emulator,
            config=f'policy = "{policy}"\n[[upstream]]\nregion = "{REGION}"\nendpoint_url = "{self.emulator.info["url"]}"\n',
        )
        self.addCleanup(self.gateway.close)
        self.key = self.gateway.key("team-a")
        self.connect(self.key)
        self.assertEqual(self.tier(requestMetadata={"workload": "tagging"}), ("flex", "policy"))
        self.assertEqual(self.tier(requestMetadata={"workload": "chat"}), ("default", "silence"))
        self.assertEqual(self.tier("now", requestMetadata={"workload": "tagging"}), ("default", "header"))
        self.key = self.gateway.key("team-a", "--workload", "tagging")
        self.connect(self.key)
        self.assertEqual(self.tier(), ("flex", "policy"))
        policy.write_text(POLICY.replace("deadline", "colour"), encoding="utf-8")
        done = self.gateway.laneshift("serve", "--config", self.gateway.folder / "gateway.toml")
        self.assertEqual((done.returncode, "policy.toml" in done.stderr), (3, True), done.stderr)


    def test_a_route_is_explained_without_sending_anything(self):
        policy = self.emulator.folder / "policy.toml"
        policy.write_text(POLICY, encoding="utf-8")
        path = self.gateway.folder / "gateway.toml"
        path.write_text(f'policy = "{policy}"\n[[upstream]]\nregion = "{REGION}"\n', encoding="utf-8")

        def route(*args):
            return self.gateway.json("route", "--config", path, "--model", *args)

        tagging = route(NOVA_PRO, "--workload", "tagging")
        self.assertRegex(tagging.pop("due"), r"T\d\d:\d\d:\d\d.*Z$")
        self.assertEqual(tagging, {"by": "policy", "deadline": "24h", "lane": "flex", "refused": {}})
        self.assertEqual(route(NOVA_PRO)["lane"], "standard")
        self.assertIn("too late", route(NOVA_PRO)["refused"]["flex"])
        self.assertEqual(route(NOVA_PRO, "--tier", "priority")["lane"], "priority")
        self.assertEqual(route(HAIKU, "--deadline", "6h")["refused"]["flex"], "no price is known for input tokens")
        done = self.gateway.laneshift("route", "--model", NOVA_PRO, "--deadline", "soonish")
        self.assertEqual((done.returncode, "write now, 30s" in done.stderr), (2, True), done.stderr)
        said = self.gateway.laneshift("route", "--model", NOVA_PRO)
        self.assertIn("standard: due at once, by silence\nnot flex: ", said.stdout)


POLICY = """version = 1
[made_from]
from = "2026-11-01T00:00:00Z"
to = "2026-11-14T23:59:59Z"
catalogue = "1, 2026-11-23"
[[rule]]
workload = "workload=tagging"
slice = "all"
lanes = ["flex", "standard"]
deadline = "24h"
profiles = ["us"]
output_p50 = 40
output_p95 = 90
score = 950
confirmed = true
note = "said so"
[rule.match]
metadata = "tagging"
models = ["amazon.nova-pro-v1:0"]
"""


class Keys(GatewayCase):
    def refused(self, code, client, model=NOVA):
        with self.assertRaises(ClientError) as caught:
            client.converse(modelId=model, messages=QUESTION)
        self.assertEqual(caught.exception.response["Error"]["Code"], code)

    def test_wrong_and_revoked_keys_are_refused_by_name(self):
        wrong = self.gateway.client(self.key | {"secret_access_key": "wrong"})
        self.addCleanup(wrong.close)
        self.refused("InvalidSignatureException", wrong)
        theirs = self.emulator.client("bedrock-runtime")
        stranger = self.gateway.client({"access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "x"})
        for client in (theirs, stranger):
            self.addCleanup(client.close)
        self.refused("UnrecognizedClientException", stranger)
        self.assertIn("is revoked", self.gateway.laneshift("keys", "revoke", self.key["access_key_id"]).stdout)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                self.runtime.converse(modelId=NOVA, messages=QUESTION)
            except ClientError as error:
                self.assertEqual(error.response["Error"]["Code"], "UnrecognizedClientException")
                break
            time.sleep(0.1)
        self.refused("UnrecognizedClientException", self.runtime)
        self.assertEqual(self.gateway.laneshift("keys", "revoke", self.key["access_key_id"]).returncode, 3)
        listed = self.gateway.json("keys", "list")
        self.assertEqual([(row["owner"], row["revoked"] is None) for row in listed], [("team-a", False)])

    def test_a_key_for_some_models_calls_no_other(self):
        client = self.connect(self.gateway.key("team-b", "--model", "us.amazon.*"))
        client.converse(modelId=NOVA, messages=QUESTION)
        self.refused("AccessDeniedException", client, HAIKU)

    def test_an_api_key_works_over_tls(self):
        with mock.patch.dict(os.environ, {"AWS_BEARER_TOKEN_BEDROCK": self.key["api_key"]}):
            client = boto3.client("bedrock-runtime", endpoint_url=self.gateway.info["tls_url"], region_name=REGION, verify=self.gateway.info["ca_bundle"])
            self.addCleanup(client.close)
            self.assertTrue(client.converse(modelId=NOVA, messages=QUESTION)["output"])
        self.assertEqual((self.gateway.folder / "tls" / "server.key").stat().st_mode & 0o077, 0, "for nobody else")

    def test_a_budget_pays_for_embeddings(self):
        poor = self.connect(self.gateway.key("team-b", "--budget", "0.01", "--per", "day"))
        body = json.dumps({"inputText": "a line", "dimensions": 256})
        poor.invoke_model(modelId="amazon.titan-embed-text-v2:0", body=body)
        self.assert_books()

    def test_a_budget_holds_calls_that_could_break_it_before_they_are_sent(self):
        poor = self.gateway.key("team-b", "--budget", "0.002", "--per", "day")
        client = self.connect(poor)
        ask = {"modelId": NOVA, "messages": QUESTION}
        with self.assertRaises(ClientError) as caught:
            client.converse(**ask)
        self.assertEqual(caught.exception.response["Error"]["Code"], "ServiceQuotaExceededException", "128,000 tokens could be too much")
        calls = 0
        with self.assertRaises(ClientError):
            for _ in range(1_000):
                client.converse(**ask, inferenceConfig={"maxTokens": 2_000})
                calls += 1
        rows = [row for row in self.gateway.savings()["rows"] if row["owner"] == "team-b" and row["lane"] == "standard"]
        self.assertGreater(calls, 3)
        self.assertLessEqual(Decimal(rows[0]["paid_usd"]), Decimal("0.002"))
        self.assertEqual(Decimal(rows[0]["paid_usd"]), self.billed())
        self.gateway.kill()
        self.gateway.start()
        with self.assertRaises(ClientError):
            self.connect(poor).converse(**ask, inferenceConfig={"maxTokens": 2_000})
        self.runtime.close()
        self.connect(self.key).converse(**ask)

    def test_what_a_key_has_spent_is_spent_by_the_key_that_takes_its_place(self):
        poor = self.gateway.key("team-b", "--budget", "0.002", "--per", "day")
        ask = {"modelId": NOVA, "messages": QUESTION, "inferenceConfig": {"maxTokens": 5_000}}
        client = self.connect(poor)
        with self.assertRaises(ClientError):
            for _ in range(1_000):
                client.converse(**ask)
        new = self.gateway.json("keys", "rotate", poor["access_key_id"])
        self.gateway.process.send_signal(signal.SIGHUP)
        for restart in (False, True):
            if restart:
                self.gateway.kill()
                self.gateway.start()
            with self.assertRaises(ClientError) as caught:
                self.connect(new).converse(**ask)
            self.assertEqual(caught.exception.response["Error"]["Code"], "ServiceQuotaExceededException")

    def test_a_rate_is_refused_as_aws_refuses_it_and_only_its_key(self):
        fast = self.gateway.key("team-b", "--rpm", "5")
        client = self.connect(fast)
        codes = []
        for _ in range(8):
            try:
                client.converse(modelId=NOVA, messages=QUESTION, inferenceConfig={"maxTokens": 5})
                codes.append("ok")
            except ClientError as error:
                codes.append(error.response["Error"]["Code"])
        self.assertEqual(codes[-1], "ThrottlingException")
        self.assertLess(codes.count("ok"), 6)
        self.runtime.converse(modelId=NOVA, messages=QUESTION)

    def test_a_rotated_key_holds_for_its_grace_beside_the_new_one(self):
        client = self.connect(self.key)
        new = self.gateway.json("keys", "rotate", self.key["access_key_id"], "--grace", "1h")
        self.gateway.process.send_signal(signal.SIGHUP)
        self.connect(new).converse(modelId=NOVA, messages=QUESTION)
        client.converse(modelId=NOVA, messages=QUESTION)
        newest = self.gateway.json("keys", "rotate", new["access_key_id"], "--grace", "0s")
        self.gateway.process.send_signal(signal.SIGHUP)
        self.connect(newest).converse(modelId=NOVA, messages=QUESTION)
        self.refused("UnrecognizedClientException", self.gateway.client(new))
        listed = {key["access_key_id"]: key for key in self.gateway.json("keys", "list")}
        self.assertEqual(listed[newest["access_key_id"]]["workload"], "chat", "it is like the one before")
        self.assertEqual(self.gateway.laneshift("keys", "rotate", "LSKEYNONE").returncode, 3)

    def test_an_owner_sees_its_own_savings_only(self):
        self.runtime.converse(modelId=NOVA, messages=QUESTION)
        other = self.gateway.key("team-b")
        self.connect(other)
        seen = {}
        for name, key in (("team-a", self.key), ("team-b", other)):
            request = urllib.request.Request(f"{self.gateway.info['url']}/savings", headers={"Authorization": f"Bearer {key['api_key']}"})
            seen[name] = json.load(urllib.request.urlopen(request, timeout=30))
        self.assertEqual(sum(row["calls"] - row["errors"] for row in seen["team-a"]["rows"]), 1)
        self.assertEqual(sum(row["calls"] - row["errors"] for row in seen["team-b"]["rows"]), 0)
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{self.gateway.info['url']}/savings", timeout=30)
        self.assertEqual(caught.exception.code, 403)
        caught.exception.close()

    def test_nothing_that_is_written_holds_a_prompt_or_a_secret(self):
        secret = "a prompt that nobody may see"
        self.runtime.converse(modelId=NOVA, messages=[{"role": "user", "content": [{"text": secret}]}])
        for path in self.gateway.folder.rglob("*"):
            if path.is_file():
                held = path.read_bytes()
                for word in (secret, self.key["secret_access_key"], self.key["api_key"], self.emulator.info["secret_access_key"]):
                    self.assertNotIn(word.encode(), held, path)


def until(holds):
    deadline = time.monotonic() + 60
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError("it does not come to that in a minute")
        time.sleep(0.05)


class Durability(GatewayCase):
    def test_kill_9_in_the_middle_leaves_no_call_out_of_the_books(self):
        stop = threading.Event()

        def call(i):
            client = self.gateway.client(self.key, read_timeout=30)
            n = 0
            while not stop.is_set():
                try:
                    client.converse(modelId=NOVA, messages=QUESTION, inferenceConfig={"maxTokens": 10 + (i + n) % 50})
                except Exception:
                    if not stop.is_set():
                        time.sleep(0.01)
                n += 1
            client.close()

        threads = [threading.Thread(target=call, args=(i,)) for i in range(6)]
        for thread in threads:
            thread.start()
        # What has been answered and written has to be there afterwards, too.
        until(lambda: Decimal(self.gateway.savings()["all"]["paid_usd"]) > 0)
        self.gateway.kill()
        stop.set()
        for thread in threads:
            thread.join()
        self.gateway.start()
        paid, bound = self.assert_books()
        self.assertGreater(paid, 0)
        # A second start changes nothing.
        self.gateway.kill()
        self.gateway.start()
        self.assertEqual(self.assert_books(), (paid, bound))

    def test_a_disk_that_is_full_in_the_middle_of_a_note_spoils_no_other(self):
        ask = {"modelId": NOVA, "messages": QUESTION}
        self.runtime.converse(**ask)
        # Python ignores the signal that a write over the limit sends, and so the gateway sees an error.
        self.gateway.kill()
        self.gateway.start(restore_signals=False)
        client = self.gateway.client(self.key)
        self.addCleanup(client.close)
        client.converse(**ask)
        for room in (0, 1, 100):
            largest = max(file.stat().st_size for file in self.gateway.folder.rglob("*.json*"))
            journal = max((self.gateway.folder / "journal").iterdir(), key=lambda file: file.stat().st_size).stat().st_size
            self.assertLess(journal, largest)
            resource.prlimit(self.gateway.process.pid, resource.RLIMIT_FSIZE, (journal + room, resource.RLIM_INFINITY))
            with self.assertRaises(ClientError) as caught:
                client.converse(**ask)
            self.assertEqual(caught.exception.response["Error"]["Code"], "InternalServerException")
            resource.prlimit(self.gateway.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            client.converse(**ask)
        self.gateway.kill()
        self.gateway.start()
        self.assertEqual(self.assert_books(), (self.billed(), 0), "what was written in part is in no one's way")

    def test_a_folder_has_one_gateway(self):
        second = self.gateway.laneshift("serve", "--listen", "127.0.0.1:0", "--region", REGION)
        self.assertEqual(second.returncode, 4, second.stderr)
        self.assertIn("another gateway works in", second.stderr)
        self.runtime.converse(modelId=NOVA, messages=QUESTION)
        self.assertEqual(self.assert_books(), (self.billed(), 0))

    def noted(self):
        return sum(file.stat().st_size for file in (self.gateway.folder / "journal").iterdir())

    def test_a_stop_lets_an_open_call_finish(self):
        answers = []
        slow = [{"role": "user", "content": [{"text": "[[toy: slow=60s]]"}]}]
        thread = threading.Thread(target=lambda: answers.append(self.runtime.converse(modelId=NOVA, messages=slow)))
        noted = self.noted()
        thread.start()
        # It is noted before it is sent.
        until(lambda: self.noted() > noted)
        self.assertEqual(self.gateway.stop(), 0)
        thread.join()
        self.assertEqual(len(answers), 1)


class Hostile(GatewayCase):
    def raw(self, data, wait_s=10):
        """What is answered until the end, or until the gateway cuts it off: before, while or after it is sent."""
        host, port = self.gateway.info["url"].removeprefix("http://").split(":")
        answer = b""
        try:
            with socket.create_connection((host, int(port)), timeout=wait_s) as connection:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                while part := connection.recv(65536):
                    answer += part
        except OSError:
            pass
        return answer

    def alive(self):
        self.assertTrue(self.runtime.converse(modelId=NOVA, messages=QUESTION)["output"])

    def test_what_is_no_request_is_refused_and_harms_nobody(self):
        head = b"POST /model/m/converse HTTP/1.1\r\nhost: h\r\n"
        for data in [
            b"\x00\x01\x02\x03\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            head + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello",
            head + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            head + b"transfer-encoding: gzip, identity\r\n\r\n",
            head + b"transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
            head + b"".join(b"x-%d: y\r\n" % i for i in range(5_000)) + b"\r\n",
            head + b"x: " + b"y" * 2_000_000 + b"\r\n\r\n",
            b"POST /model/%ff%fe/converse HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\n{}",
            b"POST http://169.254.169.254/model/m/converse HTTP/1.1\r\nhost: 169.254.169.254\r\ncontent-length: 2\r\n\r\n{}",
            b"CONNECT 169.254.169.254:80 HTTP/1.1\r\nhost: 169.254.169.254\r\n\r\n",
        ]:
            self.assertNotIn(b"HTTP/1.1 2", self.raw(data), data[:60])
            self.alive()

    def test_a_body_that_is_too_large_is_refused(self):
        with self.assertRaises(ClientError) as caught:
            self.runtime.invoke_model(modelId=HAIKU, body=b" " * 36_000_000)
        self.assertEqual(caught.exception.response["Error"]["Code"], "ValidationException")
        self.alive()

    def test_who_sends_slowly_is_cut_off_and_others_are_served(self):
        self.gateway.close()
        self.gateway = Gateway(
            self.emulator,
            config=f'[[upstream]]\nregion = "{REGION}"\nendpoint_url = "{self.emulator.info["url"]}"\n[limits]\nhead_s = 3\nrequest_s = 3\nbodies_mb = 35\n',
        )
        self.addCleanup(self.gateway.close)
        key = self.gateway.key()
        self.runtime = self.connect(key)
        host, port = self.gateway.info["url"].removeprefix("http://").split(":")
        slow = []
        for begin in (b"", b"P", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", b"POST /model/m/converse HTTP/1.1\r\n", b"POST /model/m/converse HTTP/1.1\r\nhost: h\r\ncontent-length: 99\r\n\r\n{"):
            connection = socket.create_connection((host, int(port)), timeout=30)
            connection.sendall(begin)
            slow.append(connection)
        self.alive()
        large = {"modelId": NOVA, "body": json.dumps({"messages": [{"role": "user", "content": [{"text": "word " * 20_000}]}]})}
        self.runtime.invoke_model(**large)
        # One that says it is as large as any takes all the room for large ones.
        head = f"POST /model/m/converse HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {key['api_key']}\r\ncontent-length: 34999999\r\n\r\n{{"
        slow.append(socket.create_connection((host, int(port)), timeout=30))
        slow[-1].sendall(head.encode())

        def is_full():
            try:
                self.runtime.invoke_model(**large)
            except ClientError as error:
                return "limits.bodies_mb" in error.response["Error"]["Message"]

        until(is_full)
        self.alive()
        for connection in slow:
            # An end, or an answer that says so; never a wait without end.
            answer = b""
            with connection, contextlib.suppress(ConnectionResetError):
                while part := connection.recv(65536):
                    answer += part
            self.assertNotIn(b"HTTP/1.1 200", answer)
        self.runtime.invoke_model(**large)


class LaterCase(GatewayCase):
    """Over a gateway with a batch lane."""

    MODELS = ""
    LINGER_S = 3
    SETTINGS = "[turnaround]\nqueue_median_min = 5.0\nqueue_sigma = 0.1\ntail_share = 0.0\n"
    POLL_S = 1

    def setUp(self):
        self.emulator = Emulator("--speed", "15000", settings=self.SETTINGS)
        self.addCleanup(self.emulator.close)
        client = self.emulator.client("s3")
        client.create_bucket(Bucket=BUCKET)
        client.close()
        self.gateway = Gateway(self.emulator, config=self.config())
        self.addCleanup(self.gateway.close)
        self.key = self.gateway.key("team-a", "--workload", "nightly")
        self.runtime = self.connect(self.key)

    def config(self):
        return (
            f'[[upstream]]\nregion = "{REGION}"\nendpoint_url = "{self.emulator.info["url"]}"\n'
            f'[batch]\nrole = "{ROLE}"\ns3 = "s3://{BUCKET}/later"\nlinger_s = {self.LINGER_S}\npoll_s = {self.POLL_S}\n{self.MODELS}'
        )

    def booked(self, workload="nightly", rows=None):
        """Calls of a workload that were answered, and what they cost."""
        rows = [row for row in rows or self.gateway.savings()["rows"] if row["workload"] == workload]
        return sum(row["calls"] - row["errors"] for row in rows), sum(Decimal(row["paid_usd"]) for row in rows)

    def ask(self, path, *, method="GET", body=None, key=None, **headers):
        """One HTTP call with an API key; status and JSON."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {(key or self.key)['api_key']}"} | {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.gateway.info["url"] + path, data=data, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=90) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def wait_until(self, holds):
        deadline = time.monotonic() + 60
        while not holds():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)

    def answer(self, id_):
        for _ in range(20):
            status, one = self.ask(f"/requests/{id_}?wait=30s")
            self.assertEqual(status, 200, one)
            if one["status"] != "waiting":
                return one
        raise AssertionError(f"{id_} is still waiting")


class Later(LaterCase):
    """Calls that can wait: accepted under an id, folded into one job."""

    def later(self, text, model=HAIKU, deadline="24h", metadata=None, **more):
        body = {"messages": [{"role": "user", "content": [{"text": text}]}], "inferenceConfig": {"maxTokens": 30}}
        body |= {"requestMetadata": metadata} if metadata else {}
        return self.ask(f"/model/{model}/converse", method="POST", body=body, Prefer="respond-async", laneshift_deadline=deadline, **more)

    def test_calls_that_can_wait_become_one_job_and_are_answered_under_their_ids(self):
        ids = []
        for i in range(120):
            status, accepted = self.later(f"question {i}", metadata={"workload": "evaluations"} if i % 3 == 0 else None)
            self.assertEqual((status, accepted["status"]), (202, "waiting"), accepted)
            ids.append(accepted["id"])
        self.assertEqual(len(set(ids)), 120)
        for i, id_ in enumerate(ids):
            one = self.answer(id_)
            self.assertEqual(one["status"], "answered", one)
            self.assertEqual(one["response"]["usage"]["outputTokens"] > 0, True)
        client = self.emulator.client("bedrock")
        jobs = client.list_model_invocation_jobs()["invocationJobSummaries"]
        client.close()
        self.assertEqual(len(jobs), 1)
        rows = [row for row in self.gateway.savings()["rows"] if row["lane"] == "batch"]
        told = [(row["owner"], row["workload"], row["calls"]) for row in rows]
        self.assertEqual(told, [("team-a", "evaluations", 40), ("team-a", "nightly", 80)], "one job, and the cost of each")
        self.assertEqual(sum(Decimal(row["paid_usd"]) for row in rows), self.billed())
        for row in rows:
            self.assertEqual(Decimal(row["paid_usd"]) * 2, Decimal(row["on_demand_usd"]))

    def test_what_is_called_in_another_region_does_not_wait_for_jobs_in_this_one(self):
        endpoint = self.emulator.info["url"]
        config = self.gateway.folder / "gateway.toml"
        other = f'[[upstream]]\nregion = "eu-west-1"\nendpoint_url = "{endpoint}"\n'
        config.write_text(config.read_text(encoding="utf-8").replace("[batch]", f"{other}[batch]"), encoding="utf-8")
        self.gateway.restart()

        def later(region):
            client = self.gateway.client(self.key, region=region)
            self.addCleanup(client.close)
            wants = {"Prefer": "respond-async", "laneshift-deadline": "6h"}
            add = lambda request, **_: [request.headers.add_header(*want) for want in wants.items()]
            client.meta.events.register("before-sign", add)
            return client

        told = later(REGION).converse(modelId=HAIKU, messages=QUESTION)
        self.assertEqual(told["ResponseMetadata"]["HTTPStatusCode"], 202)
        with self.assertRaises(ClientError) as caught:
            later("eu-west-1").converse(modelId="eu.anthropic.claude-haiku-4-5-20251001-v1:0", messages=QUESTION)
        self.assertIn("jobs run in us-east-1", caught.exception.response["Error"]["Message"])

    def test_an_id_is_its_owners_and_a_key_makes_two_requests_one(self):
        status, accepted = self.later("once", Idempotency_Key="k1")
        self.assertEqual(status, 202)
        self.assertEqual(self.later("once", Idempotency_Key="k1")[1]["id"], accepted["id"])
        self.assertEqual(self.later("twice", Idempotency_Key="k1")[0], 409)
        other = self.gateway.key("team-b")
        self.connect(other)
        self.assertEqual(self.ask(f"/requests/{accepted['id']}", key=other)[0], 404)
        self.assertEqual(self.ask("/requests/nonsense")[0], 404)
        self.assertEqual(self.later("once", deadline="6h", Idempotency_Key="k1"), (202, accepted), "the deadline that was kept")
        self.assertEqual(self.ask(f"/requests/{accepted['id']}", method="DELETE")[1]["cancelled"], True)
        self.assertEqual(self.answer(accepted["id"])["status"], "cancelled")
        self.assertEqual(self.later("once", Idempotency_Key="k1"), (202, self.answer(accepted["id"])), "told as it stands")

    def test_what_cannot_be_answered_later_is_said(self):
        status, told = self.later("x", deadline="now")
        self.assertIn(status, (202, 400))
        body = {"messages": QUESTION}
        for path, headers, words in [
            (f"/model/{HAIKU}/converse", {}, "Say how long it may wait"),
            (f"/model/{HAIKU}/converse-stream", {"laneshift_deadline": "6h"}, "A stream cannot be answered later"),
            (f"/model/{HAIKU}/converse", {"laneshift_deadline": "soonish"}, "write now"),
        ]:
            status, told = self.ask(path, method="POST", body=body, Prefer="respond-async", **headers)
            self.assertEqual((status, words in told["message"]), (400, True), told)
        for model, words in [("us.nope-v1:0", "is no model in us-east-1"), (HAIKU.removeprefix("us."), "name an inference profile")]:
            status, told = self.later("x", model=model)
            self.assertEqual((status, words in told["message"]), (400, True), told)

    def test_what_was_accepted_is_answered_after_kill_9(self):
        ids = [self.later(f"question {i}")[1]["id"] for i in range(100)]
        self.gateway.kill()
        self.gateway.start()
        self.assertEqual({self.answer(id_)["status"] for id_ in ids}, {"answered"})


class Pressing(LaterCase):
    """Deadlines that come before any job, and before the next turn."""

    POLL_S = 600

    def test_what_is_due_within_seconds_is_called_at_once_and_keeps_its_deadline(self):
        body = {"messages": QUESTION, "inferenceConfig": {"maxTokens": 30}}
        asked = self.ask(f"/model/{HAIKU}/converse", method="POST", body=body, Prefer="respond-async", laneshift_deadline="20s")
        chat = {"model": HAIKU, "messages": [{"role": "user", "content": "hello"}], "max_tokens": 30, "service_tier": "batch"}
        tiered = self.ask("/v1/chat/completions", method="POST", body=chat, laneshift_deadline="20s", Idempotency_Key="k")
        for status, accepted in (asked, tiered):
            self.assertEqual((status, accepted["status"]), (202, "waiting"), accepted)
            one = self.answer(accepted["id"])
            self.assertEqual((one["status"], one["deadline"]), ("answered", accepted["deadline"]), one)
        again = self.ask("/v1/chat/completions", method="POST", body=chat, laneshift_deadline="20s", Idempotency_Key="k")
        self.assertEqual(again, (202, one), "its answer is told")
        client = self.emulator.client("bedrock")
        self.addCleanup(client.close)
        source = f"arn:aws:bedrock:{REGION}:111122223333:inference-profile/{HAIKU}"
        arn = client.create_inference_profile(inferenceProfileName="team", modelSource={"copyFrom": source})["inferenceProfileArn"]
        path = f"/model/{quote(arn, safe='')}/converse"
        status, accepted = self.ask(path, method="POST", body=body, Prefer="respond-async", laneshift_deadline="20s")
        self.assertEqual(self.answer(accepted["id"])["status"], "answered", "though no quota has the name of its model")


class Budgets(LaterCase):
    """Budgets of work that waits: each call may use 4,000 tokens of output at 5 dollars a million, and uses a hundredth of that."""

    LINGER_S = 12

    def setUp(self):
        super().setUp()
        self.poor = self.gateway.key("team-b", "--budget", "0.05")
        self.connect(self.poor)

    def later(self, **more):
        body = {"messages": [{"role": "user", "content": [{"text": "wait"}]}], "inferenceConfig": {"maxTokens": 4_000}}
        path = f"/model/{HAIKU}/converse"
        return self.ask(path, method="POST", body=body, key=self.poor, Prefer="respond-async", laneshift_deadline="24h", **more)

    def test_what_waits_counts_with_its_bound_and_what_is_answered_with_what_it_cost(self):
        accepted = [self.later() for _ in range(2)]
        self.assertEqual([status for status, _ in accepted], [202, 202], accepted)
        self.assertEqual(self.later()[0], 400)
        self.gateway.kill()
        self.gateway.start()
        self.assertEqual(self.later()[0], 400, "the next process knows it")
        for _, one in accepted:
            while self.ask(f"/requests/{one['id']}?wait=30s", key=self.poor)[1]["status"] == "waiting":
                pass
        self.wait_until(lambda: self.later()[0] == 202)
        self.gateway.kill()
        self.gateway.start()
        self.assertEqual([self.later()[0] for _ in range(2)], [202, 400], "one waits, and two are paid for")

    def test_a_repeated_idempotency_key_takes_nothing_more_of_a_budget(self):
        self.assertEqual(len({self.later(Idempotency_Key="one")[1]["id"] for _ in range(5)}), 1)
        self.assertEqual([self.later(Idempotency_Key=key)[0] for key in ("two", "three", "one")], [202, 400, 202])
        with ThreadPoolExecutor(8) as pool:
            told = list(pool.map(lambda _: self.later(Idempotency_Key="two")[1], range(16)))
        self.assertEqual(len({one["id"] for one in told}), 1)


class Watching(GatewayCase):
    """What an operator sees, and changes while it runs."""

    def setUp(self):
        super().setUp()
        self.gateway.close()
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            self.metrics = taken.getsockname()[1]
        self.config = f'metrics_listen = "127.0.0.1:{self.metrics}"\n[[upstream]]\nregion = "{REGION}"\nendpoint_url = "{self.emulator.info["url"]}"\n'
        self.gateway = Gateway(self.emulator, config=self.config, environment={"LANESHIFT_LOG": "info"})
        self.addCleanup(self.gateway.close)
        self.key = self.gateway.key("team-a", "--workload", "chat")
        self.runtime = self.connect(self.key)

    def scrape(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/metrics", timeout=10) as answer:
            lines = [line for line in answer.read().decode().splitlines() if not line.startswith("#")]
        return dict(line.rsplit(" ", 1) for line in lines)

    def test_prometheus_reads_what_the_books_say(self):
        for _ in range(3):
            self.runtime.converse(modelId=NOVA, messages=QUESTION, inferenceConfig={"maxTokens": 20})
        metrics = self.scrape()
        place = 'owner="team-a",workload="chat",lane="standard"'
        calls = 'laneshift_calls_total{lane="standard",operation="Converse",outcome="ok"}'
        self.assertEqual(int(metrics[calls]), 3)
        self.assertAlmostEqual(float(metrics[f"laneshift_paid_usd_total{{{place}}}"]), float(self.billed()), places=9)
        self.assertEqual(int(metrics['laneshift_call_seconds_count{lane="standard"}']) >= 3, True)
        self.assertEqual(metrics["laneshift_open_calls"], "0")
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(self.gateway.info["url"] + "/metrics", timeout=10)
        caught.exception.close()

    def test_the_log_is_json_and_says_what_a_call_was_and_never_what_it_said(self):
        self.runtime.converse(modelId=NOVA, messages=QUESTION, inferenceConfig={"maxTokens": 20})
        with self.assertRaises(ClientError):
            self.gateway.client(self.key | {"secret_access_key": "wrong"}).converse(modelId=NOVA, messages=QUESTION)
        text = self.gateway.log()
        lines = [json.loads(line) for line in text.splitlines()]
        told = [line for line in lines if line["message"] == "answered"]
        self.assertEqual([(line["owner"], line["lane"], line["level"]) for line in told], [("team-a", "standard", "INFO")])
        self.assertIn("InvalidSignatureException", {line.get("error") for line in lines})
        for secret in ("What is a lane", self.key["secret_access_key"], self.key["api_key"]):
            self.assertNotIn(secret, text)

    def test_a_configuration_is_read_again_without_dropping_a_stream(self):
        policy = self.emulator.folder / "policy.toml"
        policy.write_text(POLICY, encoding="utf-8")
        self.emulator.faults()
        ask = {"modelId": NOVA_PRO, "messages": QUESTION, "requestMetadata": {"workload": "tagging"}}
        self.assertEqual(self.runtime.converse(**ask)["serviceTier"]["type"], "default")
        stream = iter(self.runtime.converse_stream(**ask)["stream"])
        next(stream)
        path = self.gateway.folder / "gateway.toml"
        path.write_text(f'policy = "{policy}"\n' + self.config, encoding="utf-8")
        self.reload("was read again")
        self.assertEqual(self.runtime.converse(**ask)["serviceTier"]["type"], "flex")
        self.assertIn("metadata", list(stream)[-1], "the stream came to its end")
        path.write_text("policy = 5\n", encoding="utf-8")
        self.reload("the one before stays")
        self.assertEqual(self.runtime.converse(**ask)["serviceTier"]["type"], "flex")
        self.assertEqual(self.assert_books()[0], self.billed())

    def reload(self, words):
        seen = self.gateway.log().count(words)
        self.gateway.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 20
        while self.gateway.log().count(words) == seen:
            self.assertLess(time.monotonic(), deadline, "the log says nothing of it")
            time.sleep(0.05)


class Config(unittest.TestCase):
    UPSTREAM = '[[upstream]]\nregion = "us-east-1"\n'
    BATCH = f'[[batch]]\nrole = "{ROLE}"\ns3 = "s3://{BUCKET}/later"\n'

    def test_a_wrong_configuration_is_named_with_its_place(self):
        emulator = Emulator()
        self.addCleanup(emulator.close)
        gateway = Gateway(emulator)
        self.addCleanup(gateway.close)
        path = gateway.folder / "wrong.toml"
        for text, words in [
            ('[[upstream]]\nregion = 5\n', "line 2"),
            ('listen = "nowhere"\n[[upstream]]\nregion = "us-east-1"\n', "line 1"),
            ("", "upstream"),
            ('listen = "127.0.0.1:1"\nmetrics_listen = "127.0.0.1:1"\n' + self.UPSTREAM, "metrics_listen"),
            (f'[[quota]]\nmodel = "{NOVA}"\nregion = "us-east-1"\ntokens_per_minute = 0\n{self.UPSTREAM}', "0 admits nothing"),
            (f'{self.UPSTREAM}[batch]\nrole = "{ROLE}"\ns3 = "my-bucket/later"\n', "batch.s3"),
            (f'{self.UPSTREAM}[batch]\nrole = "nonsense"\ns3 = "s3://b"\n', "batch.role"),
            (f"{self.UPSTREAM}{self.BATCH}{self.BATCH}", 'two tables are for "us-east-1"'),
            (f'{self.UPSTREAM}{self.BATCH}region = "eu-west-1"\n', 'no [[upstream]] is in "eu-west-1"'),
        ]:
            path.write_text(text, encoding="utf-8")
            done = gateway.laneshift("config", "check", path)
            self.assertEqual((done.returncode, words in done.stderr, str(path) in done.stderr), (3, True, True), done.stderr)
        path.write_text(self.UPSTREAM + self.BATCH, encoding="utf-8")
        self.assertEqual(gateway.laneshift("config", "check", path).returncode, 0)


if __name__ == "__main__":
    unittest.main()
