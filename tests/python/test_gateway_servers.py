"""Servers that speak OpenAI's API as upstreams of `laneshift serve`: a gateway in front of a gateway, and one that fails."""

import http.server
import json
import threading
import unittest
from decimal import Decimal

import openai

from emulated import Emulator
from gateway import REGION, Gateway
from test_gateway import NOVA, GatewayCase
from test_gateway_openai import ASK, TITAN, OpenAiCase

PRICES = 'usd_per_million_input = "0.01"\nusd_per_million_output = 0.02\nusd_per_million_cache_read = "0.01"\n'
USAGE = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}


class Faulty:
    """A server whose next answers are handed in: a status and a body, or a text of events. One that hangs ends none of them."""

    def __init__(self):
        self.answers, self.asked = [], []
        self.hangs, self.closing = False, threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.asked.append((self.path, self.headers.get("authorization"), body))
                status, answer = outer.answers.pop(0)
                events = isinstance(answer, str)
                data = answer.encode() if events else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "text/event-stream" if events else "application/json")
                self.send_header("connection", "close")
                self.end_headers()
                self.wfile.write(data)
                if outer.hangs:
                    outer.closing.wait()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"

    def close(self):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()


def completion(**more):
    message = {"role": "assistant", "content": "Hello."}
    return {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]} | more


