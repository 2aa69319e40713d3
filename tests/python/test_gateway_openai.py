"""OpenAI's API of `laneshift serve`, driven by the unmodified openai client over the emulator."""

import base64
import json
import time
import unittest
from decimal import Decimal

import openai

from emulated import HAIKU
from gateway import REGION
from test_gateway import NOVA, NOVA_PRO, GatewayCase, LaterCase

TITAN = "amazon.titan-embed-text-v2:0"
ASK = [{"role": "user", "content": "What is a lane?"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a place",
        "parameters": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
    },
}


class OpenAiCase:
    def openai(self, key=None, **more):
        client = openai.OpenAI(base_url=self.gateway.info["url"] + "/v1", api_key=(key or self.key)["api_key"], max_retries=0, **more)
        self.addCleanup(client.close)
        return client

    def refused(self, kind, *words, **call):
        with self.assertRaises(kind) as caught:
            self.openai().chat.completions.create(**({"model": NOVA, "messages": ASK} | call))
        for word in words:
            self.assertIn(word, caught.exception.message)
        return caught.exception


class Chat(OpenAiCase, GatewayCase):
    def create(self, **call):
        return self.openai().chat.completions.create(**({"model": NOVA, "messages": ASK, "max_completion_tokens": 60} | call))

    def test_a_chat_is_answered_as_converse_answers_it_and_booked_to_the_last_digit(self):
        messages = [{"role": "system", "content": "Be brief."}, *ASK]
        completion = self.create(messages=messages, temperature=0.5, stop=["zzz"], user="me", seed=7)
        theirs = self.runtime.converse(
            modelId=NOVA,
            system=[{"text": "Be brief."}],
            messages=[{"role": "user", "content": [{"text": "What is a lane?"}]}],
            inferenceConfig={"maxTokens": 60, "temperature": 0.5, "stopSequences": ["zzz"]},
        )
        self.assertEqual(completion.choices[0].message.content, theirs["output"]["message"]["content"][0]["text"])
        self.assertEqual(completion.usage.prompt_tokens, theirs["usage"]["inputTokens"])
        self.assertEqual(completion.usage.completion_tokens, theirs["usage"]["outputTokens"])
        self.assertEqual((completion.object, completion.model), ("chat.completion", NOVA))
        paid, bound = self.assert_books()
        self.assertEqual((paid, bound), (self.billed(), 0))

    def test_a_stream_is_the_same_answer_in_pieces(self):
        whole = self.create()
        chunks = list(self.create(stream=True, stream_options={"include_usage": True}))
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        self.assertEqual(text, whole.choices[0].message.content)
        self.assertEqual([chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1], whole.choices[0].finish_reason)
        self.assertEqual(chunks[-1].usage.total_tokens, whole.usage.total_tokens)
        self.assertEqual(len({chunk.id for chunk in chunks}), 1)
        self.assertIsNone(list(self.create(stream=True))[-1].usage, "nobody asked for it")
        self.assertEqual(self.assert_books()[0], self.billed())

    def test_a_tool_is_called_and_its_result_is_taken(self):
        for stream in (False, True):
            with self.subTest(stream=stream):
                ask = {"model": HAIKU, "tools": [WEATHER], "tool_choice": "required", "stream": stream}
                if stream:
                    calls = [call for chunk in self.create(**ask) for call in chunk.choices[0].delta.tool_calls or []]
                    name, id_ = calls[0].function.name, calls[0].id
                    arguments = "".join(call.function.arguments for call in calls)
                else:
                    completion = self.create(**ask)
                    self.assertEqual(completion.choices[0].finish_reason, "tool_calls")
                    call = completion.choices[0].message.tool_calls[0]
                    name, id_, arguments = call.function.name, call.id, call.function.arguments
                self.assertEqual((name, "place" in json.loads(arguments)), ("weather", True), arguments)
        said = {"role": "assistant", "content": None, "tool_calls": [{"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}]}
        result = {"role": "tool", "tool_call_id": id_, "content": "Sunny."}
        answer = self.create(model=HAIKU, messages=[*ASK, said, result], tools=[WEATHER])
        self.assertTrue(answer.choices[0].message.content)

    def test_an_answer_follows_a_schema(self):
        schema = {"type": "object", "properties": {"lane": {"type": "string"}}, "required": ["lane"], "additionalProperties": False}
        wanted = {"type": "json_schema", "json_schema": {"name": "lane", "strict": True, "schema": schema}}
        completion = self.create(model=HAIKU, response_format=wanted, max_completion_tokens=300)
        self.assertEqual(list(json.loads(completion.choices[0].message.content)), ["lane"])

    def test_images_and_documents_are_read(self):
        png = base64.b64encode(bytes.fromhex("89504e470d0a1a0a") + b"\0" * 64).decode()
        parts = [
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{png}", "detail": "low"}},
            {"type": "file", "file": {"filename": "Q3_report (final).txt", "file_data": base64.b64encode(b"All is well.").decode()}},
        ]
        self.assertTrue(self.create(messages=[{"role": "user", "content": parts}]).choices[0].message.content)

    def test_tiers_are_named_as_openai_names_them(self):
        for tier, lane in [("flex", "flex"), ("priority", "priority"), ("default", "standard")]:
            completion = self.create(model=NOVA_PRO, service_tier=tier)
            self.assertEqual(completion.service_tier or "default", tier)
            self.assertIn(lane, {row["lane"] for row in self.gateway.savings()["rows"]})
        self.create(model=NOVA_PRO, extra_headers={"laneshift-deadline": "6h"})
        rows = {row["lane"]: row for row in self.gateway.savings()["rows"]}
        self.assertEqual(rows["flex"]["calls"], 2, "the gateway chose it")
        self.create(model=NOVA_PRO, metadata={"laneshift:deadline": "6h", "laneshift:workload": "nightly"})
        rows = {(row["workload"], row["lane"]) for row in self.gateway.savings()["rows"]}
        self.assertIn(("nightly", "flex"), rows)
        self.assertEqual(self.assert_books()[0], self.billed())

    def test_what_cannot_be_carried_over_is_refused_by_name(self):
        bad = openai.BadRequestError
        self.refused(bad, "body.n ", n=2)
        self.refused(bad, "body.logprobs", logprobs=True)
        self.refused(bad, "response_format", response_format={"type": "json_object"})
        self.refused(bad, "reasoning_effort", reasoning_effort="low")
        self.refused(bad, "service_tier", service_tier="scale")
        self.refused(bad, "metadata", metadata={"a;b": "c"})
        self.refused(bad, "are not fetched", messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://127.0.0.1:1/x.png"}}]}])
        self.refused(bad, '"colour"', extra_body={"colour": "blue"})
        self.refused(openai.NotFoundError, "none of Bedrock's", model="gpt-4o")
        self.assertEqual(self.billed(), 0)

    def test_errors_have_openais_shape_and_names(self):
        with self.assertRaises(openai.AuthenticationError):
            self.openai({"api_key": "lsk-nobody-x"}).chat.completions.create(model=NOVA, messages=ASK)
        self.emulator.faults({"fault": "throttled"})
        self.assertEqual(self.refused(openai.RateLimitError).code, "rate_limit_exceeded")
        self.emulator.faults()
        narrow = self.gateway.key("team-b", "--model", "amazon.*")
        self.connect(narrow)
        with self.assertRaises(openai.PermissionDeniedError):
            self.openai(narrow).chat.completions.create(model=HAIKU, messages=ASK)
        with self.assertRaises(openai.NotFoundError):
            self.openai().get("/nonsense", cast_to=object)

    def test_a_stream_that_breaks_is_an_error_and_no_whole_answer(self):
        self.emulator.faults({"fault": "broken_stream", "times": 1})
        with self.assertRaises(openai.APIError):
            list(self.create(stream=True))
        _, bound = self.assert_books()
        self.assertGreater(bound, 0)


class Embeddings(OpenAiCase, GatewayCase):
    def test_many_texts_are_one_list_and_each_costs_its_tokens(self):
        texts = [f"text {i}" for i in range(11)]
        made = self.openai().embeddings.create(model=TITAN, input=texts, encoding_format="float")
        self.assertEqual([one.index for one in made.data], list(range(11)))
        packed = self.openai().embeddings.create(model=TITAN, input=texts)
        self.assertEqual(len(packed.data), 11)
        for one, other in zip(made.data, packed.data, strict=True):
            for a, b in zip(one.embedding, other.embedding, strict=True):
                self.assertAlmostEqual(a, b, places=6)
        self.assertGreaterEqual(made.usage.prompt_tokens, 11)
        single = self.openai().embeddings.create(model=TITAN, input="text 3", encoding_format="float")
        self.assertEqual(single.data[0].embedding, made.data[3].embedding)
        self.assertEqual(self.assert_books()[0], self.billed())

    def test_what_embeds_nothing_is_said(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            self.openai().embeddings.create(model=NOVA, input="x")
        self.assertIn("makes no embeddings", caught.exception.message)


class Batch(OpenAiCase, LaterCase):
    """Over the batch lane, with names for models."""

    MODELS = f'[models]\n"gpt-4o-mini" = "{HAIKU}"\n'

    def test_models_are_those_of_the_configuration_and_of_bedrock_and_each_key_sees_its_own(self):
        names = [model.id for model in self.openai().models.list()]
        self.assertIn("gpt-4o-mini", names)
        self.assertIn("amazon.nova-lite-v1:0", names)
        self.assertEqual(self.openai().models.retrieve("gpt-4o-mini").id, "gpt-4o-mini")
        narrow = self.gateway.key("team-b", "--model", "amazon.nova-lite*")
        self.connect(narrow)
        self.assertEqual([model.id for model in self.openai(narrow).models.list()], ["amazon.nova-lite-v1:0"])
        answer = self.openai().chat.completions.create(model="gpt-4o-mini", messages=ASK)
        self.assertEqual((answer.model, bool(answer.choices[0].message.content)), ("gpt-4o-mini", True))

    def test_a_completion_that_can_wait_is_answered_by_the_batch_lane(self):
        ids = []
        for i in range(110):
            body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": f"question {i}"}], "max_tokens": 30}
            more = {"service_tier": "batch"} if i % 2 else {}
            headers = {} if i % 2 else {"Prefer": "respond-async", "laneshift-deadline": "1d"}
            status, accepted = self.ask("/v1/chat/completions", method="POST", body=body | more, **{k.replace("-", "_"): v for k, v in headers.items()})
            self.assertEqual(status, 202, accepted)
            ids.append(accepted["id"])
        for id_ in ids:
            one = self.answer(id_)
            self.assertEqual(one["status"], "answered", one)
            self.assertEqual(one["response"]["object"], "chat.completion")
            self.assertTrue(one["response"]["choices"][0]["message"]["content"])
        rows = {row["lane"]: row for row in self.gateway.savings()["rows"]}
        self.assertEqual(rows["batch"]["calls"], 110)
        self.assertEqual(Decimal(rows["batch"]["paid_usd"]), self.billed())

    def upload(self, lines, key=None, name="in.jsonl"):
        content = "".join(json.dumps(line) + "\n" for line in lines).encode()
        return self.openai(key).files.create(file=(name, content), purpose="batch"), content

    def lines(self, n, model="gpt-4o-mini", **more):
        ask = lambda i: {"model": model, "messages": [{"role": "user", "content": f"question {i}"}], "max_tokens": 20} | more
        return [{"custom_id": f"c{i}", "method": "POST", "url": "/v1/chat/completions", "body": ask(i)} for i in range(n)]

    def batch(self, lines, endpoint="/v1/chat/completions", window="24h"):
        file, _ = self.upload(lines)
        return self.openai().batches.create(input_file_id=file.id, endpoint=endpoint, completion_window=window, metadata={"run": "1"})

    def wait(self, batch, *states):
        deadline = time.monotonic() + 120
        while batch.status not in states:
            self.assertLess(time.monotonic(), deadline, batch)
            time.sleep(0.2)
            batch = self.openai().batches.retrieve(batch.id)
        return batch

    def test_a_batch_is_a_file_in_and_a_file_out_and_the_books_are_the_bill(self):
        batch = self.batch(self.lines(130))
        self.assertEqual((batch.status, batch.request_counts.total, batch.metadata), ("in_progress", 130, {"run": "1"}))
        batch = self.wait(batch, "completed")
        self.assertEqual((batch.request_counts.completed, batch.request_counts.failed, batch.error_file_id), (130, 0, None))
        answers = [json.loads(line) for line in self.openai().files.content(batch.output_file_id).text.splitlines()]
        self.assertEqual([line["custom_id"] for line in answers], [f"c{i}" for i in range(130)])
        self.assertEqual({line["response"]["body"]["object"] for line in answers}, {"chat.completion"})
        self.assertEqual(Decimal(batch.laneshift["paid_usd"]), self.billed())
        self.assertEqual(Decimal(batch.laneshift["on_demand_usd"]), 2 * self.billed())
        self.assertEqual([one.id for one in self.openai().batches.list()], [batch.id])
        _, rows = self.ask("/savings")
        self.assertEqual([row["paid_usd"] for row in rows["rows"] if row["lane"] == "batch"], [batch.laneshift["paid_usd"]])

    def test_a_batch_of_another_region_is_not_run_in_this_one(self):
        other = f'[[upstream]]\nregion = "eu-west-1"\nendpoint_url = "{self.emulator.info["url"]}"\n'
        config = self.gateway.folder / "gateway.toml"
        config.write_text(config.read_text(encoding="utf-8").replace("[batch]", f"{other}[batch]"), encoding="utf-8")
        self.gateway.restart()
        file, _ = self.upload(self.lines(3))

        def create(region):
            keys = {"aws_access_key_id": self.key["access_key_id"], "aws_secret_access_key": self.key["secret_access_key"], "aws_region": region}
            with openai.BedrockOpenAI(base_url=self.gateway.info["url"] + "/v1", max_retries=0, **keys) as client:
                return client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")

        with self.assertRaisesRegex(openai.BadRequestError, "jobs run in us-east-1"):
            create("eu-west-1")
        self.assertEqual([create(region).status for region in (REGION, "ap-south-1")], ["in_progress"] * 2)

    def test_three_records_are_as_good_as_thirty_thousand(self):
        batch = self.wait(self.batch(self.lines(3), window="2h"), "completed")
        self.assertEqual(batch.request_counts.completed, 3)
        embeddings = [
            {"custom_id": f"e{i}", "method": "POST", "url": "/v1/embeddings", "body": {"model": TITAN, "input": f"text {i}"}} for i in range(3)
        ]
        batch = self.wait(self.batch(embeddings, endpoint="/v1/embeddings", window="2h"), "completed")
        answers = [json.loads(line) for line in self.openai().files.content(batch.output_file_id).text.splitlines()]
        self.assertEqual(len(answers[2]["response"]["body"]["data"][0]["embedding"]), 1024)

    def test_lines_that_cannot_be_accepted_fail_the_batch_by_name_and_cost_nothing(self):
        lines = self.lines(3)
        lines[1]["body"]["n"] = 2
        lines[2]["custom_id"] = "c0"
        batch = self.batch(lines)
        self.assertEqual(batch.status, "failed")
        self.assertEqual([error.line for error in batch.errors.data], [2, 3])
        self.assertIn("body.n", batch.errors.data[0].message)
        self.assertEqual(self.openai().batches.retrieve(batch.id).status, "failed")
        for change, words in [({"model": "gpt-9"}, "none of Bedrock's"), ({"stream": True}, "body.stream")]:
            batch = self.batch(self.lines(2, **change))
            self.assertIn(words, batch.errors.data[0].message)
        self.assertIn("endpoint of the batch", self.batch(self.lines(1), endpoint="/v1/embeddings").errors.data[0].message)
        mixed = self.batch(self.lines(1) + [dict(line, custom_id="d") for line in self.lines(1, model=HAIKU)])
        self.assertIn("one model only", mixed.errors.data[0].message)
        self.assertEqual(self.billed(), 0)

    def test_files_are_their_owners_and_have_limits(self):
        file, content = self.upload(self.lines(2), name="mine.jsonl")
        self.assertEqual((file.filename, file.bytes, file.purpose), ("mine.jsonl", len(content), "batch"))
        self.assertEqual(self.openai().files.content(file.id).content, content)
        other = self.gateway.key("team-b")
        self.connect(other)
        with self.assertRaises(openai.NotFoundError):
            self.openai(other).files.retrieve(file.id)
        self.assertEqual(list(self.openai(other).files.list()), [])
        with self.assertRaises(openai.BadRequestError):
            self.openai(other).files.create(file=b"x", purpose="assistants")
        with self.assertRaises(openai.NotFoundError):
            self.openai(other).batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
        self.assertTrue(self.openai().files.delete(file.id).deleted)
        self.assertEqual(list(self.openai().files.list()), [])
        for strange in ["..%2fkeys", "file-..", "x" * 300]:
            with self.assertRaises(openai.NotFoundError):
                self.openai().get(f"/files/{strange}", cast_to=object)
        self.assertEqual(sorted(path.name for path in (self.gateway.folder / "files").iterdir()), [])

    def test_a_batch_is_cancelled_and_outlives_its_gateway(self):
        batch = self.batch(self.lines(120))
        self.gateway.kill()
        self.gateway.start()
        self.assertEqual(self.openai().batches.retrieve(batch.id).request_counts.total, 120)
        batch = self.wait(self.openai().batches.cancel(batch.id), "cancelled")
        self.assertEqual(batch.request_counts.completed + batch.request_counts.failed, 120)

    def test_a_gateway_that_dies_while_a_batch_is_accepted_runs_it_once_and_knows_it(self):
        file, _ = self.upload(self.lines(3))
        for known, step in enumerate(("accepting", "accepted"), 1):
            with self.subTest(step=step):
                self.gateway.restart(LANESHIFT_DIE_AFTER=step)
                ask = {"input_file_id": file.id, "endpoint": "/v1/chat/completions", "completion_window": "2h"}
                key = {"Idempotency-Key": step}
                with self.assertRaises(openai.APIConnectionError):
                    self.openai().batches.create(**ask, extra_headers=key)
                self.gateway.restart()
                batches = list(self.openai().batches.list())
                self.assertEqual(len(batches), known)
                self.assertEqual(self.openai().batches.create(**ask, extra_headers=key).id, batches[0].id)
                with self.assertRaises(openai.ConflictError):
                    self.openai().batches.create(**ask | {"completion_window": "3h"}, extra_headers=key)
                done = self.wait(batches[0], "completed")
                self.assertEqual(done.request_counts.completed, 3)
        self.assertEqual(self.booked(), (6, self.billed()))

    def test_a_budget_holds_queued_work(self):
        poor = self.gateway.key("team-b", "--budget", "0.01")
        self.connect(poor)
        file, _ = self.upload(self.lines(200), key=poor)
        with self.assertRaises(openai.RateLimitError) as caught:
            self.openai(poor).batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
        self.assertEqual(caught.exception.code, "insufficient_quota")
        self.assertEqual(list((self.gateway.folder / "queue").rglob("*.lsc")), [])
        few = self.gateway.key("team-c", "--budget", "1")
        self.connect(few)
        file, _ = self.upload(self.lines(5, max_tokens=64_000), key=few)
        with self.assertRaises(openai.RateLimitError, msg="each may use all that it asks for"):
            self.openai(few).batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")

    def test_a_batch_that_is_done_leaves_its_budget_what_it_did_not_cost(self):
        few = self.gateway.key("team-b", "--budget", "0.05")
        self.connect(few)
        file, _ = self.upload(self.lines(2, max_tokens=4_000), key=few)
        create = lambda: self.openai(few).batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
        first = create()
        with self.assertRaises(openai.RateLimitError):
            create()
        while self.openai(few).batches.retrieve(first.id).status != "completed":
            time.sleep(0.1)
        deadline = time.monotonic() + 60
        while True:
            try:
                create()
                break
            except openai.RateLimitError:
                self.assertLess(time.monotonic(), deadline)


if __name__ == "__main__":
    unittest.main()
