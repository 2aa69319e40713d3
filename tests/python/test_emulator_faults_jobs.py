"""Failure stories of batch jobs, from the client's side, and what the bill says of them."""

import concurrent.futures
import datetime
import json
import unittest

import prices
from emulated import BUCKET, HAIKU, ROLE, EmulatedCase, claude, records
from test_emulator_faults import NOVA, StoryCase, settings

NAME = "records.jsonl.out"


class JobCase(StoryCase):
    def run_job(self, n=20, until="Completed", **changes):
        """Uploads n records, runs them, gives the job."""
        self.upload(records(n))
        arn = self.create_job(**changes)
        return arn, self.wait(arn, until)

    def keys(self):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="out/")
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def assert_billed_as_output(self, arn):
        cost = prices.of_output(HAIKU, self.output(arn))
        self.assertGreater(cost, 0)
        self.assertEqual(self.billed(), cost)

    def counters(self, job):
        return tuple(job[f"{name}RecordCount"] for name in ("total", "processed", "success", "error"))

    def minutes(self, job):
        return (job["endTime"] - job["submitTime"]).total_seconds() / 60


class Turnaround(JobCase):
    def test_f03_the_same_configuration_takes_several_times_as_long_without_any_error(self):
        _, usual = self.run_job()
        self.emulator.faults({"fault": "F03"})
        _, slow = self.run_job()
        self.assertEqual(self.counters(slow), self.counters(usual))
        self.assertNotIn("message", slow)
        self.assertGreater(self.minutes(slow), 2.5 * self.minutes(usual))

    def test_f04_a_job_that_never_begins_expires_and_costs_nothing(self):
        self.upload(records(5))
        self.emulator.faults({"fault": "F04"})
        arn = self.create_job()
        self.wait(arn, "Scheduled")
        self.emulator.advance(23 * 3600)
        self.assertEqual(self.get_job(arn)["status"], "Scheduled")
        job = self.wait(arn, "Expired", step_s=600)
        self.assertEqual(job["endTime"], job["jobExpirationTime"])
        self.assertEqual((self.keys(), self.billed()), ([], 0))

    def test_f05_at_the_timeout_a_part_of_the_output_is_there_and_billed(self):
        self.upload(records(50))
        self.emulator.faults({"fault": "F05", "share": 0.5})
        arn = self.create_job()
        job = self.wait(arn, "PartiallyCompleted", step_s=1800)
        lines, manifest = self.output(arn), self.manifest(arn)
        self.assertEqual(len({line["recordId"] for line in lines}), len(lines))
        self.assertEqual(manifest["totalRecordCount"], 50)
        self.assertEqual(manifest["processedRecordCount"], len(lines))
        self.assertTrue(20 <= len(lines) <= 30, len(lines))
        self.assertEqual(self.counters(job), (50, len(lines), len(lines), 0))
        self.assertEqual(job["endTime"], job["jobExpirationTime"])
        self.assert_billed_as_output(arn)

    def test_f17_a_slow_stop_bills_the_records_that_complete_meanwhile(self):
        self.upload(records(400))
        self.emulator.faults({"fault": "F17", "minutes": 3}, {"fault": "slow_turnaround", "factor": 2})
        arn = self.create_job()
        self.wait(arn, "InProgress", step_s=30)
        self.emulator.advance(300)
        self.bedrock.stop_model_invocation_job(jobIdentifier=arn)
        self.emulator.advance(60)
        first = self.get_job(arn)
        self.emulator.advance(60)
        second = self.get_job(arn)
        self.assertEqual((first["status"], second["status"], self.billed()), ("Stopping", "Stopping", 0))
        self.assertGreater(second["processedRecordCount"], first["processedRecordCount"], "records still complete")
        job = self.wait(arn, "Stopped")
        self.assertEqual(job["endTime"] - first["lastModifiedTime"], datetime.timedelta(minutes=3))
        lines = self.output(arn)
        self.assertEqual(job["processedRecordCount"], len(lines))
        self.assertGreater(len(lines), second["processedRecordCount"])
        self.assertLess(len(lines), 400)
        self.assert_billed_as_output(arn)
        with self.refused("ConflictException", 400):
            self.bedrock.stop_model_invocation_job(jobIdentifier=arn)
        self.assertEqual(self.output(arn), lines, "results are kept")

    def test_f17_stopping_a_finished_job_is_a_conflict_and_changes_nothing(self):
        arn, job = self.run_job()
        with self.refused("ConflictException", 400):
            self.bedrock.stop_model_invocation_job(jobIdentifier=arn)
        self.assertEqual(self.get_job(arn)["endTime"], job["endTime"])
        self.assert_billed_as_output(arn)

    def test_f18_counters_stay_at_zero_while_output_and_bill_are_there(self):
        self.emulator.faults({"fault": "F18"})
        arn, job = self.run_job(30)
        self.assertEqual(self.counters(job), (0, 0, 0, 0))
        self.assertEqual(self.manifest(arn)["successRecordCount"], 30)
        self.assert_billed_as_output(arn)

    def test_f18_counters_are_zero_until_records_run_without_any_rule(self):
        self.upload(records(30))
        arn = self.create_job()
        for status in ("Submitted", "Validating", "Scheduled"):
            self.assertEqual(self.counters(self.wait(arn, status, step_s=20)), (0, 0, 0, 0), status)
        self.assertEqual(self.counters(self.wait(arn, "Completed")), (30, 30, 30, 0))

    def test_f27_a_stuck_job_stays_in_progress_until_it_is_stopped(self):
        self.upload(records(20))
        self.emulator.faults({"fault": "F27"})
        arn = self.create_job()
        self.wait(arn, "InProgress")
        self.emulator.advance(30 * 24 * 3600)
        self.assertEqual(self.get_job(arn)["status"], "InProgress", "a deadline alone does not end it")
        self.assertEqual((self.keys(), self.billed()), ([], 0))
        self.bedrock.stop_model_invocation_job(jobIdentifier=arn)
        self.wait(arn, "Stopped")
        self.assertEqual(len(self.output(arn)), 20)
        self.assert_billed_as_output(arn)


