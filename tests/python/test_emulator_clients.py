"""Clients of AWS, unmodified: who is believed, over plain HTTP and TLS, and the AWS CLI and Anthropic's SDK at work."""

import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.parse
import urllib.request
from unittest import mock

import anthropic
import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from emulated import BUCKET, HAIKU, REGION, ROLE, EmulatedCase, Emulator, records
from program import TIMEOUT_S

NOVA = "amazon.nova-pro-v1:0"
BEARER = "bedrock-api-key-emulated"
MESSAGES = [{"role": "user", "content": [{"text": "hello"}]}]
AWS = pathlib.Path(sys.executable).parent / "aws"


class ClientCase(EmulatedCase):
    """One emulator for the tests of a class."""

    @classmethod
    def setUpClass(cls):
        cls.shared = Emulator(*cls.ARGS, settings=cls.SETTINGS)
        cls.addClassCleanup(cls.shared.close)

    def setUp(self):
        self.emulator = self.shared
        self.connect()

    def runtime_with(self, **kwargs):
        client = self.emulator.client("bedrock-runtime", **kwargs)
        self.addCleanup(client.close)
        return client

    def send(self, method, path, body=b"", headers=None):
        """A request as it stands: status, headers, JSON."""
        request = urllib.request.Request(f"{self.emulator.info['url']}{path}", data=body, method=method, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.headers, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, json.loads(error.read())

    def signed(self, method, path, body=b"", headers=None, at=None):
        """The headers of a request that botocore signs, as if at another time."""
        keys = Credentials(self.emulator.info["access_key_id"], self.emulator.info["secret_access_key"])
        request = AWSRequest(method=method, url=f"{self.emulator.info['url']}{path}", data=body, headers=headers or {})
        moment = at or datetime.datetime.now(datetime.timezone.utc)
        with mock.patch("botocore.auth.get_current_datetime", return_value=moment):
            SigV4Auth(keys, "bedrock", REGION).add_auth(request)
        return dict(request.headers)

    def error(self, answer):
        status, headers, body = answer
        self.assertTrue(headers["x-amzn-requestid"])
        return status, headers["x-amzn-errortype"].split(":")[0], body["message"]


class Signatures(ClientCase):
    BODY = json.dumps({"messages": MESSAGES}).encode()
    PATH = "/model/amazon.nova-pro-v1%3A0/converse"

    def test_a_wrong_secret_and_an_unknown_key_are_refused(self):
        with self.refused("InvalidSignatureException", 403, "does not match"):
            self.runtime_with(secret="another").converse(modelId=NOVA, messages=MESSAGES)
        with self.refused("UnrecognizedClientException", 403, "security token"):
            self.runtime_with(key="AKIAUNKNOWN").converse(modelId=NOVA, messages=MESSAGES)

    def test_service_quotas_are_signed_too(self):
        client = self.emulator.client("service-quotas", secret="another")
        self.addCleanup(client.close)
        with self.refused("InvalidSignatureException", 403):
            client.list_service_quotas(ServiceCode="bedrock")

    def test_a_clock_may_be_off_by_less_than_five_minutes(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        for minutes in (-4, 4):
            headers = self.signed("POST", self.PATH, self.BODY, at=now + datetime.timedelta(minutes=minutes))
            self.assertEqual(self.send("POST", self.PATH, self.BODY, headers)[0], 200)
        for minutes, words in ((-6, "Signature expired"), (6, "Signature not yet current")):
            headers = self.signed("POST", self.PATH, self.BODY, at=now + datetime.timedelta(minutes=minutes))
            status, code, message = self.error(self.send("POST", self.PATH, self.BODY, headers))
            self.assertEqual((status, code), (403, "InvalidSignatureException"))
            self.assertIn(words, message)

    def test_a_request_that_was_changed_on_its_way_is_refused(self):
        headers = self.signed("POST", self.PATH, self.BODY)
        for path, body in ((self.PATH, self.BODY.replace(b"hello", b"hullo")), (self.PATH.replace("pro", "lite"), self.BODY)):
            with self.subTest(path=path):
                status, code, _ = self.error(self.send("POST", path, body, headers))
                self.assertEqual((status, code), (403, "InvalidSignatureException"))

    def test_a_header_of_bedrock_must_be_signed(self):
        path, body = "/model/amazon.nova-pro-v1%3A0/invoke", self.BODY
        tier = {"x-amzn-bedrock-service-tier": "flex"}
        status, headers, _ = self.send("POST", path, body, self.signed("POST", path, body, headers=tier))
        self.assertEqual((status, headers["x-amzn-bedrock-service-tier"]), (200, "flex"))
        status, code, message = self.error(self.send("POST", path, body, self.signed("POST", path, body) | tier))
        self.assertEqual((status, code), (403, "InvalidSignatureException"))
        self.assertIn("x-amzn-bedrock-service-tier", message)

    def test_a_request_without_or_with_half_a_signature_is_refused(self):
        status, code, _ = self.error(self.send("POST", self.PATH, self.BODY))
        self.assertEqual((status, code), (403, "MissingAuthenticationTokenException"))
        headers = self.signed("POST", self.PATH, self.BODY)
        headers["Authorization"] = headers["Authorization"].split(", Signature=")[0]
        status, code, message = self.error(self.send("POST", self.PATH, self.BODY, headers))
        self.assertEqual(code, "IncompleteSignatureException")
        self.assertIn("'Signature'", message)

    def test_nothing_refused_is_billed(self):
        before = self.emulator.bill()["lines"]
        with self.refused("InvalidSignatureException"):
            self.runtime_with(secret="another").converse(modelId=NOVA, messages=MESSAGES)
        self.assertEqual(self.emulator.bill()["lines"], before)

    def test_a_slash_that_is_not_encoded_is_another_path(self):
        arn = f"arn:aws:bedrock:{REGION}:111122223333:model-invocation-job/abcdefghijk1"
        for path, status in ((f"/model-invocation-job/{arn}", 404), ("/model-invocation-job/a/b/c", 404), ("/no/such/path", 404)):
            with self.subTest(path):
                answer = self.error(self.send("GET", path, None, self.signed("GET", path)))
                self.assertEqual(answer[:2], (status, "UnknownOperationException"))
        encoded = f"/model-invocation-job/{urllib.parse.quote(arn, safe='')}"
        answer = self.error(self.send("GET", encoded, None, self.signed("GET", encoded)))
        self.assertEqual(answer[:2], (404, "ResourceNotFoundException"))

    def test_a_body_that_is_no_json_is_told_apart_from_one_that_breaks_a_rule(self):
        for body, code in ((b"{", "SerializationException"), (b"[]", "SerializationException"), (b"{}", "ValidationException")):
            with self.subTest(body):
                answer = self.error(self.send("POST", self.PATH, body, self.signed("POST", self.PATH, body)))
                self.assertEqual(answer[:2], (400, code))


class NoAuth(ClientCase):
    ARGS = (*EmulatedCase.ARGS, "--no-auth")

    def test_without_authentication_anything_goes(self):
        for kwargs in ({"secret": "another"}, {"key": "AKIAUNKNOWN"}):
            self.assertTrue(self.runtime_with(**kwargs).converse(modelId=NOVA, messages=MESSAGES)["output"])
        path = "/model/amazon.nova-pro-v1%3A0/converse"
        status, _, answer = self.send("POST", path, Signatures.BODY)
        self.assertEqual((status, answer["stopReason"]), (200, "end_turn"))
        client = self.emulator.client("s3", secret="another")
        self.addCleanup(client.close)
        client.create_bucket(Bucket="anybody")
        client.put_object(Bucket="anybody", Key="k", Body=b"x")
        self.assertEqual(client.get_object(Bucket="anybody", Key="k")["Body"].read(), b"x")


class Bearer(ClientCase):
    def client(self, service, key, url="tls_url"):
        """A client that has an API key in its environment and no other keys; the environment is the test's own."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment = mock.patch.dict(os.environ, kept | {"AWS_BEARER_TOKEN_BEDROCK": key}, clear=True)
        environment.start()
        self.addCleanup(environment.stop)
        session = boto3.Session(region_name=REGION)
        client = session.client(service, endpoint_url=self.emulator.info[url], verify=self.emulator.info["ca_bundle"])
        self.addCleanup(client.close)
        return client

    def test_an_api_key_is_enough_over_tls(self):
        self.assertTrue(self.client("bedrock-runtime", BEARER).converse(modelId=NOVA, messages=MESSAGES)["output"])
        self.assertTrue(self.client("bedrock", BEARER).list_foundation_models()["modelSummaries"])

    def test_a_wrong_api_key_is_refused(self):
        for service, call in (("bedrock-runtime", "converse"), ("bedrock", "list_foundation_models")):
            kwargs = {"modelId": NOVA, "messages": MESSAGES} if call == "converse" else {}
            with self.subTest(service), self.refused("AccessDeniedException", 403, "API Key"):
                getattr(self.client(service, "bedrock-api-key-wrong"), call)(**kwargs)

    def test_signatures_hold_over_tls_too(self):
        client = self.emulator.client("bedrock-runtime", tls=True)
        self.addCleanup(client.close)
        events = list(client.converse_stream(modelId=HAIKU, messages=MESSAGES)["stream"])
        self.assertIn("metadata", events[-1])


class Anthropic(ClientCase):
    def sdk(self):
        client = anthropic.AnthropicBedrock(
            aws_access_key=self.emulator.info["access_key_id"],
            aws_secret_key=self.emulator.info["secret_access_key"],
            aws_region=REGION,
            base_url=self.emulator.info["url"],
            max_retries=0,
        )
        self.addCleanup(client.close)
        return client

    def test_a_message_and_its_stream_are_the_same(self):
        request = {"model": HAIKU, "max_tokens": 100, "messages": [{"role": "user", "content": "hello"}]}
        message = self.sdk().messages.create(**request)
        self.assertEqual((message.type, message.role, message.stop_reason), ("message", "assistant", "end_turn"))
        with self.sdk().messages.stream(**request) as stream:
            said = "".join(stream.text_stream)
            final = stream.get_final_message()
        self.assertEqual(said, message.content[0].text)
        self.assertEqual(final.content[0].text, said)
        self.assertEqual(final.usage.output_tokens, message.usage.output_tokens)
        self.assertEqual(final.usage.input_tokens, message.usage.input_tokens)

    def test_a_tool_is_called(self):
        tool = {"name": "look_up", "input_schema": {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}}
        message = self.sdk().messages.create(
            model=HAIKU, max_tokens=200, tools=[tool], tool_choice={"type": "any"}, messages=[{"role": "user", "content": "x"}]
        )
        self.assertEqual((message.stop_reason, message.content[0].name), ("tool_use", "look_up"))
        self.assertIsInstance(message.content[0].input["q"], str)

    def test_errors_arrive_as_the_sdk_s_own(self):
        message = [{"role": "user", "content": "x [[toy: error=throttling]]"}]
        with self.assertRaises(anthropic.RateLimitError):
            self.sdk().messages.create(model=HAIKU, max_tokens=5, messages=message)
        with self.assertRaises(anthropic.BadRequestError):
            self.sdk().messages.create(model="no.such-model-v1:0", max_tokens=5, messages=message)


class CommandLine(ClientCase):
    def aws(self, *args, code=0):
        """Runs the AWS CLI; gives what it printed, read."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        stated = {
            "AWS_ENDPOINT_URL": self.emulator.info["url"],
            "AWS_ACCESS_KEY_ID": self.emulator.info["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": self.emulator.info["secret_access_key"],
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_MAX_ATTEMPTS": "1",
        }
        command = [sys.executable, str(AWS), "--output", "json", *map(str, args)]
        done = subprocess.run(
            command, env=kept | stated, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
        self.assertEqual(done.returncode, code, done.stderr)
        if code:
            return done.stderr
        return json.loads(done.stdout) if done.stdout.startswith(("{", "[")) else done.stdout

    def test_it_lists_and_calls_models(self):
        models = self.aws("bedrock", "list-foundation-models", "--by-provider", "anthropic")["modelSummaries"]
        self.assertIn("anthropic.claude-opus-5", {model["modelId"] for model in models})
        answer = self.aws("bedrock-runtime", "converse", "--model-id", NOVA, "--messages", json.dumps(MESSAGES))
        self.assertEqual(answer["output"], self.runtime.converse(modelId=NOVA, messages=MESSAGES)["output"])
        with tempfile.TemporaryDirectory() as folder:
            body, out = pathlib.Path(folder, "body.json"), pathlib.Path(folder, "out.json")
            body.write_text(json.dumps({"messages": MESSAGES}), encoding="utf-8")
            said = self.aws("bedrock-runtime", "invoke-model", "--model-id", NOVA, "--body", f"fileb://{body}", out)
            self.assertEqual(said["contentType"], "application/json")
            self.assertEqual(json.loads(out.read_text(encoding="utf-8"))["output"], answer["output"])
        self.assertIn("ValidationException", self.aws("bedrock", "get-foundation-model", "--model-identifier", "!", code=255))
        names = [q["QuotaName"] for q in self.aws("service-quotas", "list-service-quotas", "--service-code", "bedrock")["Quotas"]]
        self.assertIn("Minimum number of records per batch inference job for Nova Lite", names)

    def test_it_runs_a_job_from_upload_to_download(self):
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder, "a.jsonl")
            source.write_text("".join(f"{json.dumps(record)}\n" for record in records(100)), encoding="utf-8")
            self.aws("s3", "mb", f"s3://{BUCKET}-cli")
            self.aws("s3", "cp", "--quiet", source, f"s3://{BUCKET}-cli/in/a.jsonl")
            places = [
                json.dumps({f"s3{way}DataConfig": {"s3Uri": f"s3://{BUCKET}-cli/{place}/"}})
                for way, place in (("Input", "in"), ("Output", "out"))
            ]
            job = ("--job-name", "cli", "--role-arn", ROLE, "--model-id", HAIKU)
            arn = self.aws(
                "bedrock", "create-model-invocation-job", *job, "--input-data-config", places[0], "--output-data-config", places[1]
            )["jobArn"]
            self.wait(arn, "Completed")
            jobs = self.aws("bedrock", "list-model-invocation-jobs", "--status-equals", "Completed")["invocationJobSummaries"]
            self.assertEqual([job["jobArn"] for job in jobs], [arn])
            shown = self.aws("bedrock", "get-model-invocation-job", "--job-identifier", arn)
            self.assertEqual((shown["status"], shown["successRecordCount"]), ("Completed", 100))
            self.aws("s3", "sync", "--quiet", f"s3://{BUCKET}-cli/out/", f"{folder}/out")
            lines = pathlib.Path(folder, "out", arn.rsplit("/", 1)[1], "a.jsonl.out").read_text(encoding="utf-8").splitlines()
            self.assertEqual(len(lines), 100)

    def test_it_copies_a_folder_with_a_large_file_there_and_back(self):
        with tempfile.TemporaryDirectory() as folder:
            source, back = pathlib.Path(folder, "source"), pathlib.Path(folder, "back")
            contents = {"large.bin": bytes(range(256)) * 80_000, "sub/small.txt": b"small", "sub/\u00fcml\u00e4ut +&.txt": b"odd"}
            for name, content in contents.items():
                pathlib.Path(source, name).parent.mkdir(parents=True, exist_ok=True)
                pathlib.Path(source, name).write_bytes(content)
            self.s3.create_bucket(Bucket="folder")
            self.aws("s3", "sync", "--quiet", source, "s3://folder/there")
            listed = self.aws("s3", "ls", "--recursive", "s3://folder/")
            self.assertEqual(len(listed.splitlines()), len(contents), listed)
            self.assertEqual(self.aws("s3", "sync", "--dryrun", "--size-only", source, "s3://folder/there"), "")
            self.aws("s3", "cp", "--quiet", "--recursive", "s3://folder/there", back)
            for name, content in contents.items():
                self.assertEqual(pathlib.Path(back, name).read_bytes(), content)


if __name__ == "__main__":
    unittest.main()
