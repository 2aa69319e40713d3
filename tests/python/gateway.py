"""A gateway for a test: started on a free port over an emulator, killed, and continued."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile

import boto3
from botocore.config import Config

from program import BIN

REGION = "us-east-1"
NODE = pathlib.Path(os.environ.get("LANESHIFT_NODE", pathlib.Path(os.environ["LANESHIFT_ROOT"]) / "target" / "node"))


class Gateway:
    """A running gateway over a folder of its own, in front of an emulator."""

    def __init__(self, emulator, *args, config=None, environment=None):
        self._temporary = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self._temporary.name)
        self.emulator = emulator
        self._environment = environment or {}
        self._errors = tempfile.TemporaryFile()
        if config is None:
            self._args = ["--region", REGION, "--endpoint-url", emulator.info["url"], *args]
        else:
            path = self.folder / "gateway.toml"
            path.write_text(config, encoding="utf-8")
            self._args = ["--config", str(path), *args]
        self.start()

    def environment(self):
        return {
            "PATH": "/usr/bin:/bin",
            "AWS_ACCESS_KEY_ID": self.emulator.info["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": self.emulator.info["secret_access_key"],
            "LANESHIFT_GATEWAY_DATA": str(self.folder),
        } | self._environment

    def start(self, **popen):
        command = [str(BIN), "serve", "--listen", "127.0.0.1:0", "--format", "json", *map(str, self._args)]
        self.process = subprocess.Popen(command, env=self.environment(), stdout=subprocess.PIPE, stderr=self._errors, **popen)
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"the gateway did not start: exit code {self.process.wait()}")
        self.info = json.loads(line)

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def restart(self, **environment):
        """kill -9, and another process with this in its environment."""
        self.kill()
        self._environment = environment
        self.start()

    def stop(self):
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=60)
        self.process.stdout.close()
        return code

    def close(self):
        if self.process.poll() is None:
            self.kill()
        self._errors.close()
        self._temporary.cleanup()

    def laneshift(self, *args):
        command = [str(BIN), *map(str, args)]
        return subprocess.run(command, env=self.environment(), capture_output=True, text=True, timeout=60, check=False)

    def json(self, *args):
        done = self.laneshift(*args, "--format", "json")
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return json.loads(done.stdout)

    def key(self, owner="team-a", *args):
        """Makes a key; a gateway that runs knows it within a second or two."""
        made = self.json("keys", "create", "--owner", owner, *args)
        self.process.send_signal(signal.SIGHUP)
        return made

    def client(self, key, *, service="bedrock-runtime", tls=False, region=REGION, **config):
        """An unmodified boto3 client with a key of the gateway."""
        kept = {"retries": {"total_max_attempts": 1, "mode": "standard"}} | config
        return boto3.client(
            service,
            endpoint_url=self.info["tls_url" if tls else "url"],
            region_name=region,
            aws_access_key_id=key["access_key_id"],
            aws_secret_access_key=key["secret_access_key"],
            verify=self.info["ca_bundle"] if tls else None,
            config=Config(**kept),
        )

    def aws(self, key):
        """What AWS's tools read of the environment."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "AWS_ACCESS_KEY_ID": key["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": key["secret_access_key"],
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": self.info["url"],
        }

    def node(self, script, key, **environment):
        """What a script of tests/node prints, with a key of the gateway in its environment."""
        env = self.aws(key) | {"GATEWAY_URL": self.info["url"]} | environment
        done = subprocess.run(["node", script], cwd=NODE, env=env, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return json.loads(done.stdout)

    def log(self):
        """What it wrote to standard error so far."""
        self._errors.seek(0)
        return self._errors.read().decode()

    def savings(self):
        return self.json("savings")
