"""Batch inference jobs over boto3: create, get, list, stop, tags, tokens, quotas, and who sees what."""

import datetime
import unittest

from emulated import BUCKET, HAIKU, HOUR_S, REGION, ROLE, EmulatedCase, records

# Without chance in the wait: 1 to 3 minutes to validate, 20 in the queue.
STEADY = "[turnaround]\nqueue_sigma = 0.0\ntail_share = 0.0\n"
OPEN_JOBS = "Sum of in-progress and submitted batch inference jobs using a base model for Claude Haiku 4.5"
NOVA = "amazon.nova-lite-v1:0"
MINUTE_S = 60
DAY_S = 24 * HOUR_S


def seen(job):
    return [job[name] for name in ("processedRecordCount", "successRecordCount", "errorRecordCount")]


class Jobs(EmulatedCase):
    SETTINGS = STEADY

    def setUp(self):
        super().setUp()
        self.upload(records(100))

    def names(self, **filters):
        jobs = self.bedrock.list_model_invocation_jobs(**filters)["invocationJobSummaries"]
        return [job["jobName"] for job in jobs]

    def test_a_job_passes_through_every_state_and_counts_only_what_ran(self):
        arn = self.create_job()
        states, processed = [], []
        for _ in range(1000):
            job = self.get_job(arn)
            if job["status"] not in states:
                states.append(job["status"])
            if job["status"] in ("Submitted", "Validating", "Scheduled"):
                self.assertEqual((job["totalRecordCount"], *seen(job)), (0, 0, 0, 0))
            processed.append(job["processedRecordCount"])
            if job["status"] == "Completed":
                break
            self.assertNotIn("endTime", job)
            self.emulator.advance(10)
        self.assertEqual(states, ["Submitted", "Validating", "Scheduled", "InProgress", "Completed"])
        self.assertEqual(processed, sorted(processed))
        self.assertTrue(any(0 < count < 100 for count in processed), processed)
        self.assertEqual((job["totalRecordCount"], *seen(job)), (100, 100, 100, 0))
        self.assertGreater(job["endTime"], job["submitTime"])

    def test_a_job_is_shown_as_it_was_asked_for_by_arn_and_by_id(self):
        request = {
            "jobName": "shown-1.2+3",
            "roleArn": ROLE,
            "modelId": HAIKU,
            "inputDataConfig": {"s3InputDataConfig": {"s3Uri": f"s3://{BUCKET}/in/", "s3InputFormat": "JSONL"}},
            "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": f"s3://{BUCKET}/out/", "s3EncryptionKeyId": "alias/k"}},
            "clientRequestToken": "token-1",
            "timeoutDurationInHours": 48,
            "vpcConfig": {"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]},
        }
        arn = self.bedrock.create_model_invocation_job(**request)["jobArn"]
        self.assertRegex(arn, rf"^arn:aws:bedrock:{REGION}:111122223333:model-invocation-job/[a-z0-9]{{12}}$")
        job = self.get_job(arn)
        self.assertEqual({name: job.get(name) for name in request}, request)
        self.assertEqual((job["jobArn"], job["modelInvocationType"]), (arn, "InvokeModel"))
        self.assertEqual(job["jobExpirationTime"] - job["submitTime"], datetime.timedelta(hours=48))
        by_id = self.get_job(arn.rsplit("/", 1)[1])
        job.pop("ResponseMetadata"), by_id.pop("ResponseMetadata")
        self.assertEqual(by_id, job)
        summary = self.bedrock.list_model_invocation_jobs()["invocationJobSummaries"][0]
        self.assertEqual(summary, job)

    def test_what_is_not_there_is_not_found(self):
        arn = self.create_job()
        absent = f"{arn.rsplit('/', 1)[0]}/abcdefghijk1"
        for call in (self.bedrock.get_model_invocation_job, self.bedrock.stop_model_invocation_job):
            for identifier in (absent, "abcdefghijk1", arn.replace("111122223333", "999999999999")):
                with self.subTest(call=call.__name__, identifier=identifier), self.refused("ResourceNotFoundException", 404):
                    call(jobIdentifier=identifier)

    def test_a_list_comes_in_pages_that_lose_and_repeat_nothing(self):
        created = [self.create_job(f"job-{i:02}") for i in range(25)]
        paginator = self.bedrock.get_paginator("list_model_invocation_jobs")
        pages = list(paginator.paginate(PaginationConfig={"PageSize": 7}))
        self.assertEqual([len(page["invocationJobSummaries"]) for page in pages], [7, 7, 7, 4])
        found = [job["jobArn"] for page in pages for job in page["invocationJobSummaries"]]
        self.assertEqual(sorted(found), sorted(created))
        with self.refused("ValidationException", 400, "nextToken"):
            self.bedrock.list_model_invocation_jobs(nextToken="made-up")

    def test_a_job_that_is_created_meanwhile_shifts_no_page(self):
        for i in range(4):
            self.create_job(f"job-{i}")
            self.emulator.advance(1)
        first = self.bedrock.list_model_invocation_jobs(maxResults=2)
        self.create_job("late")
        second = self.bedrock.list_model_invocation_jobs(maxResults=2, nextToken=first["nextToken"])
        names = [job["jobName"] for page in (first, second) for job in page["invocationJobSummaries"]]
        self.assertEqual(names, ["job-3", "job-2", "job-1", "job-0"])

    def test_a_list_is_filtered_and_ordered(self):
        moments = []
        for name in ("alpha-1", "beta-1", "alpha-2"):
            arn = self.create_job(name)
            moments.append(self.get_job(arn)["submitTime"])
            self.emulator.advance(HOUR_S)
        self.create_job("fresh")
        self.assertEqual(self.names(), ["fresh", "alpha-2", "beta-1", "alpha-1"])
        self.assertEqual(self.names(sortBy="CreationTime", sortOrder="Descending"), ["fresh", "alpha-2", "beta-1", "alpha-1"])
        self.assertEqual(self.names(sortOrder="Ascending"), ["alpha-1", "beta-1", "alpha-2", "fresh"])
        self.assertEqual(self.names(nameContains="alpha", sortOrder="Ascending"), ["alpha-1", "alpha-2"])
        self.assertEqual(self.names(statusEquals="Submitted"), ["fresh"])
        self.assertEqual(self.names(statusEquals="Completed", nameContains="beta"), ["beta-1"])
        self.assertEqual(self.names(submitTimeAfter=moments[1], statusEquals="Completed"), ["alpha-2", "beta-1"])
        half = datetime.timedelta(minutes=30)
        self.assertEqual(self.names(submitTimeBefore=moments[1] - half), ["alpha-1"])
        self.assertEqual(self.names(submitTimeAfter=moments[0] + half, submitTimeBefore=moments[1] + half), ["beta-1"])

    def test_tags_are_kept_changed_and_removed(self):
        def tag(key, value):
            return {"key": key, "value": value}

        def tags():
            return {t["key"]: t["value"] for t in self.bedrock.list_tags_for_resource(resourceARN=arn)["tags"]}

        arn = self.create_job(tags=[tag("team", "claims"), tag("cost center", "a/b=c")])
        self.assertEqual(tags(), {"team": "claims", "cost center": "a/b=c"})
        self.bedrock.tag_resource(resourceARN=arn, tags=[tag("team", "search"), tag("empty", "")])
        self.assertEqual(tags(), {"team": "search", "cost center": "a/b=c", "empty": ""})
        self.bedrock.untag_resource(resourceARN=arn, tagKeys=["team", "never there"])
        self.assertEqual(tags(), {"cost center": "a/b=c", "empty": ""})
        self.bedrock.tag_resource(resourceARN=arn, tags=[tag(f"k{i}", "v") for i in range(198)])
        with self.refused("TooManyTagsException", 400):
            self.bedrock.tag_resource(resourceARN=arn, tags=[tag("one too many", "v")])
        self.assertEqual(len(tags()), 200)
        absent = f"{arn.rsplit('/', 1)[0]}/abcdefghijk1"
        with self.refused("ResourceNotFoundException", 404):
            self.bedrock.list_tags_for_resource(resourceARN=absent)

    def test_a_request_token_gives_the_first_job_until_it_is_forgotten(self):
        first = self.create_job("one", clientRequestToken="token")
        self.assertEqual(self.create_job("one", clientRequestToken="token"), first)
        self.assertEqual(self.create_job("other", clientRequestToken="token"), first)
        self.assertNotEqual(self.create_job("one", clientRequestToken="token2"), first)
        self.assertEqual(sorted(self.names()), ["one", "one"])
        self.emulator.advance(DAY_S)
        self.assertNotEqual(self.create_job("one", clientRequestToken="token"), first)

    def test_models_that_do_not_run_in_batch_are_refused(self):
        wrong = [
            "arn:aws:bedrock:us-east-1:111122223333:provisioned-model/provisioned1",
            "us.anthropic.claude-opus-4-7",
            "anthropic.claude-haiku-4-5-20251001-v1:0",
            "eu.anthropic.claude-haiku-4-5-20251001-v1:0",
            "no.such-model-v1:0",
        ]
        for model in wrong:
            with self.subTest(model), self.refused("ValidationException", 400):
                self.create_job(modelId=model)
        self.assertEqual(self.names(), [])

    def test_models_that_run_in_batch_are_taken_by_id_and_arn(self):
        for model in [
            NOVA,
            f"arn:aws:bedrock:{REGION}::foundation-model/{NOVA}",
            "global.anthropic.claude-haiku-4-5-20251001-v1:0",
            f"arn:aws:bedrock:{REGION}:111122223333:inference-profile/{HAIKU}",
        ]:
            with self.subTest(model):
                self.assertEqual(self.get_job(self.create_job(modelId=model))["modelId"], model)

    def test_a_job_is_stopped_in_every_state_that_is_not_the_last(self):
        for state in ("Submitted", "Validating", "Scheduled", "InProgress"):
            with self.subTest(state):
                arn = self.create_job()
                self.wait(arn, state, step_s=10)
                self.bedrock.stop_model_invocation_job(jobIdentifier=arn)
                self.assertEqual(self.get_job(arn)["status"], "Stopping")
                self.bedrock.stop_model_invocation_job(jobIdentifier=arn.rsplit("/", 1)[1])
                job = self.wait(arn, step_s=10)
                self.assertEqual(job["status"], "Stopped")
                with self.refused("ConflictException", 400):
                    self.bedrock.stop_model_invocation_job(jobIdentifier=arn)
                self.assertEqual(self.get_job(arn)["status"], "Stopped")

    def test_a_stopped_job_keeps_and_bills_what_was_done(self):
        arn = self.create_job()
        self.wait(arn, "InProgress", step_s=10)
        self.emulator.advance(2 * MINUTE_S)
        self.bedrock.stop_model_invocation_job(jobIdentifier=arn)
        job = self.wait(arn, "Stopped", step_s=10)
        done = job["processedRecordCount"]
        self.assertTrue(0 < done < 100, done)
        lines = self.output(arn)
        self.assertEqual(len(lines), done)
        billed = {line["class"]: line["tokens"] for line in self.emulator.bill()["lines"]}
        spent = [sum(line["modelOutput"]["usage"][name] for line in lines) for name in ("input_tokens", "output_tokens")]
        self.assertEqual([billed["input"], billed["output"]], spent)

    def test_a_job_that_is_stopped_before_it_began_costs_nothing(self):
        arn = self.create_job()
        self.wait(arn, "Scheduled", step_s=10)
        self.bedrock.stop_model_invocation_job(jobIdentifier=arn)
        self.wait(arn, "Stopped", step_s=10)
        self.assertEqual(self.s3.list_objects_v2(Bucket=BUCKET, Prefix="out/")["KeyCount"], 0)
        self.assertEqual(self.emulator.bill()["lines"], [])


