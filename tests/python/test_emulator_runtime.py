"""On-demand calls over boto3: answers, streams, tools, limits and errors, for each family of models."""

import contextlib
import json
import unittest

from botocore.exceptions import EventStreamError

from emulated import HAIKU, REGION, EmulatedCase, Emulator, claude

NOVA = "amazon.nova-pro-v1:0"
LLAMA = "meta.llama3-1-8b-instruct-v1:0"
GPT_OSS = "openai.gpt-oss-120b-1:0"
TITAN = "amazon.titan-embed-text-v2:0"
CHATS = (HAIKU, NOVA, LLAMA, GPT_OSS)
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "unit": {"enum": ["C", "F"]}},
    "required": ["city", "days", "unit"],
}


def native(model, text, limit=200):
    """A body of InvokeModel in the model's own form."""
    message = [{"role": "user", "content": text}]
    return {
        HAIKU: claude(text, limit),
        NOVA: {"messages": [{"role": "user", "content": [{"text": text}]}], "inferenceConfig": {"maxTokens": limit}},
        LLAMA: {"prompt": text, "max_gen_len": limit},
        GPT_OSS: {"messages": message, "max_completion_tokens": limit},
    }[model]


def native_text(model, answer):
    return {
        HAIKU: lambda: answer["content"][0]["text"],
        NOVA: lambda: answer["output"]["message"]["content"][0]["text"],
        LLAMA: lambda: answer["generation"],
        GPT_OSS: lambda: answer["choices"][0]["message"]["content"],
    }[model]()


def native_usage(model, answer):
    return {
        HAIKU: lambda: (answer["usage"]["input_tokens"], answer["usage"]["output_tokens"]),
        NOVA: lambda: (answer["usage"]["inputTokens"], answer["usage"]["outputTokens"]),
        LLAMA: lambda: (answer["prompt_token_count"], answer["generation_token_count"]),
        GPT_OSS: lambda: (answer["usage"]["prompt_tokens"], answer["usage"]["completion_tokens"]),
    }[model]()


def piece_text(model, piece):
    """The text in one chunk of a native stream."""
    return {
        HAIKU: lambda: piece.get("delta", {}).get("text", ""),
        NOVA: lambda: piece.get("contentBlockDelta", {}).get("delta", {}).get("text", ""),
        LLAMA: lambda: piece["generation"],
        GPT_OSS: lambda: piece["choices"][0]["delta"].get("content") or "" if piece.get("choices") else "",
    }[model]()


class RuntimeCase(EmulatedCase):
    """One emulator for the tests of a class: calls do not disturb each other."""

    @classmethod
    def setUpClass(cls):
        cls.shared = Emulator(*cls.ARGS, settings=cls.SETTINGS)
        cls.addClassCleanup(cls.shared.close)

    def setUp(self):
        self.emulator = self.shared
        self.connect()

    def converse(self, text, model=HAIKU, **more):
        return self.runtime.converse(modelId=model, messages=[{"role": "user", "content": [{"text": text}]}], **more)

    def stream(self, text, model=HAIKU, **more):
        messages = [{"role": "user", "content": [{"text": text}]}]
        return list(self.runtime.converse_stream(modelId=model, messages=messages, **more)["stream"])

    def invoke(self, model, body):
        answer = self.runtime.invoke_model(modelId=model, body=json.dumps(body))
        return answer, json.loads(answer["body"].read())


