"""Files of batch inference jobs: what validation refuses, and what stands in the output."""

import json
import unittest

from emulated import BUCKET, HAIKU, EmulatedCase, claude, records

NOVA = "amazon.nova-lite-v1:0"
TITAN = "amazon.titan-embed-text-v2:0"
LLAMA = "meta.llama3-1-8b-instruct-v1:0"
GPT_OSS = "openai.gpt-oss-20b-1:0"
JSONL = ("Invalid JSONL", "line 101")


def lines_of(items):
    return "".join(f"{json.dumps(item)}\n" for item in items)


def converse(i, **more):
    messages = [{"role": "user", "content": [{"text": f"question {i}"}]}]
    return {"recordId": f"r-{i:06}", "modelInput": {"messages": messages} | more}


class FilesCase(EmulatedCase):
    def put(self, key, text):
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=text if isinstance(text, bytes) else text.encode())

    def job_over(self, uri, **changes):
        source = {"s3InputDataConfig": {"s3Uri": uri}}
        return self.create_job(inputDataConfig=source, **changes)

    def failed(self, uri, *words, **changes):
        """A job over this input fails in validation with a message that has these words, and costs nothing."""
        arn = self.job_over(uri, **changes)
        self.wait(arn, "Validating")
        job = self.wait(arn)
        self.assertEqual(job["status"], "Failed")
        for word in words:
            self.assertIn(word, job["message"])
        self.assertEqual((job["totalRecordCount"], job["processedRecordCount"]), (0, 0))
        self.assertEqual(self.s3.list_objects_v2(Bucket=BUCKET, Prefix="out/")["KeyCount"], 0)

    def completed(self, **changes):
        arn = self.create_job(**changes)
        job = self.wait(arn)
        self.assertEqual(job["status"], "Completed", job.get("message"))
        return job

class Validation(FilesCase):
    SETTINGS = """
[quotas]
"Records per batch inference job for Claude Haiku 4.5" = 150
"Records per input file per batch inference job for Claude Haiku 4.5" = 120
"Batch inference input file size (in GB) for Claude Haiku 4.5" = 0.0001
"Batch inference job size (in GB) for Claude Haiku 4.5" = 0.00015
"""

    def test_a_job_needs_a_hundred_records(self):
        self.upload(records(99))
        self.failed(f"s3://{BUCKET}/in/", "less records (99)", "minimum of: 100")
        self.assertEqual(self.emulator.bill()["lines"], [])
        self.upload(records(100))
        self.completed()

    def test_blank_lines_count_as_nothing(self):
        self.upload([*records(99), "", "  "])
        self.failed(f"s3://{BUCKET}/in/", "less records (99)")

    def test_a_job_and_a_file_have_a_greatest_number_of_records(self):
        self.upload(records(121))
        self.failed(f"s3://{BUCKET}/in/", "records.jsonl", "maximum of: 120")
        self.upload(records(76), "in/records.jsonl")
        self.upload(records(75), "in/more.jsonl")
        self.failed(f"s3://{BUCKET}/in/", "more records (151)", "maximum of: 150")

    def test_a_job_and_a_file_have_a_greatest_size(self):
        self.upload([*records(100), {"recordId": "large", "modelInput": claude("x" * 100_000)}])
        self.failed(f"s3://{BUCKET}/in/", "records.jsonl", "maximum of: 100000 bytes")
        half = [*records(50), {"recordId": "large", "modelInput": claude("x" * 75_000)}]
        self.upload(half)
        self.upload(half, "in/more.jsonl")
        self.failed(f"s3://{BUCKET}/in/", "maximum of: 150000 bytes")

    def test_the_input_must_be_there_and_end_in_jsonl(self):
        self.upload(records(100), "other/records.json")
        self.failed(f"s3://{BUCKET}/other/", ".jsonl")
        self.failed(f"s3://{BUCKET}/other/records.json", ".jsonl")
        self.failed(f"s3://{BUCKET}/nowhere/", f"s3://{BUCKET}/nowhere/")
        self.failed("s3://no-such-bucket/in/", "s3://no-such-bucket/in/")

    def test_the_output_bucket_must_be_there(self):
        self.upload(records(100))
        place = {"s3OutputDataConfig": {"s3Uri": "s3://no-such-bucket/out/"}}
        self.failed(f"s3://{BUCKET}/in/", "s3://no-such-bucket/out/", outputDataConfig=place)

    def test_a_line_that_is_no_record_fails_the_job_by_file_and_line(self):
        good = lines_of(records(100))
        for line, words in {
            '{"recordId": "r", "modelInput": {': (*JSONL, "not a JSON object"),
            "[1, 2]": (*JSONL, "not a JSON object"),
            '{"recordId": "r"}': (*JSONL, "modelInput is missing"),
            '{"recordId": "r", "modelInput": "text"}': (*JSONL, "modelInput is not"),
            '{"recordId": 7, "modelInput": {}}': (*JSONL, "recordId is not"),
        }.items():
            with self.subTest(line):
                self.put("in/records.jsonl", f"{good}{line}\n")
                self.failed(f"s3://{BUCKET}/in/", "records.jsonl", *words)
        self.put("in/records.jsonl", b"\xef\xbb\xbf" + good.encode())
        self.failed(f"s3://{BUCKET}/in/", "line 1", "byte order mark")
        self.put("in/records.jsonl", good.encode("utf-16"))
        self.failed(f"s3://{BUCKET}/in/", "line 1", "not a JSON object")

    def test_carriage_returns_and_a_last_line_without_end_are_read(self):
        self.put("in/records.jsonl", lines_of(records(100)).replace("\n", "\r\n").removesuffix("\r\n"))
        job = self.completed()
        self.assertEqual(job["successRecordCount"], 100)
        ids = {line["recordId"] for line in self.output(job["jobArn"])}
        self.assertEqual(ids, {record["recordId"] for record in records(100)})


