"""bedrock-mantle as an upstream of `laneshift serve`: its calls are signed, priced by the catalogue, and in the books of both sides."""

import json
import time
import unittest
from decimal import Decimal

import anthropic
import openai
from botocore.exceptions import ClientError, EventStreamError

from emulated import HOUR_S, claude
from gateway import REGION, Gateway
from test_gateway_openai import ASK, WEATHER
from test_gateway_servers import PRICES, USAGE, Faulty, ServerCase, chunk, completion

ACCOUNT = "111122223333"
EU = "eu-central-1"
LITE = "amazon.nova-lite-v1:0"
GPT_OSS = "openai.gpt-oss-20b"
OPUS = "anthropic.claude-opus-5"
UNDER_ROLE = f"arn:aws:sts::{ACCOUNT}:assumed-role/TeamA/team-a"
OWNERS = f'[owners.team-a]\nroles = ["arn:aws:iam::{ACCOUNT}:role/TeamA"]\n'


class Mantle(ServerCase):
    def mantle(self, more="", path="/v1", url=None, model=f'name = "{GPT_OSS}"', prices="", region=REGION):
        """Of the emulator, unless another address is given."""
        url = url or self.emulator.info["url"]
        text = f'[[upstream]]\nkind = "bedrock-mantle"\nregion = "{region}"\naccount = "{ACCOUNT}"\nendpoint_url = "{url}{path}"\n{more}'
        return text + f"[[upstream.model]]\n{model}\n{prices}"

    def lane(self):
        return self.rows()[f"standard of bedrock-mantle.{REGION}"]

    def assert_paid(self, calls):
        row = self.lane()
        self.assertEqual((row["calls"], row["errors"], row["bound_usd"], row["unpriced_calls"]), (calls, 0, "0", 0))
        self.assertEqual(Decimal(row["paid_usd"]), self.billed())
        self.assertGreater(self.billed(), 0)

    def sts(self):
        return f'sts_endpoint_url = "{self.emulator.info["url"]}"\n'

    def test_chats_streams_and_tools_are_answered_there_and_the_books_are_the_bill(self):
        for path in ("/v1", "/openai/v1"):
            with self.subTest(path=path):
                self.over(self.mantle(path=path))
                before = self.billed()
                whole = self.ask_model(GPT_OSS)
                self.assertTrue(whole.choices[0].message.content)
                bare = list(self.ask_model(GPT_OSS, stream=True))
                self.assertTrue(all(c.usage is None for c in bare), "nobody asked for it")
                counted = list(self.ask_model(GPT_OSS, stream=True, stream_options={"include_usage": True}))
                self.assertEqual(counted[-1].usage.prompt_tokens, whole.usage.prompt_tokens)
                texts = {"".join(c.choices[0].delta.content or "" for c in chunks if c.choices) for chunks in (bare, counted)}
                self.assertEqual((len(texts), all(texts)), (1, True))
                called = self.ask_model(GPT_OSS, tools=[WEATHER], tool_choice="required").choices[0]
                self.assertEqual((called.finish_reason, called.message.tool_calls[0].function.name), ("tool_calls", "weather"))
                row = self.lane()
                self.assertEqual((row["calls"], row["errors"], row["bound_usd"], row["unpriced_calls"]), (4, 0, "0", 0))
                self.assertEqual(Decimal(row["paid_usd"]), self.billed() - before)
                self.assertGreater(self.billed(), before)

    def test_its_calls_are_held_against_the_bill(self):
        self.over(self.mantle())
        self.ask_model(GPT_OSS)
        bill = self.gateway.folder / "cur.csv"
        bill.write_text(self.emulator.ask("bill.csv"), encoding="utf-8")
        done = self.gateway.laneshift("verify", "--before", bill, "--after", self.gateway.folder, "--cur", bill, "--format", "json")
        self.assertEqual(done.returncode, 5, done.stderr)
        invoiced = json.loads(done.stdout)["invoiced"]
        for part in ("tokens", "money"):
            self.assertGreater(invoiced[part]["lines"], 0)
            self.assertEqual(invoiced[part]["outside"], [])
        self.assertFalse([note for note in json.loads(done.stdout)["notes"] if "beside Bedrock" in note])

    def test_a_signature_names_the_service_that_the_configuration_says(self):
        faulty = Faulty()
        self.addCleanup(faulty.close)
        for more, service in (("", "bedrock-mantle"), ('signing_name = "bedrock"\n', "bedrock")):
            self.over(self.mantle(more, path="", url=faulty.url))
            faulty.answers = [(200, completion(usage=USAGE))]
            self.ask_model(GPT_OSS)
            path, authorization, body = faulty.asked.pop()
            self.assertEqual((path, body["model"]), ("/v1/chat/completions", GPT_OSS))
            self.assertTrue(authorization.startswith(f"AWS4-HMAC-SHA256 Credential={self.emulator.info['access_key_id']}/"), authorization)
            self.assertIn(f"/{REGION}/{service}/aws4_request, SignedHeaders=content-type;host;x-amz-date, ", authorization)
            self.assertNotIn(self.key["api_key"], authorization)

    def test_a_wrong_secret_is_refused_there_and_an_api_key_works(self):
        other = 'access_key_id_env = "ID"\nsecret_access_key_env = "SECRET"\n'
        self.over(self.mantle(other), ID=self.emulator.info["access_key_id"], SECRET="wrong")
        with self.assertRaises(openai.InternalServerError):
            self.ask_model(GPT_OSS)
        self.assertIn("the server refuses the gateway's key", self.gateway.log())
        self.assertEqual((self.lane()["errors"], self.billed()), (1, 0))
        self.over(self.mantle('api_key_env = "KEY"\n'), KEY=self.emulator.info["bearer_key"])
        self.ask_model(GPT_OSS)
        self.assert_paid(1)

    def test_what_is_named_there_is_not_asked_of_the_runtime(self):
        self.over(self.mantle(), '[models]\n"both" = "qwen.qwen3-32b-v1:0"\n')
        client = self.openai()
        answer = client._client.post(f"{self.gateway.info['url']}/model/{GPT_OSS}/converse", json={"messages": []}, headers={"authorization": "Bearer " + self.key["api_key"]})
        self.assertEqual((answer.status_code, "/v1/chat/completions" in answer.json()["message"]), (400, True), answer.text)
        with self.assertRaisesRegex(openai.BadRequestError, "on demand only"):
            self.ask_model(GPT_OSS, service_tier="batch")
        self.assertIn(GPT_OSS, {model.id for model in client.models.list()})

    def test_what_can_wait_takes_its_flex_tier_and_the_standard_one_when_that_refuses(self):
        self.over(self.mantle() + self.mantle('name = "stated"\n', model=f'name = "stated"\nmodel = "{GPT_OSS}"', prices=PRICES))

        def lane(model=GPT_OSS, deadline="6h", **more):
            headers = {"laneshift-deadline": deadline, "laneshift-explain": "true"}
            answer = self.openai().chat.completions.with_raw_response.create(model=model, messages=ASK, max_tokens=60, extra_headers=headers, **more)
            return json.loads(answer.headers["laneshift-decision"])["lane"].split(" of ")[0], answer.parse().service_tier

        self.assertEqual(lane(deadline="now"), ("standard", "default"))
        self.assertEqual(lane(), ("flex", "flex"))
        self.assertEqual(lane(deadline="now", service_tier="flex"), ("flex", "flex"))
        self.assertEqual(lane(service_tier="priority"), ("priority", "priority"))
        self.assertEqual(lane(service_tier="default"), ("standard", "default"))
        stream = self.ask_model(GPT_OSS, stream=True, extra_headers={"laneshift-deadline": "6h"})
        self.assertEqual({chunk.service_tier for chunk in stream}, {"flex"})
        rows = {row["lane"].split(" of ")[0]: row for row in self.gateway.savings()["rows"]}
        self.assertEqual({name: row["calls"] for name, row in rows.items()}, {"standard": 2, "flex": 3, "priority": 1})
        self.assertEqual(Decimal(rows["flex"]["paid_usd"]) * 2, Decimal(rows["flex"]["on_demand_usd"]))
        self.assertEqual(Decimal(self.gateway.savings()["all"]["paid_usd"]), self.billed())
        for fault in ({"fault": "throttled", "times": 1}, {"fault": "error", "error": "ValidationException", "times": 1}):
            self.emulator.faults(fault)
            self.assertEqual(lane()[1], "default", fault)
            self.emulator.faults()
            while lane() != ("flex", "flex"):
                time.sleep(0.1)
        self.assertEqual(Decimal(self.gateway.savings()["all"]["paid_usd"]), self.billed())
        # A price that is stated is of one tier.
        before = self.billed()
        self.assertEqual(lane("stated"), ("standard", "default"))
        self.assertGreater(self.billed(), before)
        with self.assertRaisesRegex(openai.BadRequestError, "service_tier"):
            lane("stated", service_tier="flex")

    def test_a_stream_that_is_cut_is_booked_with_its_bound(self):
        self.over(self.mantle())
        self.emulator.faults({"fault": "broken_stream", "times": 1})
        with self.assertRaises(openai.APIError):
            list(self.ask_model(GPT_OSS, stream=True))
        paid, bound = self.assert_books()
        self.assertEqual((paid, bound > 0), (0, True))

    def test_a_model_without_a_price_passes_no_budget_and_a_stated_price_wins(self):
        faulty = Faulty()
        self.addCleanup(faulty.close)
        for prices, paid in (("", None), (PRICES, (9 * Decimal("0.01") + 5 * Decimal("0.02")) / 1_000_000)):
            self.over(self.mantle(path="", url=faulty.url, model='name = "made.up-1"', prices=prices))
            poor = self.gateway.key("team-b", "--budget", "1")
            self.connect(poor)
            faulty.answers = [(200, completion(usage=USAGE))]
            ask = {"model": "made.up-1", "messages": [{"role": "user", "content": "x"}]}
            if paid is None:
                with self.assertRaises(openai.PermissionDeniedError):
                    self.openai(poor).chat.completions.create(**ask)
            else:
                self.openai(poor).chat.completions.create(**ask)
                self.assertEqual(Decimal(self.lane()["paid_usd"]), paid)

    def test_an_owner_is_called_under_its_role_there_and_has_none_at_a_server_that_is_not_awss(self):
        faulty = Faulty()
        self.addCleanup(faulty.close)
        plain = self.server("plain", faulty.url, f'name = "m"\n{PRICES}')
        self.over(self.mantle(self.sts()) + plain, OWNERS, SERVER_KEY="secret-of-plain", LANESHIFT_LOG="info")
        faulty.answers = [(200, completion(usage=USAGE)), (200, chunk("x", usage=USAGE) + "data: [DONE]\n\n")]
        self.ask_model("m")
        list(self.ask_model("m", stream=True))
        self.assertEqual([authorization for _, authorization, _ in faulty.asked], ["Bearer secret-of-plain"] * 2)
        self.assertNotIn("TeamA", json.dumps(faulty.asked))
        self.assertNotIn("a role was assumed", self.gateway.log())
        self.ask_model(GPT_OSS)
        list(self.ask_model(GPT_OSS, stream=True))
        self.assertEqual(self.gateway.log().count("a role was assumed"), 1)
        self.assertEqual({line["principal"] for line in self.emulator.bill("principal")["lines"]}, {UNDER_ROLE})
        self.assertEqual(Decimal(self.lane()["paid_usd"]), self.billed())

    def test_a_session_that_has_ended_is_followed_by_another(self):
        self.over(self.mantle(self.sts()), OWNERS, LANESHIFT_LOG="info")
        self.ask_model(GPT_OSS)
        self.emulator.advance(2 * HOUR_S)
        self.ask_model(GPT_OSS)
        list(self.ask_model(GPT_OSS, stream=True))
        self.assertEqual(self.gateway.log().count("a role was assumed"), 2)
        self.assertEqual({line["principal"] for line in self.emulator.bill("principal")["lines"]}, {UNDER_ROLE})
        self.assert_paid(3)

    def test_what_one_owner_may_not_closes_nothing_for_others(self):
        faulty = Faulty()
        self.addCleanup(faulty.close)
        self.over(self.mantle(self.sts(), path="", url=faulty.url), OWNERS)
        other = self.gateway.key("team-b")
        self.connect(other)
        denied = (403, {"error": {"message": "secret", "code": "access_denied"}})

        def ask(key):
            self.openai(key).chat.completions.create(model=GPT_OSS, messages=ASK, max_tokens=60, extra_headers={"laneshift-deadline": "6h"})

        answer = (200, completion(usage=USAGE))
        faulty.answers = [denied, answer, answer]
        ask(self.key)
        ask(other)
        faulty.answers = [denied, denied, answer]
        with self.assertRaisesRegex(openai.PermissionDeniedError, "refuses the role of team-a") as caught:
            ask(self.key)
        self.assertNotIn("secret", str(caught.exception))
        ask(other)
        self.assertEqual([body.get("service_tier") for _, _, body in faulty.asked], ["flex", None, "flex"] * 2)
        self.assertNotIn("the gateway's key", self.gateway.log())

    def test_where_bedrock_and_a_server_have_a_name_only_bedrock_is_called_under_the_role(self):
        faulty = Faulty()
        self.addCleanup(faulty.close)
        bedrock = f'[[upstream]]\nregion = "{REGION}"\naccount = "{ACCOUNT}"\nendpoint_url = "{self.emulator.info["url"]}"\n'
        self.gateway.close()
        plain = self.server("plain", faulty.url, f'name = "both"\n{PRICES}', key=False)
        config = bedrock + plain + '[models]\n"both" = "us.amazon.nova-lite-v1:0"\n' + OWNERS
        self.gateway = Gateway(self.emulator, config=config, environment={"LANESHIFT_LOG": "info"})
        self.addCleanup(self.gateway.close)
        self.key = self.gateway.key("team-a")
        self.connect(self.key)
        # The key was tried with a call of Bedrock's.
        assumed = self.gateway.log().count("a role was assumed")
        faulty.answers = [(200, completion(usage=USAGE)), (429, {"error": {"message": "m", "code": "c"}})]
        self.ask_model("both")
        self.assertEqual(self.gateway.log().count("a role was assumed"), assumed)
        self.ask_model("both")
        self.assertEqual([authorization for _, authorization, _ in faulty.asked], [None, None])
        self.assertEqual({line["principal"] for line in self.emulator.bill("principal")["lines"]}, {UNDER_ROLE})

    def test_an_owner_with_roles_is_not_called_by_an_api_key_or_in_another_account(self):
        self.over(self.mantle(self.sts()) + self.mantle('name = "other"\napi_key_env = "KEY"\n', model='name = "by-key"'), OWNERS, KEY=self.emulator.info["bearer_key"])
        with self.assertRaisesRegex(openai.PermissionDeniedError, "no role in an account"):
            self.ask_model("by-key")
        other = self.gateway.key("team-b")
        self.connect(other)
        # Nobody there has this model: the call came there, under the API key.
        with self.assertRaises(openai.NotFoundError):
            self.openai(other).chat.completions.create(model="by-key", messages=[{"role": "user", "content": "x"}])

    def signing(self, region):
        """A client that signs for a region."""
        keys = {"aws_access_key_id": self.key["access_key_id"], "aws_secret_access_key": self.key["secret_access_key"], "aws_region": region}
        client = openai.BedrockOpenAI(base_url=self.gateway.info["url"] + "/v1", max_retries=0, **keys)
        self.addCleanup(client.close)
        return client

    def test_a_chat_never_leaves_the_region_that_it_was_signed_for(self):
        near, far = Faulty(), Faulty()
        self.addCleanup(near.close)
        self.addCleanup(far.close)
        dearer = PRICES.replace("0.0", "0.5")

        def ask(region, model="m"):
            return self.signing(region).chat.completions.create(model=model, messages=ASK, max_tokens=60)

        def at(server, region, model, prices):
            return self.mantle(f'name = "{model}-{region}"\n', path="", url=server.url, model=f'name = "{model}"', prices=prices, region=region)

        runtime = f'[[upstream]]\nregion = "{EU}"\nendpoint_url = "{self.emulator.info["url"]}"\n'
        here = at(near, EU, "m", dearer)
        there = at(far, REGION, "m", PRICES) + at(far, REGION, "both", PRICES) + at(far, REGION, "far", PRICES)
        names = f'[models]\n"both" = "{LITE}"\n'
        with self.subTest("where a runtime of Bedrock and a server are in the region"):
            self.over(runtime + here + there, names)
            near.answers = [(200, completion(usage=USAGE)), (429, {"error": {"message": "m", "code": "c"}})]
            ask(EU)
            with self.assertRaises(openai.RateLimitError):
                ask(EU)
            ask(EU, "both")
            with self.assertRaisesRegex(openai.PermissionDeniedError, f"Nothing in {EU} serves far"):
                ask(EU, "far")
            asked = self.gateway.json("route", "--config", self.gateway.folder / "gateway.toml", "--model", "m", "--region", EU)
            self.assertEqual((len(near.asked), len(far.asked), "m-us-east-1" in json.dumps(asked)), (2, 0, False))
        with self.subTest("where only a server is in the region"):
            self.over(here + at(near, EU, "both", dearer) + there, names)
            near.asked.clear()
            near.answers = [(200, completion(usage=USAGE))] * 2
            ask(EU)
            ask(EU, "both")
            with self.assertRaisesRegex(openai.BadRequestError, f"In {EU} this gateway calls bedrock-mantle alone"):
                ask(EU, LITE)
            self.assertEqual((len(near.asked), len(far.asked)), (2, 0))
            far.answers = [(200, completion(usage=USAGE))] * 3
            ask(REGION)
            ask("ap-south-1")
            self.ask_model("m")
            self.assertEqual((len(near.asked), len(far.asked)), (2, 3), "the cheapest takes what names no region of this gateway")

    def test_the_emulator_takes_chats_of_unmodified_clients_signed_or_with_a_key(self):
        info = self.emulator.info
        ask = {"model": GPT_OSS, "messages": ASK, "max_tokens": 20}
        for path in ("/v1", "/openai/v1"):
            client = openai.OpenAI(base_url=info["url"] + path, api_key=info["bearer_key"], max_retries=0)
            keys = {"aws_access_key_id": info["access_key_id"], "aws_secret_access_key": info["secret_access_key"], "aws_region": REGION}
            signing = openai.BedrockOpenAI(base_url=info["url"] + path, max_retries=0, **keys)
            wrong = openai.BedrockOpenAI(base_url=info["url"] + path, max_retries=0, **keys | {"aws_secret_access_key": "wrong"})
            for each in (client, signing, wrong):
                self.addCleanup(each.close)
            for each in (client, signing):
                self.assertTrue(each.chat.completions.create(**ask).choices[0].message.content)
                self.assertTrue(list(each.chat.completions.create(**ask, stream=True)))
                with self.assertRaises(openai.NotFoundError):
                    each.chat.completions.create(**ask | {"model": "none.such"})
            for each in (wrong, client.with_options(api_key="wrong")):
                with self.assertRaises(openai.PermissionDeniedError):
                    each.chat.completions.create(**ask)
        self.assertEqual({line["model"] for line in self.emulator.bill()["lines"]}, {"openai.gpt-oss-20b-1:0"})

    def over_claude(self, more="", names="", **where):
        """A client of a gateway that calls Claude there."""
        self.over(self.mantle(more, model=f'name = "{OPUS}"', **where), names)
        client = self.gateway.client(self.key)
        self.addCleanup(client.close)
        return client

    def stream(self, client, model, body):
        """The chunks of a stream, and what its last one counted."""
        events = client.invoke_model_with_response_stream(modelId=model, body=json.dumps(body))["body"]
        chunks = [json.loads(event["chunk"]["bytes"]) for event in events]
        counts = chunks[-1].pop("amazon-bedrock-invocationMetrics")
        chunks[0]["message"].pop("id")
        return chunks, {name: n for name, n in counts.items() if name.endswith("Count")}

    def test_claude_is_called_there_by_invoke_model_as_at_the_runtime_and_the_books_are_the_bill(self):
        mine, direct = self.over_claude(), self.emulator.client("bedrock-runtime")
        self.addCleanup(direct.close)
        text = {"type": "text", "text": "lanes " * 900}
        cached = claude("hello", system=[text | {"cache_control": {"type": "ephemeral", "ttl": ttl}} for ttl in ("1h", "5m")])
        told = {}
        for client, model in ((mine, OPUS), (direct, f"us.{OPUS}")):
            self.emulator.advance(2 * HOUR_S)  # Nothing is cached.
            told[model] = [self.stream(client, model, cached), self.stream(client, model, claude("[[toy: think]] hello", max_tokens=200))]
            for body in (cached, claude("hello")):
                answer = client.invoke_model(modelId=model, body=json.dumps(body))
                whole = json.loads(answer["body"].read())
                headers = answer["ResponseMetadata"]["HTTPHeaders"]
                whole.pop("id")
                told[model].append((whole, {name: headers[name] for name in headers if "token-count" in name}))
        self.assertEqual(told[OPUS], told[f"us.{OPUS}"])
        usage = [answer["usage"] for answer, _ in told[OPUS][2:]]
        self.assertGreater(usage[0]["cache_read_input_tokens"], 0)
        self.assertGreater(told[OPUS][0][0][0]["message"]["usage"]["cache_creation"]["ephemeral_1h_input_tokens"], 0)
        self.assert_booked_there(4)

    def assert_booked_there(self, calls):
        row = self.lane()
        self.assertEqual((row["calls"], row["errors"], row["bound_usd"], row["unpriced_calls"]), (calls, 0, "0", 0))
        there = sum(Decimal(line["costUsd"]) for line in self.emulator.bill()["lines"] if line["profile"] == "in-region")
        self.assertGreater(there, 0)
        self.assertEqual(Decimal(row["paid_usd"]), there)

    def test_claude_is_called_there_by_converse_as_at_the_runtime(self):
        mine, direct = self.over_claude(), self.emulator.client("bedrock-runtime")
        self.addCleanup(direct.close)
        spec = {"name": "weather", "inputSchema": {"json": WEATHER["function"]["parameters"]}}
        plain = {"messages": [{"role": "user", "content": [{"text": "[[toy: text=A lane is a lane.]]"}]}], "inferenceConfig": {"maxTokens": 60}}
        tools = plain | {"messages": [{"role": "user", "content": [{"text": "Is it raining?"}]}], "toolConfig": {"tools": [{"toolSpec": spec}], "toolChoice": {"any": {}}}}
        told = {}
        for client, model in ((mine, OPUS), (direct, f"us.{OPUS}")):
            answer = client.converse(modelId=model, **plain)
            events = list(client.converse_stream(modelId=model, requestMetadata={"team": "a"}, **plain)["stream"])
            counts = events.pop()["metadata"]["usage"]
            called = client.converse(modelId=model, **tools)
            blocks = [set(block["toolUse"]) for block in called["output"]["message"]["content"]]
            told[model] = (answer["output"], answer["stopReason"], answer["usage"], events, counts, called["stopReason"], blocks)
        self.assertEqual(told[OPUS], told[f"us.{OPUS}"])
        call = called["output"]["message"]["content"][0]["toolUse"]
        result = {"toolResult": {"toolUseId": call["toolUseId"], "content": [{"json": {"rain": False}}]}}
        turns = [*tools["messages"], called["output"]["message"], {"role": "user", "content": [result, {"cachePoint": {"type": "default"}}]}]
        self.assertEqual(mine.converse(modelId=OPUS, messages=turns, toolConfig={"tools": [{"toolSpec": spec}]})["stopReason"], "end_turn")
        self.assert_booked_there(4)

    def test_claude_is_called_there_by_chats_with_tools_and_streams(self):
        self.over_claude(names=f'[models]\n"both" = "us.{OPUS}"\n', prices=f'[[upstream.model]]\nname = "both"\nmodel = "{OPUS}"\n')
        whole = self.ask_model(OPUS)
        chunks = list(self.ask_model(OPUS, stream=True, stream_options={"include_usage": True}))
        self.assertTrue(whole.choices[0].message.content)
        self.assertEqual((whole.model, chunks[-1].usage.prompt_tokens), (OPUS, whole.usage.prompt_tokens))
        self.assertTrue("".join(c.choices[0].delta.content or "" for c in chunks if c.choices))
        called = self.ask_model(OPUS, tools=[WEATHER], tool_choice="required").choices[0]
        self.assertEqual((called.finish_reason, called.message.tool_calls[0].function.name), ("tool_calls", "weather"))
        pieces = [call for c in self.ask_model(OPUS, tools=[WEATHER], tool_choice="required", stream=True) for call in c.choices[0].delta.tool_calls or []]
        self.assertIn("place", json.loads("".join(piece.function.arguments for piece in pieces)))
        result = {"role": "tool", "tool_call_id": called.message.tool_calls[0].id, "content": "Sunny."}
        again = self.openai().chat.completions.create(model=OPUS, messages=[*ASK, called.message.model_dump(exclude_none=True), result], tools=[WEATHER])
        self.assertTrue(again.choices[0].message.content)
        self.assert_paid(5)
        self.emulator.faults({"fault": "throttled", "times": 1})
        self.assertTrue(self.ask_model("both").choices[0].message.content)
        self.assertEqual(self.lane()["calls"], 6, "the runtime throttled it")
        file = {"type": "file", "file": {"filename": "a.docx", "file_data": "QUJD"}}
        with self.assertRaisesRegex(openai.BadRequestError, "pdf nor txt"):
            self.openai().chat.completions.create(model=OPUS, messages=[{"role": "user", "content": [file, {"type": "text", "text": "x"}]}])
        for change, words in (({"n": 2}, "n"), ({"service_tier": "flex"}, "price"), ({"service_tier": "batch"}, "on demand only")):
            with self.assertRaisesRegex(openai.BadRequestError, words):
                self.ask_model(OPUS, **change)
        with self.assertRaisesRegex(openai.BadRequestError, "chats"):
            self.openai().embeddings.create(model=OPUS, input="x")

    def test_a_stream_of_claudes_that_is_cut_is_booked_with_its_bound_and_calls_are_made_under_the_role(self):
        client = self.over_claude(self.sts(), OWNERS)
        self.emulator.faults({"fault": "broken_stream"})
        for broken, ask in (
            (EventStreamError, lambda: self.stream(client, OPUS, claude("hello"))),
            (EventStreamError, lambda: list(client.converse_stream(modelId=OPUS, messages=[{"role": "user", "content": [{"text": "x"}]}])["stream"])),
            (openai.APIError, lambda: list(self.ask_model(OPUS, stream=True))),
        ):
            with self.assertRaisesRegex(broken, "broke off"):
                ask()
        paid, bound = self.assert_books()
        self.assertEqual((paid, bound > 0), (0, True))
        self.assertEqual({line["principal"] for line in self.emulator.bill("principal")["lines"]}, {UNDER_ROLE})

    def test_an_error_there_reaches_each_client_in_its_own_shape(self):
        faulty = Faulty()
        self.addCleanup(faulty.close)
        client = self.over_claude(url=faulty.url, path="")

        def error(kind):
            return {"type": "error", "error": {"type": kind, "message": "of the endpoint"}}

        for status, kind, name, theirs in (
            (400, "invalid_request_error", "ValidationException", openai.BadRequestError),
            (429, "rate_limit_error", "ThrottlingException", openai.RateLimitError),
            (529, "overloaded_error", "ServiceUnavailableException", openai.InternalServerError),
        ):
            faulty.answers = [(status, error(kind))] * 2
            with self.assertRaisesRegex(ClientError, "of the endpoint") as caught:
                client.invoke_model(modelId=OPUS, body=json.dumps(claude("x")))
            self.assertEqual(caught.exception.response["Error"]["Code"], name)
            with self.assertRaisesRegex(theirs, "of the endpoint"):
                self.ask_model(OPUS)
        path, authorization, body = faulty.asked[0]
        self.assertEqual((path, "bedrock-mantle/aws4_request" in authorization), ("/anthropic/v1/messages", True))
        self.assertEqual((body.pop("model"), body.pop("stream"), body | {"anthropic_version": "bedrock-2023-05-31"}), (OPUS, False, claude("x")))
        self.assertEqual((self.lane()["errors"], self.lane()["bound_usd"]), (6, "0"))
        faulty.answers = [(200, f"event: error\ndata: {json.dumps(error('overloaded_error'))}\n\n")] * 2
        with self.assertRaisesRegex(EventStreamError, "serviceUnavailableException.*of the endpoint"):
            self.stream(client, OPUS, claude("x"))
        with self.assertRaisesRegex(openai.APIError, "of the endpoint"):
            list(self.ask_model(OPUS, stream=True))
        self.assertGreater(Decimal(self.lane()["bound_usd"]), 0)
        asked = len(faulty.asked)
        for more, words in (({"guardrailIdentifier": "abc", "guardrailVersion": "1"}, "guardrail"), ({"serviceTier": "flex"}, "price")):
            with self.assertRaisesRegex(ClientError, words):
                client.invoke_model(modelId=OPUS, body=json.dumps(claude("x")), **more)
        self.assertEqual(len(faulty.asked), asked)

    def test_quotas_there_are_counted_ahead_in_each_direction(self):
        quota = f'[[quota]]\nmodel = "{OPUS}"\nregion = "{REGION}"\noutput_tokens_per_minute = 70\n'
        self.over_claude(names=quota + "[limits]\nheld_s = 0\n")

        def ask(deadline):
            return self.ask_model(OPUS, extra_headers={"laneshift-deadline": deadline}).usage.completion_tokens

        took = ask("6h")
        with self.assertRaisesRegex(openai.RateLimitError, r"\d+ of 70 output tokens of the last minute are taken, and 7 are kept") as caught:
            ask("6h")
        self.assertNotIn("input tokens", str(caught.exception))
        self.assertEqual(ask("now"), took, "what cannot wait is AWS's to refuse")

    def test_the_emulator_takes_messages_of_anthropics_unmodified_client_signed_or_with_a_key(self):
        info = self.emulator.info
        keys = {"aws_access_key": info["access_key_id"], "aws_secret_key": info["secret_access_key"], "aws_region": REGION}

        def client(**more):
            made = anthropic.AnthropicBedrockMantle(base_url=info["url"] + "/anthropic", max_retries=0, **more)
            self.addCleanup(made.close)
            return made

        ask = {"model": "anthropic.claude-haiku-4-5", "max_tokens": 20, "messages": ASK}
        for each in (client(**keys), client(api_key=info["bearer_key"])):
            whole = each.messages.create(**ask)
            with each.messages.stream(**ask) as stream:
                last = stream.get_final_message()
            self.assertEqual((last.content[0].text, last.usage.output_tokens), (whole.content[0].text, whole.usage.output_tokens))
            for change, error in (({"model": "none.such"}, anthropic.NotFoundError), ({"model": GPT_OSS}, anthropic.NotFoundError), ({"messages": []}, anthropic.BadRequestError)):
                with self.assertRaises(error) as caught:
                    each.messages.create(**ask | change)
                self.assertEqual(caught.exception.body["type"], "error")
        for each in (client(**keys | {"aws_secret_key": "wrong"}), client(api_key="wrong")):
            with self.assertRaises(anthropic.PermissionDeniedError):
                each.messages.create(**ask)
        self.assertEqual({(line["model"], line["profile"]) for line in self.emulator.bill()["lines"]}, {("anthropic.claude-haiku-4-5-20251001-v1:0", "in-region")})


if __name__ == "__main__":
    unittest.main()