class Answers(RuntimeCase):
    def test_the_same_request_has_the_same_answer_and_another_has_another(self):
        for model in CHATS:
            with self.subTest(model):
                first, again, other = self.converse("one", model), self.converse("one", model), self.converse("two", model)
                for name in ("output", "stopReason", "usage", "metrics"):
                    self.assertEqual(first[name], again[name])
                self.assertNotEqual(first["output"], other["output"])
                _, native_first = self.invoke(model, native(model, "one"))
                _, native_again = self.invoke(model, native(model, "one"))
                self.assertEqual(native_text(model, native_first), native_text(model, native_again))

    def test_converse_counts_what_it_says(self):
        for model in CHATS:
            with self.subTest(model):
                answer = self.converse("hello [[toy: tokens=37]]", model)
                usage = answer["usage"]
                self.assertEqual(answer["stopReason"], "end_turn")
                self.assertEqual(answer["output"]["message"]["role"], "assistant")
                self.assertEqual(usage["outputTokens"], 37)
                self.assertGreater(usage["inputTokens"], 0)
                self.assertEqual(usage["totalTokens"], usage["inputTokens"] + 37)
                self.assertEqual((usage["cacheReadInputTokens"], usage["cacheWriteInputTokens"]), (0, 0))
                self.assertGreater(answer["metrics"]["latencyMs"], 0)

    def test_headers_of_a_native_answer_agree_with_its_body(self):
        for model in CHATS:
            with self.subTest(model):
                answer, body = self.invoke(model, native(model, "hello [[toy: tokens=37]]"))
                headers = answer["ResponseMetadata"]["HTTPHeaders"]
                counts = tuple(int(headers[f"x-amzn-bedrock-{way}-token-count"]) for way in ("input", "output"))
                self.assertEqual(counts, native_usage(model, body))
                self.assertEqual(counts[1], 37)
                self.assertGreater(int(headers["x-amzn-bedrock-invocation-latency"]), 0)
                self.assertEqual((answer["contentType"], answer["serviceTier"]), ("application/json", "default"))
                self.assertRegex(answer["ResponseMetadata"]["RequestId"], r"^[0-9a-f-]{36}$")

    def test_titan_embeds_repeatably_in_the_asked_for_length(self):
        for dimensions in (256, 512, 1024):
            body = {"inputText": "a passage", "dimensions": dimensions, "normalize": True}
            answer, out = self.invoke(TITAN, body)
            self.assertEqual(len(out["embedding"]), dimensions)
            self.assertAlmostEqual(sum(x * x for x in out["embedding"]), 1.0, places=3)
            self.assertEqual(self.invoke(TITAN, body)[1], out)
            headers = answer["ResponseMetadata"]["HTTPHeaders"]
            self.assertEqual(int(headers["x-amzn-bedrock-input-token-count"]), out["inputTextTokenCount"])
        with self.refused("ValidationException", 400, "dimensions"):
            self.invoke(TITAN, {"inputText": "x", "dimensions": 300})

    def test_counted_tokens_are_those_of_the_call_and_cost_nothing(self):
        messages = [{"role": "user", "content": [{"text": "how long is this"}]}]
        tools = {"tools": [{"toolSpec": {"name": "weather", "inputSchema": {"json": SCHEMA}}}]}
        request = {"messages": messages, "system": [{"text": "Be terse."}], "toolConfig": tools}
        before = self.emulator.bill()["lines"]
        counted = self.runtime.count_tokens(modelId=HAIKU, input={"converse": request})["inputTokens"]
        body = json.dumps(claude("how long is this")).encode()
        native_count = self.runtime.count_tokens(modelId=HAIKU, input={"invokeModel": {"body": body}})["inputTokens"]
        self.assertEqual(self.emulator.bill()["lines"], before)
        self.assertEqual(counted, self.runtime.converse(modelId=HAIKU, **request)["usage"]["inputTokens"])
        self.assertEqual(native_count, self.invoke(HAIKU, json.loads(body))[1]["usage"]["input_tokens"])