class Lenient(FilesCase):
    SETTINGS = "[switches]\nbad_line_fails_job = false\n"

    def test_a_line_that_is_no_record_can_be_an_error_of_its_own(self):
        self.upload([*records(100), "{"])
        job = self.completed()
        self.assertEqual((job["successRecordCount"], job["errorRecordCount"]), (100, 1))
        self.assertEqual(sum("error" in line for line in self.output(job["jobArn"])), 1)


class Strict(FilesCase):
    SETTINGS = """
[switches]
duplicate_record_ids_fail_job = true
tools_in_invoke_batch = false
nested_output = false
charge_failed_records = true
"""

    def test_a_record_id_that_occurs_twice_fails_the_job(self):
        self.upload([*records(100), records(3)[2]])
        self.failed(f"s3://{BUCKET}/in/", "line 101", "recordId occurs twice")

    def test_tools_fail_record_by_record(self):
        tool = {"name": "look_up", "input_schema": {"type": "object"}}
        self.upload([*records(100), {"recordId": "tool", "modelInput": claude("x", tools=[tool])}])
        job = self.completed()
        self.assertEqual(job["errorRecordCount"], 1)
        failed = [line for line in self.output(job["jobArn"]) if "error" in line]
        self.assertEqual([line["recordId"] for line in failed], ["tool"])
        self.assertIn("Tool use", failed[0]["error"]["errorMessage"])
        read = sum(line["modelOutput"]["usage"]["input_tokens"] for line in self.output(job["jobArn"]) if "error" not in line)
        [billed] = [line["tokens"] for line in self.emulator.bill()["lines"] if line["class"] == "input"]
        self.assertGreater(billed, read, "by the switch a failed record costs its input")

    def test_output_of_a_nested_file_can_stand_beside_the_others(self):
        self.upload(records(100), "in/deep/er/b.jsonl")
        arn = self.completed()["jobArn"]
        self.assertEqual(len(self.output(arn, "b.jsonl.out")), 100)


