"""Failure stories of single calls, from the client's side, and what the bill says of them.

The stories of jobs are in test_emulator_faults_jobs.py, of notices in _events.py, and the rules themselves in _rules.py.
"""

import unittest
import urllib.error
import urllib.request

from botocore.exceptions import ConnectionClosedError, EventStreamError, ReadTimeoutError

import prices
from emulated import HAIKU, ROLE, EmulatedCase, records

MINIMUM = "Minimum number of records per batch inference job for Claude Haiku 4.5"
RECORDS = "Records per batch inference job for Claude Haiku 4.5"
OPEN_JOBS = "Sum of in-progress and submitted batch inference jobs using a base model for Claude Haiku 4.5"
NOVA = "amazon.nova-pro-v1:0"
HELLO = {"modelId": HAIKU, "messages": [{"role": "user", "content": [{"text": "Hello"}]}], "inferenceConfig": {"maxTokens": 50}}

UNSIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=AKIALANESHIFTEMULATE/20261102/us-east-1/bedrock/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=00",
    "X-Amz-Date": "20261102T000000Z",
}

# Waits that are short and not spread, so that a test is about its story.
CALM = """
[turnaround]
queue_median_min = 10
queue_sigma = 0
tail_share = 0
run_min = 10
records_per_minute = 10000
"""


def settings(**quotas):
    names = {"minimum": MINIMUM, "records": RECORDS, "open_jobs": OPEN_JOBS}
    return "[quotas]\n" + "".join(f'"{names[name]}" = {value}\n' for name, value in quotas.items()) + CALM


class StoryCase(EmulatedCase):
    """An emulator whose jobs may be small, with prices."""

    SETTINGS = settings(minimum=1)

    def billed(self):
        return prices.billed(self.emulator)

    def spoken(self, answer):
        """What an answer of Converse costs."""
        usage = answer["usage"]
        return prices.cost(HAIKU, "on_demand", input=usage["inputTokens"], output=usage["outputTokens"])

    def token(self, text="a-token"):
        return {"clientRequestToken": text}

    def job_names(self):
        pages = self.bedrock.get_paginator("list_model_invocation_jobs").paginate()
        return [job["jobName"] for page in pages for job in page["invocationJobSummaries"]]


