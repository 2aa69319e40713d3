"""Bedrock's batch control plane of `laneshift serve`: unmodified boto3, jobs of any size, over the batch lane."""

import contextlib
import json
import time
import unittest

from botocore.exceptions import ClientError, HTTPClientError

from emulated import BUCKET, HAIKU, ROLE, claude
from test_gateway import LaterCase


class Jobs(LaterCase):
    MODELS = f'client_s3 = {{ "*" = ["s3://{BUCKET}/team"], team-b = ["s3://{BUCKET}/b/", "s3://{BUCKET}/more"] }}\n'

    def setUp(self):
        super().setUp()
        self.bedrock = self.gateway.client(self.key, service="bedrock")
        self.addCleanup(self.bedrock.close)
        self.s3 = self.emulator.client("s3")
        self.addCleanup(self.s3.close)

    def put(self, n, key="team/in.jsonl", first=0, **more):
        records = [{"recordId": f"r{i}", "modelInput": claude(f"question {i}", **more)} for i in range(first, first + n)]
        self.s3.put_object(Bucket=BUCKET, Key=key, Body="".join(json.dumps(record) + "\n" for record in records).encode())

    def create(self, key="team/in.jsonl", name="job", out="team/out/", model=HAIKU, **more):
        return self.bedrock.create_model_invocation_job(
            jobName=name,
            roleArn=ROLE,
            modelId=model,
            inputDataConfig={"s3InputDataConfig": {"s3Uri": f"s3://{BUCKET}/{key}", "s3InputFormat": "JSONL"}},
            outputDataConfig={"s3OutputDataConfig": {"s3Uri": f"s3://{BUCKET}/{out}"}},
            **more,
        )["jobArn"]

    def wait(self, arn):
        deadline = time.monotonic() + 40
        while True:
            job = self.bedrock.get_model_invocation_job(jobIdentifier=arn)
            if job["status"] not in ("Submitted", "Validating", "InProgress", "Stopping"):
                return job
            self.assertLess(time.monotonic(), deadline, job)
            time.sleep(0.2)

    def as_owner(self, owner, *args):
        key = self.gateway.key(owner, *args)
        self.connect(key)
        self.bedrock = self.gateway.client(key, service="bedrock")
        self.addCleanup(self.bedrock.close)

    def read(self, arn, name="in.jsonl.out"):
        body = self.s3.get_object(Bucket=BUCKET, Key=f"team/out/{arn.rsplit('/', 1)[1]}/{name}")["Body"].read().decode()
        return [json.loads(line) for line in body.splitlines()]

    def refused(self, code, **call):
        with self.assertRaises(ClientError) as caught:
            self.create(**call)
        self.assertEqual(caught.exception.response["Error"]["Code"], code)
        return caught.exception.response["Error"]["Message"]

    def test_a_job_of_three_records_is_as_good_as_one_of_hundreds(self):
        for n in (3, 150):
            with self.subTest(n=n):
                self.put(n)
                job = self.wait(arn := self.create(name=f"job-{n}"))
                self.assertEqual(
                    (job["status"], job["totalRecordCount"], job["successRecordCount"], job["errorRecordCount"]), ("Completed", n, n, 0)
                )
                lines = self.read(arn)
                self.assertEqual([line["recordId"] for line in lines], [f"r{i}" for i in range(n)])
                self.assertEqual(lines[1]["modelInput"], claude("question 1"))
                self.assertTrue(lines[1]["modelOutput"]["content"])
                self.assertEqual(self.read(arn, "manifest.json.out")[0]["successRecordCount"], n)
        self.assertEqual(self.booked()[1], self.billed())

    def test_a_folder_of_files_is_one_job_and_a_token_makes_two_the_same(self):
        self.put(60, key="team/many/a.jsonl")
        self.put(60, key="team/many/b.jsonl", first=60)
        arn = self.create(key="team/many/", clientRequestToken="once")
        self.assertEqual(self.create(key="team/many/", clientRequestToken="once"), arn)
        self.assertIn("another job", self.refused("ConflictException", key="team/in.jsonl", clientRequestToken="once"))
        self.gateway.kill()
        self.gateway.start()
        self.bedrock = self.gateway.client(self.key, service="bedrock")
        self.addCleanup(self.bedrock.close)
        self.assertEqual(self.wait(arn)["successRecordCount"], 120)
        names = [line["recordId"] for name in ("a", "b") for line in self.read(arn, f"{name}.jsonl.out")]
        self.assertEqual(names, [f"r{i}" for i in range(120)])

    def test_a_gateway_that_dies_while_a_job_is_accepted_makes_it_once_and_knows_it(self):
        for n, name in enumerate("ab"):
            self.put(3, key=f"team/many/{name}.jsonl", first=3 * n)
        for step in ("accepting", "accepted"):
            with self.subTest(step=step):
                self.gateway.restart(LANESHIFT_DIE_AFTER=step)
                self.bedrock = self.gateway.client(self.key, service="bedrock")
                self.addCleanup(self.bedrock.close)
                with self.assertRaises(HTTPClientError):
                    self.create(key="team/many/", name=step, clientRequestToken=step)
                self.gateway.restart()
                self.bedrock = self.gateway.client(self.key, service="bedrock")
                self.addCleanup(self.bedrock.close)
                [job] = self.bedrock.list_model_invocation_jobs(nameContains=step)["invocationJobSummaries"]
                self.assertEqual(self.create(key="team/many/", name=step, clientRequestToken=step), job["jobArn"])
                done = self.wait(job["jobArn"])
                self.assertEqual((done["status"], done["successRecordCount"]), ("Completed", 6))
        self.assertEqual(self.booked(), (12, self.billed()))

    def test_lines_that_cannot_run_fail_the_job_by_name(self):
        self.s3.put_object(Bucket=BUCKET, Key="team/in.jsonl", Body=b'{"recordId": "a", "modelInput": {}}\nnonsense\n')
        job = self.wait(self.create())
        self.assertEqual((job["status"], "line 2" in job["message"]), ("Failed", True), job)
        job = self.wait(self.create(key="team/none.jsonl"))
        self.assertEqual((job["status"], "cannot be read" in job["message"]), ("Failed", True), job)
        self.assertEqual(self.billed(), 0)

    def test_a_job_that_is_done_leaves_its_budget_what_it_did_not_cost(self):
        self.as_owner("team-b", "--budget", "0.05")
        self.put(2, max_tokens=4_000)
        first = self.create()
        self.refused("ServiceQuotaExceededException")
        self.assertEqual(self.wait(first)["status"], "Completed")

        def fits():
            try:
                return self.create()
            except ClientError:
                return None

        self.wait_until(fits)

    def test_only_places_of_the_configuration_are_read_and_written(self):
        self.put(3)
        for call in ({"key": "other/in.jsonl"}, {"key": "teammate/in.jsonl"}, {"out": "elsewhere/"}, {"out": "later/"}):
            self.assertIn("batch.client_s3", self.refused("AccessDeniedException", **call))
        self.refused("ValidationException", key="team/../later/x.jsonl")
        for call in ({"key": "b/in.jsonl"}, {"out": "b/out/"}):
            self.refused("AccessDeniedException", **call)
        self.as_owner("team-b")
        self.put(3, key="b/in.jsonl")
        for call in ({"key": "b/in.jsonl"}, {"out": "more/out/"}, {}):
            self.create(**call)
        self.refused("AccessDeniedException", key="bb/in.jsonl")

    def test_what_a_call_or_a_record_names_in_s3_is_read_only_where_its_owner_may(self):
        def document(uri):
            source = {"s3Location": {"uri": uri}}
            return [{"role": "user", "content": [{"document": {"format": "txt", "name": "d", "source": source}}, {"text": "What is it?"}]}]

        for uri in (f"s3://{BUCKET}/b/secret.txt", f"s3://{BUCKET}/team/../b/secret.txt", "s3://elsewhere/secret.txt"):
            with self.assertRaises(ClientError) as caught:
                self.runtime.converse(modelId="us.amazon.nova-lite-v1:0", messages=document(uri))
            error = caught.exception.response["Error"]
            self.assertEqual((error["Code"], "batch.client_s3" in error["Message"]), ("AccessDeniedException", True), error)
            line = json.dumps({"recordId": "a", "modelInput": {"messages": document(uri)}}).replace("s3Location", "s3Loc\\u0061tion")
            self.s3.put_object(Bucket=BUCKET, Key="team/in.jsonl", Body=line.encode())
            job = self.wait(self.create(modelInvocationType="Converse"))
            self.assertEqual((job["status"], "line 1: " in job["message"] and "batch.client_s3" in job["message"]), ("Failed", True), job)
        self.assertEqual(self.billed(), 0)
        # What its owner may have read goes on to AWS.
        sent = sum(row["calls"] for row in self.gateway.savings()["rows"])
        with contextlib.suppress(ClientError):
            self.runtime.converse(modelId="us.amazon.nova-lite-v1:0", messages=document(f"s3://{BUCKET}/team/open.txt"))
        self.assertEqual(sum(row["calls"] for row in self.gateway.savings()["rows"]), sent + 1)

    def test_files_of_one_name_in_two_folders_have_two_results(self):
        self.put(1, key="team/in/x/part.jsonl")
        self.put(2, key="team/in/y/part.jsonl", first=1)
        arn = self.create(key="team/in/")
        self.assertEqual(self.wait(arn)["successRecordCount"], 3)
        place = f"team/out/{arn.rsplit('/', 1)[1]}/"
        results = {name: self.s3.get_object(Bucket=BUCKET, Key=f"{place}{name}/part.jsonl.out")["Body"].read() for name in "xy"}
        self.assertEqual([results[name].count(b"modelOutput") for name in "xy"], [1, 2])

    def test_a_key_for_some_models_makes_jobs_of_no_other(self):
        self.put(3)
        narrow = self.gateway.key("team-b", "--model", "amazon.*")
        self.connect(narrow)
        self.bedrock = self.gateway.client(narrow, service="bedrock")
        self.addCleanup(self.bedrock.close)
        self.refused("AccessDeniedException")

    def test_a_model_that_is_none_makes_no_job(self):
        self.put(3)
        self.assertIn("is no model in us-east-1", self.refused("ValidationException", model="us.nope-v1:0"))
        self.assertIn("inference profile", self.refused("ValidationException", model=HAIKU.removeprefix("us.")))
        self.assertEqual(self.bedrock.list_model_invocation_jobs()["invocationJobSummaries"], [])

    def test_jobs_are_listed_in_pages_by_state_and_name_and_each_owner_sees_its_own(self):
        self.put(3)
        arns = [self.create(name=f"list-{i}") for i in range(5)] + [self.create(name="other")]
        pages = self.bedrock.get_paginator("list_model_invocation_jobs").paginate(nameContains="list-", PaginationConfig={"PageSize": 2})
        found = [job["jobArn"] for page in pages for job in page["invocationJobSummaries"]]
        self.assertEqual(sorted(found), sorted(arns[:5]))
        self.wait(arns[0])
        done = self.bedrock.list_model_invocation_jobs(statusEquals="Completed")["invocationJobSummaries"]
        self.assertIn(arns[0], [job["jobArn"] for job in done])
        other = self.gateway.key("team-b")
        self.connect(other)
        client = self.gateway.client(other, service="bedrock")
        self.addCleanup(client.close)
        self.assertEqual(client.list_model_invocation_jobs()["invocationJobSummaries"], [])
        with self.assertRaises(ClientError) as caught:
            client.get_model_invocation_job(jobIdentifier=arns[0])
        self.assertEqual(caught.exception.response["Error"]["Code"], "ResourceNotFoundException")

    def test_aws_sdk_js_pages_through_every_job_once(self):
        self.put(3)
        arns = [self.create(name=f"page-{i}") for i in range(7)]
        self.create(name="other")
        pages = self.gateway.node("jobs.mjs", self.key, NAME_CONTAINS="page-", PAGE_SIZE="3")
        self.assertEqual([len(page) for page in pages], [3, 3, 1])
        self.assertEqual(sorted(arn for page in pages for arn in page), sorted(arns))

    def test_a_job_that_is_stopped_ends_and_cannot_be_stopped_again(self):
        self.put(120)
        arn = self.create()
        self.bedrock.stop_model_invocation_job(jobIdentifier=arn)
        self.assertEqual(self.wait(arn)["status"], "Stopped")
        with self.assertRaises(ClientError) as caught:
            self.bedrock.stop_model_invocation_job(jobIdentifier=arn)
        self.assertEqual(caught.exception.response["Error"]["Code"], "ConflictException")


if __name__ == "__main__":
    unittest.main()
