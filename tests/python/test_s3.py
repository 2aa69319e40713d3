"""Evidence in a bucket gives the plan that the same evidence in a folder gives."""

import json
import logging
import pathlib
import socket
import tempfile
import unittest

import boto3
from moto.server import ThreadedMotoServer

from program import ACME, audit, figure, laneshift

# Made up: the server takes any.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
BUCKET, PREFIX = "logs", "acme"

# What does not say where the evidence came from.
SAME = ["today_usd", "planned_usd", "savings", "lanes", "waterfall", "workloads", "scope.records", "scope.usage", "scope.sampling_factor"]

# docs/errors.md
EXIT_UNREACHABLE, CODE_UNREACHABLE = 4, "LS0007"


def closed_port():
    """A loopback port on which nobody listens: taken from the system and given back."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class S3(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        cls.addClassCleanup(server.stop)
        host, port = server.get_host_and_port()
        cls.endpoint = f"http://{host}:{port}"
        client = boto3.client(
            "s3",
            endpoint_url=cls.endpoint,
            region_name=CREDENTIALS["AWS_REGION"],
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )
        cls.addClassCleanup(client.close)
        client.create_bucket(Bucket=BUCKET)
        for path in sorted(ACME.rglob("*")):
            if path.is_file():
                client.put_object(Bucket=BUCKET, Key=f"{PREFIX}/{path.relative_to(ACME).as_posix()}", Body=path.read_bytes())
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)

    def test_a_bucket_gives_the_plan_of_the_folder(self):
        local = audit(ACME, self.folder / "local")
        remote = audit(f"s3://{BUCKET}/{PREFIX}", self.folder / "remote", "--s3-endpoint", self.endpoint, env=CREDENTIALS)
        for path in SAME:
            with self.subTest(path):
                self.assertEqual(figure(remote, path), figure(local, path))

    def test_an_empty_prefix_is_no_evidence(self):
        done = self.audit_s3(f"s3://{BUCKET}/nothing-here", self.endpoint)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn(json.loads(done.stderr.splitlines()[-1])["error"]["code"], ("LS0001", "LS0002"))

    def test_an_endpoint_that_does_not_answer_is_a_coded_error(self):
        done = self.audit_s3(f"s3://{BUCKET}/{PREFIX}", f"http://127.0.0.1:{closed_port()}")
        self.assertEqual(done.returncode, EXIT_UNREACHABLE, done.stderr)
        error = json.loads(done.stderr.splitlines()[-1])["error"]
        self.assertEqual((error["code"], error["message"].startswith("failed to "), bool(error["hint"])), (CODE_UNREACHABLE, True, True))
        self.assertEqual(done.stdout, "")

    def audit_s3(self, evidence, endpoint):
        """Audits into a folder of its own; the answer may be a failure."""
        out = self.folder / self.id()
        return laneshift("audit", evidence, "--s3-endpoint", endpoint, "--out", out, "--format", "json", env=CREDENTIALS)


if __name__ == "__main__":
    unittest.main()