class Timing(EmulatedCase):
    def test_a_job_that_does_not_begin_in_time_expires_without_output(self):
        self.emulator = self.emulate(*self.ARGS, settings=f"{STEADY}queue_median_min = 1500\n")
        self.connect()
        self.s3.create_bucket(Bucket=BUCKET)
        self.upload(records(100))
        arn = self.create_job()
        self.emulator.advance(DAY_S - 1)
        self.assertEqual(self.get_job(arn)["status"], "Scheduled")
        self.emulator.advance(1)
        job = self.get_job(arn)
        self.assertEqual(job["status"], "Expired")
        self.assertEqual(job["endTime"], job["jobExpirationTime"])
        self.assertEqual(self.s3.list_objects_v2(Bucket=BUCKET, Prefix="out/")["KeyCount"], 0)
        self.assertEqual(self.emulator.bill()["lines"], [])

    def cut(self, switches=""):
        self.emulator = self.emulate(*self.ARGS, settings=f"{STEADY}records_per_minute = 0.02\n[switches]\n{switches}")
        self.connect()
        self.s3.create_bucket(Bucket=BUCKET)
        self.upload(records(100))
        arn = self.create_job()
        self.emulator.advance(DAY_S)
        job = self.get_job(arn)
        self.assertEqual(job["status"], "PartiallyCompleted")
        self.assertEqual(job["totalRecordCount"], 100)
        self.assertTrue(0 < job["processedRecordCount"] < 100, job)
        self.assertEqual(self.manifest(arn)["processedRecordCount"], job["processedRecordCount"])
        return job, self.output(arn)

    def test_a_job_that_runs_out_of_time_is_partially_completed(self):
        job, lines = self.cut()
        self.assertEqual(len(lines), job["processedRecordCount"])
        self.assertTrue(all("modelOutput" in line for line in lines))

    def test_records_that_time_ran_out_for_can_be_error_lines(self):
        job, lines = self.cut('unprocessed_records = "error"')
        self.assertEqual(len({line["recordId"] for line in lines}), 100)
        self.assertEqual(sum("modelOutput" in line for line in lines), job["processedRecordCount"])
        self.assertTrue(all("error" in line for line in lines if "modelOutput" not in line))