class Calls(StoryCase):
    def test_f06_a_lost_response_leaves_a_job_that_runs_and_is_billed(self):
        self.upload(records(5))
        self.emulator.faults({"fault": "F06", "nth": 1})
        with self.assertRaises(ConnectionClosedError):
            self.create_job("orphan", **self.token())
        self.assertEqual(self.job_names(), ["orphan"])
        found = self.bedrock.list_model_invocation_jobs(nameContains="orphan")["invocationJobSummaries"][0]["jobArn"]
        self.wait(found, "Completed")
        cost = prices.of_output(HAIKU, self.output(found))
        self.assertGreater(cost, 0)
        self.assertEqual(self.billed(), cost)
        self.assertEqual(self.create_job("orphan", **self.token()), found, "the token finds the job that the answer was lost of")
        self.assertNotEqual(self.create_job("again", **self.token("fresh")), found, "a fresh token pays twice")

    def test_f06_boto3_sends_again_with_its_own_token_and_makes_one_job(self):
        self.upload(records(1))
        self.emulator.faults({"fault": "F06", "times": 2})
        patient = self.emulator.client("bedrock", retries={"total_max_attempts": 3, "mode": "standard"})
        self.addCleanup(patient.close)
        self.bedrock = patient
        arn = self.create_job("once")
        self.assertEqual(self.job_names(), ["once"])
        self.assertEqual(self.get_job(arn)["jobName"], "once")

    def test_f06_a_lost_answer_of_a_model_is_billed(self):
        answer = self.runtime.converse(**HELLO)
        self.assertEqual(self.billed(), self.spoken(answer))
        self.emulator.faults({"fault": "F06", "operation": "Converse"})
        with self.assertRaises(ConnectionClosedError):
            self.runtime.converse(**HELLO)
        self.assertEqual(self.billed(), 2 * self.spoken(answer))

    def test_f07_a_constant_token_maps_the_second_batch_to_the_first_job(self):
        self.upload(records(3, "first"), "in/first.jsonl")
        first = self.create_job("first", **self.token("constant"))
        second = self.create_job("second", **self.token("constant"))
        self.assertEqual(second, first)
        self.assertEqual(self.job_names(), ["first"])
        self.wait(first, "Completed")
        self.assertEqual(self.create_job("third", **self.token("constant")), first, "a job that has ended keeps its token")
        self.emulator.advance(24 * 3600)
        self.assertNotEqual(self.create_job("a-day-later", **self.token("constant")), first)

    def test_f13_get_right_after_create_answers_404_and_then_finds_the_job(self):
        self.upload(records(2))
        self.emulator.faults({"fault": "F13"})
        arn = self.create_job()
        for _ in range(2):
            with self.refused("ResourceNotFoundException", 404):
                self.get_job(arn)
        self.assertEqual(self.get_job(arn)["status"], "Submitted")
        self.emulator.faults({"fault": "F13", "nth": 3})
        self.assertEqual([self.seen(arn) for _ in range(4)], [True, True, False, True], "a later 404 says nothing either")
        self.wait(arn, "Completed")
        self.assertEqual(self.billed(), prices.of_output(HAIKU, self.output(arn)), "whoever gave it up pays for it all the same")

    def seen(self, arn):
        try:
            return bool(self.get_job(arn))
        except self.bedrock.exceptions.ResourceNotFoundException:
            return False

    def test_f15_a_caller_without_pass_role_creates_nothing(self):
        self.upload(records(2))
        self.emulator.faults({"fault": "F15", "times": 1})
        with self.refused("AccessDeniedException", 403, "iam:PassRole") as caught:
            self.create_job()
        self.assertIn(ROLE, caught.exception.response["Error"]["Message"])
        self.assertEqual(self.job_names(), [])
        self.create_job()

    def test_f16_throttling_lasts_for_minutes_and_costs_nothing(self):
        self.upload(records(1))
        arn = self.create_job()
        self.emulator.faults({"fault": "F16", "for_minutes": 5})
        for call in (lambda: self.get_job(arn), self.create_job, lambda: self.runtime.converse(**HELLO)):
            with self.refused("ThrottlingException", 429):
                call()
        self.emulator.advance(299)
        with self.refused("ThrottlingException"):
            self.get_job(arn)
        self.assertEqual(self.billed(), 0)
        self.emulator.advance(1)
        self.assertEqual(self.get_job(arn)["jobArn"], arn)
        self.assertEqual(self.billed(), 0)

    def test_f16_boto3_gets_through_short_throttling_by_itself(self):
        self.emulator.faults({"fault": "throttled", "times": 2})
        patient = self.emulator.client("bedrock-runtime", retries={"total_max_attempts": 3, "mode": "standard"})
        self.addCleanup(patient.close)
        answer = patient.converse(**HELLO)
        self.assertEqual(answer["ResponseMetadata"]["RetryAttempts"], 2)
        self.assertEqual(self.billed(), self.spoken(answer), "one answer, one charge")

    def test_f19_two_pollers_see_the_same_end_and_it_is_billed_once(self):
        self.upload(records(4))
        arn = self.create_job()
        other = self.emulator.client("bedrock")
        self.addCleanup(other.close)
        first, second = self.wait(arn, "Completed"), other.get_model_invocation_job(jobIdentifier=arn)
        self.assertEqual((first["status"], first["endTime"]), (second["status"], second["endTime"]))
        self.emulator.restart()
        self.connect()
        self.assertEqual(self.get_job(arn)["endTime"], first["endTime"])
        self.assertEqual(self.billed(), prices.of_output(HAIKU, self.output(arn)))

    def test_f22_a_quota_is_found_by_its_whole_name_only(self):
        client = self.emulator.client("service-quotas")
        self.addCleanup(client.close)
        pages = client.get_paginator("list_service_quotas").paginate(ServiceCode="bedrock")
        quotas = [quota for page in pages for quota in page["Quotas"]]
        by_part = [q["QuotaName"] for q in quotas if RECORDS.lower() in q["QuotaName"].lower()]
        self.assertEqual(by_part, [MINIMUM, RECORDS], "the minimum comes first, and contains the other's name")
        by_name = {quota["QuotaName"]: quota for quota in quotas}
        self.assertEqual(len(by_name), len(quotas), "whole names are unique")
        self.assertEqual((by_name[MINIMUM]["Value"], by_name[RECORDS]["Value"]), (1, 100_000))
        for name in (MINIMUM, RECORDS):
            again = client.get_service_quota(ServiceCode="bedrock", QuotaCode=by_name[name]["QuotaCode"])["Quota"]
            self.assertEqual((again["QuotaName"], again["Value"]), (name, by_name[name]["Value"]))

    def test_f24_a_call_that_is_sent_twice_is_billed_twice(self):
        patient = self.emulator.client("bedrock-runtime", retries={"total_max_attempts": 2, "mode": "standard"})
        self.addCleanup(patient.close)
        self.emulator.faults({"fault": "lost_response", "operation": "Converse", "nth": 1})
        answer = patient.converse(**HELLO)
        self.assertEqual(answer["ResponseMetadata"]["RetryAttempts"], 1)
        self.assertEqual(self.billed(), 2 * self.spoken(answer))

    def test_f25_a_stalled_call_times_out_at_the_client_and_costs_nothing(self):
        hasty = self.emulator.client("bedrock-runtime", read_timeout=0.2)
        self.addCleanup(hasty.close)
        self.emulator.faults({"fault": "F25", "times": 1})
        with self.assertRaises(ReadTimeoutError):
            hasty.converse(**HELLO)
        self.assertEqual(self.billed(), 0)
        cost = self.spoken(self.runtime.converse(**HELLO))
        self.assertEqual(self.billed(), cost, "others are served meanwhile")

    def test_f25_a_stall_ends_in_a_closed_connection(self):
        self.emulator.faults({"fault": "stalled", "minutes": 0.005})
        with self.assertRaises(ConnectionClosedError):
            self.runtime.converse(**HELLO)
        self.assertEqual(self.billed(), 0)

    def test_f26_a_decoded_slash_leads_to_no_operation(self):
        self.upload(records(1))
        arn = self.create_job()
        self.assertEqual(self.get_job(arn)["jobArn"], arn, "boto3 encodes the slash of an ARN")
        self.emulator.faults({"fault": "F26", "operation": "GetModelInvocationJob", "times": 1})
        with self.refused("UnknownOperationException", 404):
            self.get_job(arn)
        self.assertEqual(self.get_job(arn.rsplit("/", 1)[1])["jobArn"], arn, "the bare id has no slash to lose")

    def test_f26_a_path_that_a_proxy_has_decoded_is_no_operation_without_any_rule(self):
        open_to_all = self.emulate("--no-auth", *self.ARGS)
        for slash, expected in (("%2F", "ResourceNotFoundException"), ("/", "UnknownOperationException")):
            identifier = f"arn%3Aaws%3Abedrock%3Aus-east-1%3A111122223333%3Amodel-invocation-job{slash}abcdefghijk1"
            request = urllib.request.Request(f"{open_to_all.info['url']}/model-invocation-job/{identifier}", headers=UNSIGNED)
            with self.assertRaises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(request)
            self.assertEqual(caught.exception.headers["x-amzn-errortype"].split(":")[0], expected)
            caught.exception.close()

    def test_an_error_by_name_reaches_the_client_and_costs_nothing(self):
        rule = {"fault": "error", "error": "ModelTimeoutException", "operation": "Converse", "nth": 1}
        self.emulator.faults(rule)
        with self.refused("ModelTimeoutException", 408):
            self.runtime.converse(**HELLO)
        self.assertEqual(self.billed(), 0)
        self.assertEqual(self.spoken(self.runtime.converse(**HELLO)), self.billed())

    def test_a_broken_stream_ends_in_an_exception_and_is_billed_whole(self):
        whole = list(self.runtime.converse_stream(**HELLO)["stream"])
        cost = self.billed()
        self.emulator.faults({"fault": "broken_stream", "error": "ModelStreamErrorException"})
        seen = []
        with self.assertRaisesRegex(EventStreamError, "modelStreamErrorException"):
            for event in self.runtime.converse_stream(**HELLO)["stream"]:
                seen.append(event)
        self.assertTrue(seen)
        self.assertEqual(seen, whole[: len(seen)], "the beginning of the whole stream")
        self.assertLess(len(seen), len(whole))
        self.assertEqual(self.billed(), 2 * cost)