class Output(JobCase):
    def test_f08_output_stands_under_the_job_id_and_not_under_the_prefix(self):
        self.upload(records(3, "one"), "in/a.jsonl")
        self.upload(records(3, "two"), "in/b.jsonl")
        arn = self.create_job()
        self.wait(arn, "Completed")
        with self.refused("NoSuchKey", 404):
            self.s3.get_object(Bucket=BUCKET, Key="out/a.jsonl.out")
        folder = f"out/{arn.rsplit('/', 1)[1]}"
        self.assertEqual(self.keys(), [f"{folder}/{name}" for name in ("a.jsonl.out", "b.jsonl.out", "manifest.json.out")])

    def test_f08_more_than_a_thousand_output_files_need_a_second_page(self):
        files = 1_001

        def put(i):
            body = json.dumps({"recordId": f"r-{i}", "modelInput": claude(f"question {i}", max_tokens=5)})
            self.s3.put_object(Bucket=BUCKET, Key=f"in/{i:04}.jsonl", Body=body.encode())

        with concurrent.futures.ThreadPoolExecutor(8) as threads:
            list(threads.map(put, range(files)))
        arn = self.create_job()
        self.wait(arn, "Completed")
        first = self.s3.list_objects_v2(Bucket=BUCKET, Prefix="out/")
        self.assertEqual((first["KeyCount"], first["IsTruncated"]), (1_000, True), "whoever lists one page loses the rest")
        folder = f"out/{arn.rsplit('/', 1)[1]}"
        expected = [f"{folder}/{i:04}.jsonl.out" for i in range(files)] + [f"{folder}/manifest.json.out"]
        self.assertEqual(self.keys(), expected)
        self.assertEqual(self.manifest(arn)["successRecordCount"], files)

    def test_f09_lines_are_missing_doubled_and_out_of_order_and_the_manifest_disagrees(self):
        self.emulator.faults({"fault": "F09", "share": 0.2})
        arn, job = self.run_job(100)
        ids = [line["recordId"] for line in self.output(arn)]
        wanted = [record["recordId"] for record in records(100)]
        missing, doubled = set(wanted) - set(ids), {i for i in ids if ids.count(i) == 2}
        self.assertTrue(missing and doubled)
        self.assertEqual(set(ids) - set(wanted), set())
        self.assertEqual({ids.count(i) for i in ids}, {1, 2})
        self.assertNotEqual(ids, sorted(ids))
        self.assertEqual(self.counters(job), (100, 100, 100, 0), "Get counts what the output does not show")
        self.assertEqual(self.manifest(arn)["processedRecordCount"], 100)
        # Every record ran once and is billed once: the manifest has its tokens, the lines do not add up to them.
        manifest = self.manifest(arn)
        cost = prices.cost(HAIKU, "batch", input=manifest["inputTokenCount"], output=manifest["outputTokenCount"])
        self.assertEqual(self.billed(), cost)

    def test_f09_a_missing_record_id_is_made_up_and_order_is_not_kept_without_any_rule(self):
        anonymous = [{"modelInput": claude(f"question {i}")} for i in range(50)]
        self.upload(anonymous)
        arn = self.create_job()
        self.wait(arn, "Completed")
        lines = self.output(arn)
        self.assertEqual(len({line["recordId"] for line in lines}), 50)
        asked = [line["modelInput"] for line in lines]
        self.assertNotEqual(asked, [record["modelInput"] for record in anonymous])
        self.assertCountEqual(asked, [record["modelInput"] for record in anonymous])
        self.assert_billed_as_output(arn)

    def test_f10_errors_stand_inside_model_output_and_are_free(self):
        self.emulator.faults({"fault": "F10", "share": 0.5})
        arn, job = self.run_job(60)
        lines = self.output(arn)
        failed = [line for line in lines if "errorCode" in line["modelOutput"]]
        self.assertTrue(0 < len(failed) < 60)
        self.assertFalse([line for line in lines if "error" in line])
        self.assertEqual(self.counters(job), (60, 60, 60 - len(failed), len(failed)))
        self.assert_billed_as_output(arn)

    def test_f10_a_model_id_inside_model_input_fails_every_record(self):
        self.upload([record | {"modelInput": record["modelInput"] | {"modelId": HAIKU}} for record in records(10)])
        arn = self.create_job()
        self.assertEqual(self.counters(self.wait(arn, "Completed")), (10, 10, 0, 10))
        errors = [line["error"] for line in self.output(arn)]
        self.assertEqual({error["errorCode"] for error in errors}, {400})
        self.assertTrue(all("Extra inputs are not permitted" in error["errorMessage"] for error in errors), errors[0])
        self.assertEqual(self.billed(), 0)

    def test_f11_empty_answers_are_successes_and_billed_to_max_tokens(self):
        self.emulator.faults({"fault": "F11"})
        arn, job = self.run_job(24)
        self.assertEqual(self.counters(job), (24, 24, 24, 0))
        for line in self.output(arn):
            answer = line["modelOutput"]
            self.assertEqual("".join(part.get("text", "") for part in answer["content"]), "")
            self.assertEqual((answer["stop_reason"], answer["usage"]["output_tokens"]), ("max_tokens", 64))
        self.assert_billed_as_output(arn)

    def test_f12_a_job_of_nothing_but_errors_is_completed_and_free(self):
        self.emulator.faults({"fault": "F12"})
        arn, job = self.run_job(15)
        self.assertEqual(self.counters(job), (15, 15, 0, 15))
        self.assertTrue(all("error" in line and "modelOutput" not in line for line in self.output(arn)))
        self.assertEqual(self.manifest(arn)["successRecordCount"], 0)
        self.assertEqual(self.billed(), 0)

    def test_f13_results_are_missing_for_minutes_after_completed(self):
        self.emulator.faults({"fault": "late_results", "minutes": 10})
        arn, job = self.run_job()
        self.assertEqual(self.counters(job)[2], 20)
        cost = self.billed()
        self.assertGreater(cost, 0, "it is billed already")
        with self.refused("NoSuchKey", 404):
            self.output(arn)
        self.assertEqual(self.keys(), [])
        self.emulator.advance(600)
        self.assertEqual(len(self.output(arn)), 20)
        self.assertEqual(self.manifest(arn)["successRecordCount"], 20)
        self.assert_billed_as_output(arn)
        self.assertEqual(self.billed(), cost)

    def test_f14_output_lists_and_is_cut_in_the_middle_of_a_line_until_it_is_whole(self):
        self.emulator.faults({"fault": "F14", "minutes": 10})
        arn, _ = self.run_job()
        key = f"out/{arn.rsplit('/', 1)[1]}/{NAME}"
        self.assertEqual(self.keys(), [key], "no manifest yet")
        body = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        *whole, last = body.decode().split("\n")
        self.assertTrue(all(json.loads(line) for line in whole))
        with self.assertRaises(json.JSONDecodeError):
            json.loads(last)
        self.emulator.advance(600)
        self.assertEqual(len(self.output(arn)), 20)
        self.assertTrue(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().startswith(body))
        self.assert_billed_as_output(arn)

    def test_f21_tools_fail_record_by_record_in_a_converse_job_and_are_free(self):
        ask = {"messages": [{"role": "user", "content": [{"text": "Hello"}]}], "inferenceConfig": {"maxTokens": 20}}
        tool = {"toolSpec": {"name": "look_up", "inputSchema": {"json": {"type": "object"}}}}
        tooled = ask | {"toolConfig": {"tools": [tool]}}
        self.upload([{"recordId": f"r-{i}", "modelInput": tooled if i % 2 else ask} for i in range(10)])
        arn = self.create_job(modelInvocationType="Converse")
        self.assertEqual(self.counters(self.wait(arn, "Completed")), (10, 10, 5, 5))
        failed = {line["recordId"]: line["error"]["errorCode"] for line in self.output(arn) if "error" in line}
        self.assertEqual(failed, {f"r-{i}": 400 for i in range(1, 10, 2)})
        self.assert_billed_as_output(arn)