class Output(FilesCase):
    def test_output_stands_under_the_job_s_id_file_by_file(self):
        parts = {"a.jsonl": records(60, "first"), "sub/b.jsonl": records(70, "second"), "sub/deep/c.jsonl": records(3, "third")}
        for name, part in parts.items():
            self.upload(part, f"in/{name}")
        self.put("in/readme.txt", "not a record")
        job = self.completed()
        prefix = f"out/{job['jobArn'].rsplit('/', 1)[1]}/"
        keys = [found["Key"] for found in self.s3.list_objects_v2(Bucket=BUCKET, Prefix="out/")["Contents"]]
        self.assertEqual(sorted(keys), sorted(f"{prefix}{name}" for name in ["manifest.json.out", *(f"{n}.out" for n in parts)]))
        sums = {"input": 0, "output": 0}
        for name, part in parts.items():
            with self.subTest(name):
                lines = self.output(job["jobArn"], f"{name}.out")
                echoed = {line["recordId"]: line["modelInput"] for line in lines}
                self.assertEqual(len(lines), len(part))
                self.assertEqual(echoed, {record["recordId"]: record["modelInput"] for record in part})
                for line in lines:
                    self.assertEqual(set(line), {"recordId", "modelInput", "modelOutput"})
                    sums["input"] += line["modelOutput"]["usage"]["input_tokens"]
                    sums["output"] += line["modelOutput"]["usage"]["output_tokens"]
        self.assertEqual(job["totalRecordCount"], 133)
        expected = {
            "totalRecordCount": 133,
            "processedRecordCount": 133,
            "successRecordCount": 133,
            "errorRecordCount": 0,
            "inputTokenCount": sums["input"],
            "outputTokenCount": sums["output"],
        }
        self.assertEqual(self.manifest(job["jobArn"]), expected)
        billed = {line["class"]: line["tokens"] for line in self.emulator.bill()["lines"]}
        self.assertEqual(billed, sums)
        self.assertEqual({line["mode"] for line in self.emulator.bill()["lines"]}, {"batch"})

    def test_a_job_takes_one_file_and_leaves_the_others(self):
        self.upload(records(100), "in/a.jsonl")
        self.upload(records(100), "in/b.jsonl")
        arn = self.job_over(f"s3://{BUCKET}/in/b.jsonl", outputDataConfig={"s3OutputDataConfig": {"s3Uri": f"s3://{BUCKET}/out"}})
        self.assertEqual(self.wait(arn)["totalRecordCount"], 100)
        self.assertEqual(len(self.output(arn, "b.jsonl.out")), 100)
        keys = [found["Key"] for found in self.s3.list_objects_v2(Bucket=BUCKET, Prefix="out/")["Contents"]]
        self.assertEqual(len(keys), 2, keys)

    def test_the_order_of_output_is_not_that_of_input_and_every_record_is_answered_once(self):
        self.upload(records(500))
        lines = self.output(self.completed()["jobArn"])
        ids, asked = [line["recordId"] for line in lines], [record["recordId"] for record in records(500)]
        self.assertNotEqual(ids, asked)
        self.assertEqual(sorted(ids), asked)

    def test_a_record_without_an_id_gets_one_of_its_own(self):
        self.upload([{"modelInput": claude(f"question {i}"), "extra": "ignored"} for i in range(100)])
        lines = self.output(self.completed()["jobArn"])
        self.assertEqual(len({line["recordId"] for line in lines}), 100)
        for line in lines:
            self.assertRegex(line["recordId"], r"^[0-9A-Z]{11}$")
            self.assertNotIn("extra", line)

    def test_the_same_id_twice_is_answered_twice(self):
        self.upload([*records(100), records(3)[2]])
        lines = self.output(self.completed()["jobArn"])
        self.assertEqual([line["recordId"] for line in lines].count("r-000002"), 2)

    def test_an_answer_in_batch_is_the_one_on_demand(self):
        self.upload(records(100))
        lines = self.output(self.completed()["jobArn"])
        for line in lines[:5]:
            called = self.runtime.invoke_model(modelId=HAIKU, body=json.dumps(line["modelInput"]))
            answer = json.loads(called["body"].read())
            for name in ("content", "stop_reason", "usage", "model", "role", "type"):
                self.assertEqual(line["modelOutput"][name], answer[name])

    def test_the_prompt_cache_plays_no_part_in_batch(self):
        long = [{"type": "text", "text": "word " * 8000, "cache_control": {"type": "ephemeral"}}]
        self.upload([{"recordId": f"r{i}", "modelInput": claude(f"q {i}", system=long)} for i in range(100)])
        job = self.completed()
        for line in self.output(job["jobArn"]):
            usage = line["modelOutput"]["usage"]
            self.assertEqual(usage.get("cache_read_input_tokens", 0) + usage.get("cache_creation_input_tokens", 0), 0)
            self.assertGreater(usage["input_tokens"], 8000)