class Streams(RuntimeCase):
    def test_the_pieces_of_a_conversation_are_the_whole_answer(self):
        for model in CHATS:
            with self.subTest(model):
                whole, events = self.converse("hello", model), self.stream("hello", model)
                names = [next(iter(event)) for event in events]
                deltas = names.count("contentBlockDelta")
                expected = ["messageStart", *["contentBlockDelta"] * deltas, "contentBlockStop", "messageStop", "metadata"]
                self.assertEqual(names, expected)
                self.assertGreater(deltas, 1)
                text = "".join(e["contentBlockDelta"]["delta"]["text"] for e in events if "contentBlockDelta" in e)
                self.assertEqual(text, whole["output"]["message"]["content"][0]["text"])
                self.assertEqual(events[-2]["messageStop"]["stopReason"], whole["stopReason"])
                self.assertEqual(events[-1]["metadata"]["usage"], whole["usage"])
                self.assertEqual(events[-1]["metadata"]["serviceTier"], {"type": "default"})

    def test_the_chunks_of_a_native_stream_are_the_whole_answer(self):
        for model in CHATS:
            with self.subTest(model):
                body = native(model, "hello")
                _, whole = self.invoke(model, body)
                answer = self.runtime.invoke_model_with_response_stream(modelId=model, body=json.dumps(body))
                chunks = [json.loads(event["chunk"]["bytes"]) for event in answer["body"]]
                self.assertEqual("".join(piece_text(model, chunk) for chunk in chunks), native_text(model, whole))
                metrics = chunks[-1]["amazon-bedrock-invocationMetrics"]
                self.assertEqual((metrics["inputTokenCount"], metrics["outputTokenCount"]), native_usage(model, whole))
                self.assertLessEqual(metrics["firstByteLatency"], metrics["invocationLatency"])
                said = (answer["contentType"], answer["serviceTier"], answer["performanceConfigLatency"])
                self.assertEqual(said, ("application/json", "default", "standard"))

    def test_a_tool_call_is_streamed_with_its_name_first(self):
        tools = {"tools": [{"toolSpec": {"name": "weather", "inputSchema": {"json": SCHEMA}}}], "toolChoice": {"any": {}}}
        whole, events = self.converse("hello", toolConfig=tools), self.stream("hello", toolConfig=tools)
        call = whole["output"]["message"]["content"][0]["toolUse"]
        start = events[1]["contentBlockStart"]["start"]["toolUse"]
        self.assertEqual((start["name"], start["toolUseId"]), (call["name"], call["toolUseId"]))
        deltas = [e["contentBlockDelta"]["delta"] for e in events if "contentBlockDelta" in e]
        self.assertEqual(json.loads("".join(d["toolUse"]["input"] for d in deltas)), call["input"])
        self.assertEqual(events[-2]["messageStop"]["stopReason"], "tool_use")

    def test_a_broken_stream_raises_the_error_s_name_in_lower_camel_case(self):
        self.addCleanup(self.emulator.faults)
        for error in ("ServiceUnavailableException", "ThrottlingException", "InternalServerException"):
            self.emulator.faults({"fault": "broken_stream", "error": error})
            member = error[0].lower() + error[1:]
            with self.subTest(error):
                message = [{"role": "user", "content": [{"text": "hello"}]}]
                conversation = self.runtime.converse_stream(modelId=NOVA, messages=message)["stream"]
                body = json.dumps(native(NOVA, "hello"))
                chunks = self.runtime.invoke_model_with_response_stream(modelId=NOVA, body=body)["body"]
                for stream in (conversation, chunks):
                    with contextlib.closing(stream):
                        self.assertTrue(next(iter(stream)), "what came before the break is read")
                        with self.assertRaises(EventStreamError) as caught:
                            list(stream)
                    self.assertEqual(caught.exception.response["Error"]["Code"], member)

    def test_a_model_that_does_not_stream_says_so(self):
        with self.refused("ValidationException", 400, "streaming"):
            self.runtime.invoke_model_with_response_stream(modelId=TITAN, body=json.dumps({"inputText": "x"}))


