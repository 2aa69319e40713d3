"""Clients that people use, unmodified, against `laneshift serve` over the emulator: only endpoint and keys are changed."""

import json
import os
import pathlib
import subprocess
import sys
import unittest
from unittest import mock

from emulated import HAIKU
from gateway import REGION
from test_gateway import NOVA, NOVA_PRO, GatewayCase
from test_gateway_openai import TITAN, WEATHER

QUESTION = "What is a lane?"


class Clients(GatewayCase):
    def paid_is_billed(self):
        paid, bound = self.assert_books()
        self.assertEqual((paid, bound), (self.billed(), 0))
        self.assertGreater(paid, 0)

    def node(self, **more):
        environment = {"MODEL": NOVA, "BASE_MODEL": "anthropic.claude-haiku-4-5-20251001-v1:0"} | more
        return self.gateway.node("bedrock.mjs", self.key, **environment)

    def test_aws_sdk_js_runs_every_operation(self):
        told = self.node()
        direct = self.emulator.client("bedrock-runtime")
        self.addCleanup(direct.close)
        ask = {"messages": [{"role": "user", "content": [{"text": QUESTION}]}], "inferenceConfig": {"maxTokens": 60}}
        theirs = direct.converse(modelId=NOVA, **ask)
        text = theirs["output"]["message"]["content"][0]["text"]
        self.assertEqual((told["converse"]["text"], told["stream"]["text"], told["invoke"]), (text, text, text))
        self.assertEqual(told["stream"]["usage"]["totalTokens"], theirs["usage"]["totalTokens"])
        self.assertGreater(told["chunks"], 2)
        self.assertGreater(told["counted"], 0)
        self.assertEqual(told["error"], {"name": "ValidationException", "status": 400})

    def test_aws_sdk_js_tries_again_what_is_throttled(self):
        self.emulator.faults({"fault": "throttled", "times": 2})
        self.node(ATTEMPTS="5")
        self.paid_is_billed()

    def test_the_aws_cli_converses(self):
        body = json.dumps([{"role": "user", "content": [{"text": QUESTION}]}])
        command = [str(pathlib.Path(sys.executable).parent / "aws"), "bedrock-runtime", "converse", "--model-id", NOVA, "--messages", body]
        done = subprocess.run(command, env=self.gateway.aws(self.key), capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(json.loads(done.stdout)["output"]["message"]["content"][0]["text"])
        self.paid_is_billed()

    def test_langchain_chats_streams_calls_tools_and_embeds(self):
        with mock.patch.dict(os.environ, self.gateway.aws(self.key)):
            from langchain_aws import BedrockEmbeddings, ChatBedrockConverse
            from langchain_core.tools import tool

            @tool
            def weather(place: str) -> str:
                """The weather of a place"""
                return f"Sunny in {place}."

            chat = ChatBedrockConverse(model=NOVA_PRO, region_name=REGION, max_tokens=80, endpoint_url=self.gateway.info["url"])
            answer = chat.invoke([("system", "Be brief."), ("human", QUESTION)])
            self.assertGreater(answer.usage_metadata["output_tokens"], 0)
            self.assertTrue("".join(str(chunk.text) for chunk in chat.stream(QUESTION)))
            called = chat.bind_tools([weather], tool_choice="any").invoke("How is the weather in Bern?")
            self.assertEqual(called.tool_calls[0]["name"], "weather")
            embeddings = BedrockEmbeddings(model_id=TITAN, region_name=REGION, endpoint_url=self.gateway.info["url"])
            self.assertEqual(len(embeddings.embed_query("a text")), 1024)
        self.paid_is_billed()

    def litellm(self):
        """LiteLLM, and what names the gateway's two surfaces to it."""
        environment = mock.patch.dict(os.environ, self.gateway.aws(self.key) | {"LITELLM_LOCAL_MODEL_COST_MAP": "True"})
        environment.start()
        self.addCleanup(environment.stop)
        import litellm

        litellm.suppress_debug_info = True
        url = self.gateway.info["url"]

        def surfaces(model):
            yield {"model": f"bedrock/converse/{model}", "aws_bedrock_runtime_endpoint": url, "num_retries": 0}
            yield {"model": f"openai/{model}", "api_base": url + "/v1", "api_key": self.key["api_key"], "num_retries": 0}

        return litellm, surfaces

    def test_litellm_calls_both_surfaces(self):
        litellm, surfaces = self.litellm()
        messages = [{"role": "user", "content": QUESTION}]
        texts = set()
        for surface in surfaces(NOVA):
            answer = litellm.completion(messages=messages, max_tokens=60, **surface)
            texts.add(answer.choices[0].message.content)
            pieces = litellm.completion(messages=messages, max_tokens=60, stream=True, **surface)
            texts.add("".join(piece.choices[0].delta.content or "" for piece in pieces))
        self.assertEqual(len(texts), 1, texts)
        self.assertTrue(texts.pop())
        with self.assertRaises(litellm.AuthenticationError):
            litellm.completion(messages=messages, **surface | {"api_key": "lsk-wrong-x"})
        self.paid_is_billed()

    def test_litellm_calls_a_tool_and_brings_its_result(self):
        litellm, surfaces = self.litellm()
        question = {"role": "user", "content": "How is the weather in Bern?"}
        for surface in surfaces(HAIKU):
            for stream in (False, True):
                with self.subTest(model=surface["model"], stream=stream):

                    def ask(*messages, **more):
                        answer = litellm.completion(messages=list(messages), tools=[WEATHER], max_tokens=300, stream=stream, **surface, **more)
                        return (litellm.stream_chunk_builder(list(answer)) if stream else answer).choices[0]

                    called = ask(question, tool_choice="required")
                    self.assertEqual(called.finish_reason, "tool_calls")
                    [call] = called.message.tool_calls
                    self.assertEqual(call.function.name, "weather")
                    self.assertEqual(list(json.loads(call.function.arguments)), ["place"])
                    result = {"role": "tool", "tool_call_id": call.id, "content": "Sunny."}
                    answer = ask(question, called.message.model_dump(), result)
                    self.assertEqual((answer.finish_reason, bool(answer.message.content)), ("stop", True))
        self.paid_is_billed()


if __name__ == "__main__":
    unittest.main()
