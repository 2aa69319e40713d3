"""An emulator for a test: started on a free port, asked, moved in time, killed, and continued.

The server is the binary under test; the clients are unmodified boto3.
"""

import contextlib
import json
import pathlib
import signal
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

import boto3
from botocore.config import Config

from program import BIN

START = "2026-11-02T00:00:00Z"
REGION = "us-east-1"
ROLE = "arn:aws:iam::111122223333:role/BatchRole"
HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
BUCKET = "emulated"
TERMINAL = {"Completed", "PartiallyCompleted", "Failed", "Stopped", "Expired"}
HOUR_S = 3600


class Emulator:
    """A running emulator over a folder of its own (or a given one)."""

    def __init__(self, *args, folder=None, settings=None):
        self._temporary = None if folder else tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(folder or self._temporary.name)
        self._args = [str(arg) for arg in args]
        if settings is not None:
            path = self.folder / "settings.toml"
            path.write_text(settings, encoding="utf-8")
            self._args += ["--settings", str(path)]
        self.start()

    def start(self, **process):
        """Starts it, with more arguments for Popen if need be, and waits until it says where it listens."""
        command = [str(BIN), "emulate", "--data", str(self.folder), "--listen", "127.0.0.1:0", "--format", "json", *self._args]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **process)
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"the emulator did not start: exit code {self.process.wait()}")
        self.info = json.loads(line)

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=30)
        self.process.stdout.close()
        return code

    def restart(self):
        """kill -9, and the same folder again (on another port: make new clients)."""
        self.kill()
        self.start()

    def close(self):
        if self.process.poll() is None:
            self.kill()
        if self._temporary:
            self._temporary.cleanup()

    def client(self, service, *, tls=False, region=REGION, key=None, secret=None, **config):
        """A boto3 client with the emulator's first account, or with other keys."""
        kept = {"retries": {"total_max_attempts": 1, "mode": "standard"}} | config
        return boto3.client(
            service,
            endpoint_url=self.info["tls_url" if tls else "url"],
            region_name=region,
            aws_access_key_id=key or self.info["access_key_id"],
            aws_secret_access_key=secret or self.info["secret_access_key"],
            verify=self.info["ca_bundle"] if tls else None,
            config=Config(**kept),
        )

    def ask(self, path, body=None, method=None):
        """One of the emulator's own endpoints: JSON in, JSON out; an error is an AssertionError with its text."""
        data = None if body is None else json.dumps(body).encode()
        method = method or ("GET" if body is None else "POST")
        request = urllib.request.Request(f"{self.info['url']}/_laneshift/{path}", data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                text = answer.read().decode()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.code} {error.read().decode()}") from error
        return text if path.startswith("bill.csv") else json.loads(text)

    def advance(self, seconds):
        """Moves a stepped clock, and returns when everything that is due by then is done."""
        return self.ask("clock", {"advance_s": seconds})

    def faults(self, *rules):
        """Replaces all fault rules."""
        return self.ask("faults", list(rules), method="PUT")

    def bill(self, by="model"):
        return self.ask(f"bill?by={by}")


class EmulatedCase(unittest.TestCase):
    """Tests of one emulator on a stepped clock, with a bucket."""

    ARGS = ("--stepped", "--start", START)
    SETTINGS = None

    def setUp(self):
        self.emulator = self.emulate(*self.ARGS, settings=self.SETTINGS)
        self.connect()
        self.s3.create_bucket(Bucket=BUCKET)

    def emulate(self, *args, **kwargs):
        emulator = Emulator(*args, **kwargs)
        self.addCleanup(emulator.close)
        return emulator

    def connect(self):
        """Clients of the emulator as it runs: again after each restart."""
        self.runtime = self.emulator.client("bedrock-runtime")
        self.bedrock = self.emulator.client("bedrock")
        self.s3 = self.emulator.client("s3")
        for client in (self.runtime, self.bedrock, self.s3):
            self.addCleanup(client.close)

    def upload(self, records, key="in/records.jsonl"):
        """Writes records (values, or lines as they are) as one JSONL object."""
        lines = (record if isinstance(record, str) else json.dumps(record) for record in records)
        self.s3.put_object(Bucket=BUCKET, Key=key, Body="".join(f"{line}\n" for line in lines).encode())

    def create_job(self, name="job", **changes):
        """Creates a job over s3://emulated/in/; gives its ARN."""
        request = {
            "jobName": name,
            "roleArn": ROLE,
            "modelId": HAIKU,
            "inputDataConfig": {"s3InputDataConfig": {"s3Uri": f"s3://{BUCKET}/in/"}},
            "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": f"s3://{BUCKET}/out/"}},
        }
        return self.bedrock.create_model_invocation_job(**(request | changes))["jobArn"]

    def get_job(self, arn):
        return self.bedrock.get_model_invocation_job(jobIdentifier=arn)

    def wait(self, arn, until=TERMINAL, step_s=60, steps=5000):
        """Steps the clock until a job is in one of these states; gives it."""
        until = {until} if isinstance(until, str) else until
        for _ in range(steps):
            job = self.get_job(arn)
            if job["status"] in until:
                return job
            if job["status"] in TERMINAL:
                raise AssertionError(f"the job ended as {job['status']}, not in {until}: {job.get('message')}")
            self.emulator.advance(step_s)
        raise AssertionError(f"the job is still {job['status']}")

    def output(self, arn, name="records.jsonl.out"):
        """The lines of an output file, read."""
        body = self.s3.get_object(Bucket=BUCKET, Key=f"out/{arn.rsplit('/', 1)[1]}/{name}")["Body"].read()
        return [json.loads(line) for line in body.decode().splitlines()]

    def manifest(self, arn):
        return self.output(arn, "manifest.json.out")[0]

    @contextlib.contextmanager
    def refused(self, code, status=None, words=""):
        """The call inside fails with AWS's error of this name."""
        from botocore.exceptions import ClientError

        with self.assertRaises(ClientError) as caught:
            yield caught
        error = caught.exception.response
        self.assertEqual(error["Error"]["Code"], code, error)
        if status is not None:
            self.assertEqual(error["ResponseMetadata"]["HTTPStatusCode"], status)
        self.assertIn(words, error["Error"].get("Message", ""))


def claude(text, max_tokens=64, **more):
    """The body of a Claude message."""
    return {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": max_tokens,
        "messages": [{"role": "user", "content": text}],
    } | more


def records(n, text="question", **more):
    """n records of a job of type InvokeModel."""
    return [{"recordId": f"r-{i:06}", "modelInput": claude(f"{text} {i}", **more)} for i in range(n)]