class Tools(RuntimeCase):
    TOOLS = [{"toolSpec": {"name": name, "inputSchema": {"json": SCHEMA}}} for name in ("weather", "traffic")]

    def fits(self, value):
        self.assertEqual(set(value), set(SCHEMA["required"]))
        self.assertIsInstance(value["city"], str)
        self.assertIsInstance(value["days"], int)
        self.assertIn(value["unit"], SCHEMA["properties"]["unit"]["enum"])

    def called(self, answer):
        self.assertEqual(answer["stopReason"], "tool_use")
        [block] = answer["output"]["message"]["content"]
        self.fits(block["toolUse"]["input"])
        return block["toolUse"]["name"]

    def test_a_tool_is_called_when_it_must_be(self):
        for model in (HAIKU, NOVA):
            with self.subTest(model):
                any_of = self.converse("x", model, toolConfig={"tools": self.TOOLS, "toolChoice": {"any": {}}})
                self.assertIn(self.called(any_of), ("weather", "traffic"))
                choice = {"tool": {"name": "traffic"}}
                forced = self.converse("x", model, toolConfig={"tools": self.TOOLS, "toolChoice": choice})
                self.assertEqual(self.called(forced), "traffic")
                free = self.converse("x", model, toolConfig={"tools": self.TOOLS, "toolChoice": {"auto": {}}})
                self.assertEqual(free["stopReason"], "end_turn")
                told = self.converse("x [[toy: tool=weather]]", model, toolConfig={"tools": self.TOOLS})
                self.assertEqual(self.called(told), "weather")

    def test_the_answer_to_a_tool_s_result_is_a_text(self):
        first = [{"role": "user", "content": [{"text": "x [[toy: tool=weather]]"}]}]
        said = self.runtime.converse(modelId=HAIKU, messages=first, toolConfig={"tools": self.TOOLS})["output"]["message"]
        result = {"toolUseId": said["content"][0]["toolUse"]["toolUseId"], "content": [{"json": {"degrees": 7}}]}
        messages = [*first, said, {"role": "user", "content": [{"toolResult": result}]}]
        last = self.runtime.converse(modelId=HAIKU, messages=messages, toolConfig={"tools": self.TOOLS})
        self.assertEqual(last["stopReason"], "end_turn")
        self.assertIn("text", last["output"]["message"]["content"][0])

    def test_a_native_tool_choice_holds(self):
        tools = [{"name": name, "input_schema": SCHEMA} for name in ("weather", "traffic")]
        body = claude("x", 200, tools=tools, tool_choice={"type": "tool", "name": "traffic"})
        _, answer = self.invoke(HAIKU, body)
        self.assertEqual((answer["stop_reason"], answer["content"][0]["name"]), ("tool_use", "traffic"))
        self.fits(answer["content"][0]["input"])
        functions = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]
        body = native(GPT_OSS, "x") | {"tools": functions, "tool_choice": "required"}
        _, answer = self.invoke(GPT_OSS, body)
        [choice] = answer["choices"]
        self.assertEqual(choice["finish_reason"], "tool_calls")
        self.fits(json.loads(choice["message"]["tool_calls"][0]["function"]["arguments"]))

    def test_a_structured_answer_fits_its_schema(self):
        schema = {"schema": json.dumps(SCHEMA), "name": "forecast"}
        form = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}
        answer = self.converse("x", outputConfig=form)
        self.fits(json.loads(answer["output"]["message"]["content"][0]["text"]))
        body = claude("x", 200, output_config={"format": {"type": "json_schema", "schema": SCHEMA}})
        self.fits(json.loads(self.invoke(HAIKU, body)[1]["content"][0]["text"]))