class Quotas(EmulatedCase):
    SETTINGS = f'[quotas]\n"{OPEN_JOBS}" = 2\n'

    def test_over_the_quota_of_open_jobs_no_job_is_created_until_one_ends(self):
        self.upload(records(100))
        first = self.create_job()
        self.create_job(modelId="global.anthropic.claude-haiku-4-5-20251001-v1:0")
        with self.refused("ServiceQuotaExceededException", 400, "quota of 2"):
            self.create_job()
        self.create_job(modelId=NOVA)
        self.bedrock.stop_model_invocation_job(jobIdentifier=first)
        self.wait(first, "Stopped", step_s=10)
        self.create_job()


class Switched(EmulatedCase):
    SETTINGS = f"""{STEADY}
[switches]
token_reuse = "conflict"
over_job_quota = "queue"
stop_finished = "validation"
job_name_unique = true
default_timeout_h = 72
[quotas]
"{OPEN_JOBS}" = 1
"""

    def setUp(self):
        super().setUp()
        self.upload(records(100))

    def test_a_request_token_with_another_request_is_a_conflict(self):
        first = self.create_job("one", clientRequestToken="token")
        self.assertEqual(self.create_job("one", clientRequestToken="token"), first)
        with self.refused("ConflictException", 400):
            self.create_job("other", clientRequestToken="token")

    def test_over_the_quota_of_open_jobs_a_job_waits_its_turn(self):
        first = self.create_job("first")
        self.emulator.advance(1)
        second = self.create_job("second")
        self.wait(first, "InProgress")
        self.assertEqual(self.get_job(second)["status"], "Submitted")
        self.wait(first, "Completed")
        self.assertEqual(self.wait(second)["status"], "Completed")

    def test_stopping_a_finished_job_is_invalid(self):
        arn = self.create_job()
        self.wait(arn, "Completed")
        with self.refused("ValidationException", 400):
            self.bedrock.stop_model_invocation_job(jobIdentifier=arn)

    def test_a_second_open_job_of_a_name_is_a_conflict(self):
        first = self.create_job("name")
        with self.refused("ConflictException", 400, "name"):
            self.create_job("name")
        self.wait(first, "Completed")
        self.create_job("name")

    def test_the_timeout_is_the_switch_s_when_a_request_has_none(self):
        self.assertEqual(self.get_job(self.create_job())["timeoutDurationInHours"], 72)