class Quotas(StoryCase):
    SETTINGS = settings(minimum=1, open_jobs=2)

    def test_f02_a_job_over_the_cap_is_refused_until_another_ends(self):
        self.upload(records(1))
        first, _ = self.create_job("one"), self.create_job("two")
        with self.refused("ServiceQuotaExceededException", 400, "Claude Haiku 4.5"):
            self.create_job("three")
        self.create_job("other-model", modelId=NOVA)
        self.assertEqual(sorted(self.job_names()), ["one", "other-model", "two"])
        self.wait(first, "Completed")
        self.create_job("three")

    def test_f02_the_rule_refuses_with_room_to_spare_and_nothing_is_billed(self):
        self.upload(records(1))
        self.emulator.faults({"fault": "F02", "times": 1})
        with self.refused("ServiceQuotaExceededException", 400, "quota of 2"):
            self.create_job()
        self.assertEqual((self.job_names(), self.billed()), ([], 0))
        self.create_job()


class Queue(StoryCase):
    SETTINGS = settings(minimum=1, open_jobs=1) + '[switches]\nover_job_quota = "queue"\n'

    def test_f02_over_the_cap_jobs_wait_as_submitted_where_the_switch_says_so(self):
        self.upload(records(1))
        first, second = self.create_job("one"), self.create_job("two")
        self.wait(first, "InProgress")
        self.assertEqual(self.get_job(second)["status"], "Submitted")
        ended = self.wait(first, "Completed")
        began = self.wait(second, "Validating")
        self.assertGreaterEqual(began["lastModifiedTime"], ended["endTime"])
        self.wait(second, "Completed")


class Pages(StoryCase):
    SETTINGS = settings(minimum=1, open_jobs=1000)

    def test_f16_a_list_of_many_jobs_has_pages_and_misses_none(self):
        self.upload(records(1))
        created = [f"job-{i:03}" for i in range(205)]
        for name in created:
            self.create_job(name)
        first = self.bedrock.list_model_invocation_jobs()
        self.assertIn("nextToken", first, "whoever reads one page misses jobs")
        self.assertLess(len(first["invocationJobSummaries"]), len(created))
        self.assertEqual(sorted(self.job_names()), created)


if __name__ == "__main__":
    unittest.main()