class Records(FilesCase):
    """Errors of single records: the job is Completed all the same."""

    def errors(self, bad, **changes):
        """The errors of these records in a job of a hundred good ones, by id; the job is billed for the good ones."""
        good = [converse(i) for i in range(100)] if changes.get("modelInvocationType") else records(100)
        self.upload([*good, *({"recordId": name, "modelInput": body} for name, body in bad.items())])
        job = self.completed(**changes)
        self.assertEqual((job["successRecordCount"], job["errorRecordCount"]), (100, len(bad)))
        failed = [line for line in self.output(job["jobArn"]) if "modelOutput" not in line]
        for line in failed:
            self.assertEqual(set(line), {"recordId", "modelInput", "error"})
            self.assertEqual(line["modelInput"], bad[line["recordId"]])
            self.assertEqual(line["error"]["errorCode"], 400)
        self.assertEqual(self.manifest(job["jobArn"])["errorRecordCount"], len(bad))
        return {line["recordId"]: line["error"]["errorMessage"] for line in failed}

    def test_what_claude_does_not_take_is_an_error_of_its_record(self):
        without = claude("no version")
        del without["anthropic_version"]
        bad = {
            "version": without,
            "model": claude("x", modelId="anthropic.claude-haiku-4-5-20251001-v1:0"),
            "max_tokens": {"anthropic_version": "bedrock-2023-05-31", "messages": [{"role": "user", "content": "x"}]},
            "empty": {},
        }
        errors = self.errors(bad)
        self.assertEqual(errors["version"], "anthropic_version: Field required")
        self.assertIn("modelId: Extra inputs are not permitted", errors["model"])
        self.assertEqual(errors["max_tokens"], "max_tokens: Field required")
        self.assertEqual(set(errors), set(bad))

    def test_a_record_with_tools_fails_in_a_job_of_type_converse(self):
        tools = {"tools": [{"toolSpec": {"name": "look_up", "inputSchema": {"json": {"type": "object"}}}}]}
        bad = {"tools": converse(0, toolConfig=tools)["modelInput"], "no messages": {"inferenceConfig": {"maxTokens": 5}}}
        errors = self.errors(bad, modelInvocationType="Converse")
        self.assertIn("toolConfig", errors["tools"])
        self.assertIn("messages", errors["no messages"])

    def test_tools_run_in_a_job_of_type_invoke_model(self):
        tool = {"name": "look_up", "input_schema": {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}}
        self.upload(records(100, tools=[tool], tool_choice={"type": "any"}, max_tokens=200))
        for line in self.output(self.completed()["jobArn"]):
            self.assertEqual(line["modelOutput"]["stop_reason"], "tool_use")
            self.assertEqual(line["modelOutput"]["content"][0]["name"], "look_up")

    def test_a_job_in_which_every_record_fails_is_completed_and_costs_nothing(self):
        self.upload([{"recordId": f"r{i}", "modelInput": {"prompt": "x"}} for i in range(100)])
        job = self.completed()
        self.assertEqual((job["processedRecordCount"], job["successRecordCount"], job["errorRecordCount"]), (100, 0, 100))
        self.assertEqual(self.emulator.bill()["lines"], [])

    def test_each_family_of_models_runs_in_both_shapes(self):
        message = [{"role": "user", "content": [{"text": "hello"}]}]
        chat = {"messages": [{"role": "user", "content": "hello"}]}

        def said(out):
            return out["output"]["message"]["content"][0]["text"]

        cases = [
            (NOVA, "InvokeModel", {"messages": message}, said),
            (NOVA, "Converse", {"messages": message}, said),
            (LLAMA, "InvokeModel", {"prompt": "hello"}, lambda out: out["generation"]),
            (LLAMA, "Converse", {"messages": message}, said),
            (GPT_OSS, "InvokeModel", chat, lambda out: out["choices"][0]["message"]["content"]),
            (TITAN, "InvokeModel", {"inputText": "hello", "dimensions": 256}, lambda out: out["embedding"]),
        ]
        for model, shape, body, read in cases:
            with self.subTest(model=model, shape=shape):
                self.upload([{"recordId": f"r{i}", "modelInput": body} for i in range(100)])
                job = self.completed(modelId=model, modelInvocationType=shape)
                self.assertEqual(job["successRecordCount"], 100)
                answers = [read(line["modelOutput"]) for line in self.output(job["jobArn"])]
                self.assertTrue(answers[0])
                self.assertEqual(answers, [answers[0]] * 100)


if __name__ == "__main__":
    unittest.main()
