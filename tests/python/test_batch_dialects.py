"""Files in OpenAI's and Anthropic's shapes: answered in the shape that came in, as their own SDKs' types read it."""

import json
import unittest

from anthropic.types.messages import MessageBatchIndividualResponse
from openai.types import CreateEmbeddingResponse
from openai.types.chat import ChatCompletion

from emulated import HAIKU
from test_batch_run import BatchCase

NOVA = "us.amazon.nova-lite-v1:0"
TITAN = "amazon.titan-embed-text-v2:0"


class Dialects(BatchCase):
    def lines(self, lines):
        self.input.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")

    def chat(self, i, **more):
        body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": f"question {i}"}], "max_tokens": 50} | more
        return {"custom_id": f"c-{i}", "method": "POST", "url": "/v1/chat/completions", "body": body}

    def test_openai_chat_lines_are_answered_as_chat_completions(self):
        for model in (HAIKU, NOVA):
            with self.subTest(model):
                self.lines(self.chat(i) for i in range(120))
                receipt = self.receipt(self.run_batch("--overwrite", model=model))
                answers = self.answers()
                self.assertEqual([line["custom_id"] for line in answers], [f"c-{i}" for i in range(120)])
                tokens = 0
                for line in answers:
                    self.assertEqual((line["error"], line["response"]["status_code"]), (None, 200))
                    completion = ChatCompletion.model_validate(line["response"]["body"])
                    self.assertTrue(completion.choices[0].message.content)
                    tokens += completion.usage.total_tokens
                self.assertEqual(tokens, receipt["input_tokens"] + receipt["output_tokens"])

    def test_embeddings_are_lists_and_cost_their_input(self):
        self.lines(
            {"custom_id": f"e-{i}", "method": "POST", "url": "/v1/embeddings", "body": {"input": f"text {i}", "dimensions": 256}}
            for i in range(110)
        )
        receipt = self.receipt(self.run_batch(model=TITAN))
        for line in self.answers():
            read = CreateEmbeddingResponse.model_validate(line["response"]["body"])
            self.assertEqual((len(read.data), len(read.data[0].embedding)), (1, 256))
        self.assertEqual((receipt["answered"], receipt["output_tokens"], str(self.billed())), (110, 0, receipt["paid_usd"]))

    def test_anthropic_requests_are_answered_as_its_message_batches_are(self):
        self.lines(
            {"custom_id": f"a-{i}", "params": {"model": "claude-haiku-4-5", "max_tokens": 60, "messages": [{"role": "user", "content": f"question {i}"}]}}
            for i in range(200)
        )
        self.emulator.faults({"fault": "F12", "share": 0.2})
        receipt = self.receipt(self.run_batch())
        self.emulator.faults()
        kinds = {"succeeded": 0, "errored": 0}
        for line in self.answers() + self.errors():
            kinds[MessageBatchIndividualResponse.model_validate(line).result.type] += 1
        self.assertEqual(kinds, {"succeeded": receipt["answered"], "errored": receipt["failed"]})
        self.assertGreater(receipt["failed"], 10)

    def test_one_file_may_mix_shapes_and_models_and_each_runs_in_its_own_job(self):
        records = [{"recordId": f"b-{i}", "modelInput": {"messages": [{"role": "user", "content": [{"text": f"question {i}"}]}]}} for i in range(101)]
        chats = [self.chat(i, model=HAIKU) for i in range(102)]
        self.lines(line for pair in zip(chats, records, strict=False) for line in pair)
        done = self.laneshift(*self.arguments_without_model())
        self.assertEqual((done.returncode, "a Bedrock record names no model" in done.stderr), (3, True), done.stderr)
        self.lines(chats + [self.chat(i, model=NOVA) | {"custom_id": f"n-{i}"} for i in range(103)])
        receipt = self.receipt(self.laneshift(*self.arguments_without_model()))
        self.assertEqual([line["custom_id"] for line in self.answers()], [f"c-{i}" for i in range(102)] + [f"n-{i}" for i in range(103)])
        self.assertEqual(sorted(a["records"] for a in receipt["attempts"]), [102, 103])

    def arguments_without_model(self):
        arguments = list(self.arguments())
        at = arguments.index("--model")
        return arguments[:at] + arguments[at + 2 :]

    def test_what_cannot_be_carried_over_is_named_by_line_and_field(self):
        self.lines([self.chat(1), self.chat(2, n=2), self.chat(3, stream=True), self.chat(4, audio={"voice": "secret"})])
        done = self.run_batch()
        told = self.error(done, 3)["message"]
        for words in ["3 lines", "line 2: body.n", "line 3: body.stream", 'line 4: body."audio"']:
            self.assertIn(words, told)
        self.assertNotIn("secret", done.stderr)


del BatchCase

if __name__ == "__main__":
    unittest.main()