def chunk(content, **more):
    choices = [{"index": 0, "delta": {"content": content}, "finish_reason": None}] if content else []
    return "data: " + json.dumps({"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices} | more) + "\n\n"


class ServerCase(OpenAiCase, GatewayCase):
    def over(self, servers, models="", **environment):
        """Another gateway over the same Bedrock and these servers."""
        self.gateway.close()
        bedrock = f'[[upstream]]\nregion = "{REGION}"\nendpoint_url = "{self.emulator.info["url"]}"\n'
        self.gateway = Gateway(self.emulator, config=bedrock + servers + models, environment=environment)
        self.addCleanup(self.gateway.close)
        self.key = self.gateway.key("team-a", "--workload", "chat")
        self.connect(self.key)

    def server(self, name, url, *models, key=True):
        text = f'[[upstream]]\nkind = "openai"\nname = "{name}"\nendpoint_url = "{url}"\n' + ('api_key_env = "SERVER_KEY"\n' if key else "")
        return text + "".join(f"[[upstream.model]]\n{model}\n" for model in models)

    def rows(self):
        return {row["lane"]: row for row in self.gateway.savings()["rows"]}

    def ask_model(self, model, **more):
        return self.openai().chat.completions.create(model=model, messages=ASK, max_tokens=60, **more)


class Behind(ServerCase):
    """The server is a gateway of its own, over an emulator of its own."""

    def setUp(self):
        super().setUp()
        self.other = Emulator("--speed", "60")
        self.addCleanup(self.other.close)
        self.inner = Gateway(self.other)
        self.addCleanup(self.inner.close)
        key = self.inner.key("outer")
        gateway, self.gateway = self.gateway, self.inner
        self.connect(key)
        self.gateway = gateway
        # Nova Lite costs 0.06 and 0.24 dollars there.
        nova = f'name = "mine"\nmodel = "{NOVA}"\nusd_per_million_input = "0.06"\nusd_per_million_output = "0.24"\nusd_per_million_cache_read = "0.015"'
        titan = f'name = "vectors"\nmodel = "{TITAN}"\nusd_per_million_input = 0.02'
        self.over(self.server("inner", self.inner.info["url"] + "/v1", nova, titan), SERVER_KEY=key["api_key"])

    def test_chats_streams_and_embeddings_are_passed_on_and_both_books_and_the_bill_are_one(self):
        whole = self.ask_model("mine")
        self.assertTrue(whole.choices[0].message.content)
        chunks = list(self.ask_model("mine", stream=True))
        self.assertEqual("".join(chunk.choices[0].delta.content or "" for chunk in chunks), whole.choices[0].message.content)
        self.assertTrue(all(chunk.usage is None for chunk in chunks), "nobody asked for it")
        chunks = list(self.ask_model("mine", stream=True, stream_options={"include_usage": True}))
        self.assertEqual(chunks[-1].usage.total_tokens, whole.usage.total_tokens)
        self.assertEqual(len(self.openai().embeddings.create(model="vectors", input=["a", "b"]).data), 2)
        self.assertEqual({model.id for model in self.openai().models.list()} & {"mine", "vectors"}, {"mine", "vectors"})
        row, inner = self.rows()["standard of inner"], self.inner.savings()["all"]
        billed = sum(Decimal(line["costUsd"]) for line in self.other.bill()["lines"])
        self.assertEqual((row["calls"], row["errors"], row["bound_usd"]), (4, 0, "0"))
        self.assertEqual((Decimal(row["paid_usd"]), Decimal(inner["paid_usd"])), (billed, billed))
        self.assertEqual(self.billed(), 0)

    def test_what_the_server_refuses_is_the_clients_to_read_and_costs_nothing(self):
        self.other.faults({"fault": "throttled"})
        with self.assertRaises(openai.RateLimitError):
            self.ask_model("mine")
        self.other.faults()
        self.assertEqual((self.rows()["standard of inner"]["errors"], self.rows()["standard of inner"]["bound_usd"]), (1, "0"))

    def test_other_surfaces_refuse_it_by_name(self):
        status, error = self.ask("/model/mine/converse", body={"messages": []})
        self.assertEqual((status, "served by inner" in error["message"]), (400, True), error)
        elsewhere = [{"extra_body": {name: ["x"]}} for name in ("models", "fallbacks", "api_base")]
        for change in ({"service_tier": "batch"}, {"service_tier": "flex"}, *elsewhere):
            with self.assertRaises(openai.BadRequestError):
                self.ask_model("mine", **change)

    def ask(self, path, body):
        client = self.openai()
        answer = client._client.post(self.gateway.info["url"] + path, json=body, headers={"authorization": "Bearer " + self.key["api_key"]})
        return answer.status_code, answer.json()


class Failing(ServerCase):
    def setUp(self):
        super().setUp()
        self.faulty = Faulty()
        self.addCleanup(self.faulty.close)

    def alone(self, prices=PRICES, limits=""):
        self.over(self.server("s", self.faulty.url, f'name = "m"\nmodel = "org/m"\n{prices}'), limits, SERVER_KEY="secret-of-s")

    def beside(self, prices=PRICES):
        self.over(self.server("s", self.faulty.url, f'name = "both"\nmodel = "org/m"\n{prices}', key=False), f'[models]\n"both" = "{NOVA}"\n')

    def decision(self, **more):
        answer = self.openai().chat.completions.with_raw_response.create(model="both", messages=ASK, max_tokens=60, extra_headers={"laneshift-explain": "true"}, **more)
        return json.loads(answer.headers["laneshift-decision"])

    def test_the_body_is_the_clients_but_for_what_is_said_to_the_gateway(self):
        self.alone()
        self.faulty.answers = [(200, completion(usage=USAGE))]
        self.ask_model("m", n=1, metadata={"laneshift:deadline": "6h"}, extra_body={"top_k": 3})
        path, key, body = self.faulty.asked[0]
        self.assertEqual((path, key), ("/v1/chat/completions", "Bearer secret-of-s"))
        self.assertEqual(body, {"model": "org/m", "messages": ASK, "max_tokens": 60, "n": 1, "top_k": 3})
        row = self.rows()["standard of s"]
        self.assertEqual(Decimal(row["paid_usd"]), (9 * Decimal("0.01") + 5 * Decimal("0.02")) / 1_000_000)
        self.assertNotIn("secret-of-s", self.gateway.log())

    def test_what_was_not_counted_to_its_end_is_booked_with_its_bound(self):
        self.alone()
        growing = chunk("Hel", usage=USAGE)
        for answer in (completion(), growing, growing + "data: [DO", chunk("Hel") + "data: [DONE]\n\n"):
            before = self.gateway.savings()["all"]
            self.faulty.answers = [(200, answer)]
            if isinstance(answer, str):
                try:
                    self.assertTrue(list(self.ask_model("m", stream=True)))
                    self.assertIn("[DONE]", answer)
                except openai.APIError:
                    self.assertNotIn("[DONE]", answer, "one that broke off is no whole answer")
            else:
                self.ask_model("m")
            after = self.gateway.savings()["all"]
            self.assertEqual(before["paid_usd"], after["paid_usd"])
            self.assertGreater(Decimal(after["bound_usd"]), Decimal(before["bound_usd"]))

    def test_a_cut_stream_of_two_answers_is_booked_with_the_bound_of_both(self):
        self.alone()
        ended = chunk("Hel", usage=USAGE).replace('"finish_reason": null', '"finish_reason": "stop"')
        self.faulty.answers = [(200, ended)]
        with self.assertRaises(openai.APIError):
            list(self.ask_model("m", stream=True, n=2))
        row = self.rows()["standard of s"]
        self.assertEqual(row["paid_usd"], "0")
        self.assertGreaterEqual(Decimal(row["bound_usd"]), 2 * 60 * Decimal("0.02") / 1_000_000)

    def test_what_a_server_calls_its_tiers_changes_no_price(self):
        self.alone()
        self.faulty.answers = [
            (200, completion(usage=USAGE, service_tier="priority")),
            (200, completion(usage=USAGE, service_tier=3)),
            (200, chunk("Hel", service_tier="flex") + chunk("", usage=USAGE, service_tier="flex") + "data: [DONE]\n\n"),
        ]
        self.ask_model("m")
        self.ask_model("m")
        list(self.ask_model("m", stream=True))
        row = self.rows()["standard of s"]
        self.assertEqual((row["calls"], row["unpriced_calls"], row["bound_usd"]), (3, 0, "0"))
        self.assertEqual(Decimal(row["paid_usd"]), 3 * (9 * Decimal("0.01") + 5 * Decimal("0.02")) / 1_000_000)

    def test_a_number_of_answers_that_is_no_whole_number_is_refused_by_name(self):
        self.alone()
        with self.assertRaisesRegex(openai.BadRequestError, "body.n"):
            self.ask_model("m", n=3.0)
        self.assertEqual(self.faulty.asked, [])

    def test_writes_to_a_cache_have_a_price_or_the_bound_and_a_budget_holds_them(self):
        usage = USAGE | {"prompt_tokens_details": {"cache_write_tokens": 4}}
        self.alone(prices=PRICES + 'usd_per_million_cache_write = "0.05"\n')
        self.faulty.answers = [(200, completion(usage=usage))]
        self.ask_model("m")
        row = self.rows()["standard of s"]
        self.assertEqual(Decimal(row["paid_usd"]), (5 * Decimal("0.01") + 4 * Decimal("0.05") + 5 * Decimal("0.02")) / 1_000_000)
        self.alone()
        # It holds one call of this size, and no second one.
        poor = self.gateway.key("team-b", "--budget", "0.000003")
        self.connect(poor)
        client = self.openai(poor)
        self.faulty.answers = [(200, completion(usage=usage))] * 2
        client.chat.completions.create(model="m", messages=ASK, max_tokens=60)
        row = self.rows()["standard of s"]
        self.assertEqual((row["unpriced_calls"], row["paid_usd"]), (1, "0"))
        self.assertGreater(Decimal(row["bound_usd"]), Decimal("0.0000015"), "the rest of the budget is less")
        with self.assertRaisesRegex(openai.APIStatusError, "budget"):
            client.chat.completions.create(model="m", messages=ASK, max_tokens=60)
        self.assertEqual(len(self.faulty.asked), 2)

    def test_a_stream_that_falls_silent_is_ended_and_booked(self):
        self.alone(limits="[limits]\nidle_s = 1\n")
        self.faulty.hangs = True
        for answer, paid in ((chunk("Hel"), 0), (chunk("Hel") + chunk("", usage=USAGE), 9 * Decimal("0.01") + 5 * Decimal("0.02"))):
            self.faulty.answers = [(200, answer)]
            with self.assertRaisesRegex(openai.APIError, "sent nothing for 1 s"):
                list(self.ask_model("m", stream=True))
            row = self.rows()["standard of s"]
            self.assertEqual(Decimal(row["paid_usd"]), paid / 1_000_000 if paid else 0)
            self.assertGreater(Decimal(row["bound_usd"]), 0, "of the one that counted nothing")

    def test_an_error_of_the_servers_own_key_is_not_the_clients(self):
        self.alone()
        self.faulty.answers = [(401, {"error": {"message": "Incorrect API key: secret", "code": "invalid_api_key"}})]
        with self.assertRaises(openai.InternalServerError) as caught:
            self.ask_model("m")
        self.assertNotIn("secret", str(caught.exception))

    def test_the_cheapest_answers_and_the_other_stands_in(self):
        self.beside()
        self.faulty.answers = [(200, completion(usage=USAGE))]
        self.assertEqual(self.decision()["lane"], "standard of s")
        row = self.rows()["standard of s"]
        self.assertGreater(Decimal(row["saved_usd"]), 0, "against Bedrock's price of the same tokens")
        for status in (429, 500):
            self.faulty.answers = [(status, {"error": {"message": "m", "code": "c"}})]
            decision = self.decision()
            self.assertEqual(decision["lane"], "standard", decision)
            self.assertIn("standard of s", decision["refused"])
            self.faulty.answers, deadline = [(200, completion(usage=USAGE))] * 99, 99
            while self.decision()["lane"] != "standard of s":
                deadline -= 1
                self.assertTrue(deadline, "it is asked again after a moment")
        row = self.rows()["standard of s"]
        self.assertEqual(row["errors"], 2)
        self.assertGreater(Decimal(row["bound_usd"]), 0, "a server error may come after the work")

    def test_an_unknown_price_closes_it_and_says_so(self):
        self.beside(prices="")
        decision = self.decision()
        self.assertEqual((decision["lane"], decision["refused"]["standard of s"]), ("standard", "no price is known for input tokens"))
        self.emulator.faults({"fault": "throttled"})
        with self.assertRaises(openai.RateLimitError):
            self.decision()
        self.assertEqual(self.faulty.asked, [])
        self.alone(prices="")
        self.faulty.answers = [(200, completion(usage=USAGE))]
        self.ask_model("m")
        self.assertEqual((self.rows()["standard of s"]["unpriced_calls"], self.rows()["standard of s"]["paid_usd"]), (1, "0"))
        poor = self.gateway.key("team-b", "--budget", "1")
        self.connect(poor)
        with self.assertRaises(openai.PermissionDeniedError):
            self.openai(poor).chat.completions.create(model="m", messages=ASK)

    def test_a_configuration_that_is_wrong_names_file_line_and_field(self):
        path = self.gateway.folder / "wrong.toml"
        path.write_text(self.server("s", self.faulty.url, 'name = "m"\nusd_per_million_input = 1\nusd_per_million_output = 1'), encoding="utf-8")
        done = self.gateway.laneshift("config", "check", path)
        self.assertEqual(done.returncode, 3, done.stderr)
        for word in ("wrong.toml", "line", "usd_per_million_cache_read"):
            self.assertIn(word, done.stderr)


if __name__ == "__main__":
    unittest.main()