class Accounts(EmulatedCase):
    SETTINGS = """
[[account]]
id = "111122223333"
access_key = "AKIAFIRST"
secret_key = "first"
[[account]]
id = "444455556666"
access_key = "AKIASECOND"
secret_key = "second"
"""

    def test_accounts_and_regions_do_not_see_each_other_s_jobs(self):
        self.upload(records(100))
        arn = self.create_job(clientRequestToken="shared")
        role = "arn:aws:iam::444455556666:role/BatchRole"
        other = self.emulator.client("bedrock", key="AKIASECOND", secret="second")
        elsewhere = self.emulator.client("bedrock", region="us-west-2")
        for client, account, region in ((other, "444455556666", REGION), (elsewhere, "111122223333", "us-west-2")):
            self.addCleanup(client.close)
            with self.subTest(account=account, region=region):
                self.assertEqual(client.list_model_invocation_jobs()["invocationJobSummaries"], [])
                for identifier in (arn, arn.rsplit("/", 1)[1]):
                    with self.refused("ResourceNotFoundException", 404):
                        client.get_model_invocation_job(jobIdentifier=identifier)
                with self.refused("ResourceNotFoundException", 404):
                    client.list_tags_for_resource(resourceARN=arn)
                mine = self.bedrock
                self.bedrock = client
                own = self.create_job(clientRequestToken="shared", roleArn=role if account.startswith("4") else ROLE)
                self.bedrock = mine
                self.assertTrue(own.startswith(f"arn:aws:bedrock:{region}:{account}:"), own)
        jobs = self.bedrock.list_model_invocation_jobs()["invocationJobSummaries"]
        self.assertEqual([job["jobArn"] for job in jobs], [arn])

    def test_a_role_of_another_account_is_refused(self):
        with self.refused("AccessDeniedException", 403, "pass role"):
            self.create_job(roleArn="arn:aws:iam::444455556666:role/BatchRole")


if __name__ == "__main__":
    unittest.main()