class Limits(RuntimeCase):
    def test_an_answer_ends_at_its_greatest_length(self):
        for model in CHATS:
            with self.subTest(model):
                answer = self.converse("x [[toy: tokens=50]]", model, inferenceConfig={"maxTokens": 20})
                self.assertEqual((answer["stopReason"], answer["usage"]["outputTokens"]), ("max_tokens", 20))
        _, body = self.invoke(HAIKU, claude("x [[toy: tokens=50]]", 20))
        self.assertEqual((body["stop_reason"], body["usage"]["output_tokens"]), ("max_tokens", 20))

    def test_an_answer_ends_before_a_stop_sequence(self):
        config = {"stopSequences": ["STOP", "never said"]}
        answer = self.converse("x [[toy: text=say this STOP not that]]", inferenceConfig=config)
        self.assertEqual(answer["stopReason"], "stop_sequence")
        self.assertEqual(answer["output"]["message"]["content"], [{"text": "say this "}])
        _, body = self.invoke(HAIKU, claude("x [[toy: text=say this STOP not that]]", stop_sequences=["STOP"]))
        self.assertEqual((body["stop_reason"], body["stop_sequence"]), ("stop_sequence", "STOP"))
        self.assertEqual(body["content"][0]["text"], "say this ")

    def test_a_prompt_tells_the_toy_model_what_to_do(self):
        said = self.converse("x [[toy: json]]")["output"]["message"]["content"][0]["text"]
        self.assertIsInstance(json.loads(said), dict)
        empty = self.converse("x [[toy: empty]]")
        self.assertEqual((empty["output"]["message"]["content"], empty["usage"]["outputTokens"]), ([], 0))
        thinking = self.converse("x [[toy: think]]", inferenceConfig={"maxTokens": 30})
        self.assertEqual((thinking["stopReason"], thinking["usage"]["outputTokens"]), ("max_tokens", 30))
        self.assertNotIn("text", thinking["output"]["message"]["content"][0])
        slow, quick = self.converse("x [[toy: slow=250ms, tokens=9]]"), self.converse("x [[toy: slow=000ms, tokens=9]]")
        self.assertEqual(slow["metrics"]["latencyMs"] - quick["metrics"]["latencyMs"], 250)

    def test_a_told_error_is_aws_s_and_is_not_billed(self):
        before = self.emulator.bill()["lines"]
        for word, code, status in [
            ("throttling", "ThrottlingException", 429),
            ("unavailable", "ServiceUnavailableException", 503),
            ("model", "ModelErrorException", 424),
            ("timeout", "ModelTimeoutException", 408),
            ("internal", "InternalServerException", 500),
        ]:
            with self.subTest(word), self.refused(code, status):
                self.converse(f"x [[toy: error={word}]]")
        self.assertEqual(self.emulator.bill()["lines"], before)


class Refusals(RuntimeCase):
    def test_a_model_that_only_profiles_serve_is_not_called_by_its_own_id(self):
        arn = f"arn:aws:bedrock:{REGION}::foundation-model/anthropic.claude-opus-5"
        for model in ("anthropic.claude-haiku-4-5-20251001-v1:0", arn):
            with self.subTest(model), self.refused("ValidationException", 400, "inference profile"):
                self.converse("x", model)

    def test_a_model_that_is_not_there_is_refused(self):
        for model in ("no.such-model-v1:0", "eu.anthropic.claude-haiku-4-5-20251001-v1:0", "us.amazon.titan-embed-text-v2:0"):
            with self.subTest(model), self.refused("ValidationException", 400, "model identifier is invalid"):
                self.converse("x", model)
        for kind in ("application-inference-profile", "provisioned-model"):
            arn = f"arn:aws:bedrock:{REGION}:111122223333:{kind}/abcdefghijk1"
            with self.subTest(kind), self.refused("ResourceNotFoundException", 404):
                self.converse("x", arn)

    def test_a_body_that_the_model_does_not_take_is_refused(self):
        for model, body, words in [
            (HAIKU, {"messages": [], "max_tokens": 5}, "anthropic_version: Field required"),
            (HAIKU, claude("x", model="claude-haiku-4-5"), "model: Extra inputs are not permitted"),
            (HAIKU, claude("x", temperature=3), "temperature"),
            (NOVA, {"prompt": "x"}, "Malformed input request"),
            (LLAMA, {"messages": []}, "Malformed input request"),
            (TITAN, {"inputText": ""}, "Malformed input request"),
        ]:
            with self.subTest(model=model, body=body), self.refused("ValidationException", 400, words):
                self.invoke(model, body)
        with self.refused("ValidationException", 400):
            self.runtime.invoke_model(modelId=NOVA, body=b"not JSON")

    def test_an_embedding_model_does_not_converse(self):
        with self.refused("ValidationException", 400, "doesn't support the model"):
            self.converse("x", TITAN)

    def test_more_than_the_model_can_say_or_read_is_refused(self):
        with self.refused("ValidationException", 400, "64000"):
            self.converse("x", inferenceConfig={"maxTokens": 64_001})
        with self.refused("ValidationException", 400):
            self.converse("word " * 170_000)


if __name__ == "__main__":
    unittest.main()