class Roles(JobCase):
    def test_f15_a_role_that_cannot_read_the_bucket_fails_the_job_in_validation(self):
        self.emulator.faults({"fault": "role_denied"})
        arn, job = self.run_job(until="Failed")
        self.assertIn(ROLE, job["message"])
        self.assertIn(f"s3://{BUCKET}/in/", job["message"])
        self.assertEqual((self.keys(), self.billed()), ([], 0))

    def test_f15_a_bucket_that_is_not_there_and_a_role_of_another_account_are_told_apart(self):
        elsewhere = {"s3InputDataConfig": {"s3Uri": "s3://elsewhere/in/"}}
        job = self.wait(self.create_job(inputDataConfig=elsewhere), "Failed")
        self.assertIn("s3://elsewhere/in/ could not be accessed", job["message"])
        with self.refused("AccessDeniedException", 403, "Cross-account"):
            self.create_job(roleArn="arn:aws:iam::999988887777:role/R")
        self.assertEqual(self.billed(), 0)


class Validation(EmulatedCase):
    """With AWS's own quotas, but few records at most."""

    SETTINGS = settings(records=250)

    def failed(self, lines, key="in/records.jsonl", **changes):
        self.upload(lines, key)
        job = self.wait(self.create_job(**changes), "Failed")
        self.s3.delete_object(Bucket=BUCKET, Key=key)
        return job["message"]

    def tearDown(self):
        self.assertEqual(prices.billed(self.emulator), self.cost, "what fails in validation is free")

    def setUp(self):
        super().setUp()
        self.cost = 0

    def test_f01_ninety_nine_records_are_accepted_and_fail_in_validation(self):
        text = "Batch job contains less records (99) than the required minimum of: 100"
        self.assertEqual(self.failed(records(99)), text)
        self.assertIn("minimum of: 100", self.failed(records(1), modelId=NOVA))
        self.upload(records(100))
        arn = self.create_job()
        self.wait(arn, "Completed")
        self.cost = prices.of_output(HAIKU, self.output(arn))

    def test_f23_a_merged_tail_is_over_the_maximum_and_a_lone_tail_under_the_minimum(self):
        self.assertIn("more records (251) than the allowed maximum of: 250", self.failed(records(251)))
        self.assertIn("less records (51)", self.failed(records(51)))

    def test_f28_a_file_that_breaks_the_rules_is_named_with_its_line(self):
        good = [json.dumps(record) for record in records(110)]
        half_a_letter = b'{"recordId":"x","modelInput":{"prompt":"\xc3'
        for word, lines in {
            "byte order mark": ["\ufeff" + good[0], *good[1:]],
            "modelInput is missing": [*good, '{"recordId":"x"}'],
            "modelInput is not a JSON object": [*good, '{"recordId":"x","modelInput":"text"}'],
            "recordId is not a string": [*good, '{"recordId":7,"modelInput":{}}'],
            "not a JSON object": [*good, "[]"],
        }.items():
            with self.subTest(word):
                message = self.failed(lines)
                self.assertIn(word, message)
                self.assertRegex(message, r"records\.jsonl at line \d+")
        with self.subTest("a letter that is cut in two"):
            self.s3.put_object(Bucket=BUCKET, Key="in/cut.jsonl", Body="\n".join(good).encode() + b"\n" + half_a_letter)
            self.assertIn("cut.jsonl at line 111: not a JSON object", self.wait(self.create_job(), "Failed")["message"])

    def test_f28_a_wrong_extension_is_no_input(self):
        self.assertIn("extension .jsonl", self.failed(records(110), "in/records.json"))

    def test_f28_blank_lines_and_carriage_returns_count_as_nothing_and_ids_may_repeat(self):
        lines = [json.dumps(record) + "\r" for record in records(100)]
        same = json.dumps({"recordId": "r-000000", "modelInput": claude("again")})
        long = json.dumps({"recordId": "x" * 65, "modelInput": claude("long")})
        self.upload(["", *lines, "  ", same, long, ""])
        arn = self.create_job()
        job = self.wait(arn, "Completed")
        self.assertEqual((job["totalRecordCount"], job["errorRecordCount"]), (102, 0))
        ids = [line["recordId"] for line in self.output(arn)]
        self.assertEqual((ids.count("r-000000"), ids.count("x" * 65), len(ids)), (2, 1, 102))
        self.cost = prices.of_output(HAIKU, self.output(arn))


class Sizes(EmulatedCase):
    SETTINGS = (
        '[quotas]\n"Batch inference input file size (in GB) for Claude Haiku 4.5" = 0.00002\n'
        '"Batch inference job size (in GB) for Claude Haiku 4.5" = 0.00003\n'
    )

    def test_f28_a_file_and_a_job_over_their_size_fail_in_validation(self):
        self.upload(records(200))
        self.assertIn("allowed maximum of: 20000 bytes", self.wait(self.create_job(), "Failed")["message"])
        self.upload(records(110))
        self.upload(records(110), "in/second.jsonl")
        self.assertIn("allowed maximum of: 30000 bytes", self.wait(self.create_job(), "Failed")["message"])
        self.assertEqual(prices.billed(self.emulator), 0)


if __name__ == "__main__":
    unittest.main()
