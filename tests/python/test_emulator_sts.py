"""STS of the emulator, judged by unmodified boto3: sessions of roles, who they are, and when they end."""

import datetime
import gzip
import json
import unittest

import boto3
from botocore.config import Config

from emulated import BUCKET, HOUR_S, REGION, EmulatedCase

ASK = {"modelId": "amazon.nova-lite-v1:0", "messages": [{"role": "user", "content": [{"text": "Hello"}]}]}
ROLE = "arn:aws:iam::111122223333:role/teams/TeamA"
ARN = "arn:aws:sts::111122223333:assumed-role/TeamA/chat@acme"


class Sts(EmulatedCase):
    def setUp(self):
        super().setUp()
        self.sts = self.emulator.client("sts")
        self.addCleanup(self.sts.close)

    def assume(self, sts=None, **changes):
        ask = {"RoleArn": ROLE, "RoleSessionName": "chat@acme"} | changes
        return (sts or self.sts).assume_role(**ask)

    def session(self, service, keys, **changes):
        """A client with the keys of a session."""
        given = {"AccessKeyId": keys["AccessKeyId"], "SecretAccessKey": keys["SecretAccessKey"], "SessionToken": keys["SessionToken"]} | changes
        client = boto3.client(
            service,
            endpoint_url=self.emulator.info["url"],
            region_name=REGION,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
            config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
        )
        self.addCleanup(client.close)
        return client

    def test_a_session_calls_under_its_own_name_in_logs_and_bill(self):
        config = {"s3Config": {"bucketName": BUCKET, "keyPrefix": "logs"}, "textDataDeliveryEnabled": True}
        self.bedrock.put_model_invocation_logging_configuration(loggingConfig=config)
        assumed = self.assume()
        self.assertEqual(assumed["AssumedRoleUser"]["Arn"], ARN)
        keys = assumed["Credentials"]
        self.assertTrue(keys["AccessKeyId"].startswith("ASIA"))
        self.assertEqual(keys["Expiration"], datetime.datetime(2026, 11, 2, 1, tzinfo=datetime.UTC))
        who = self.session("sts", keys).get_caller_identity()
        self.assertEqual((who["Arn"], who["Account"]), (ARN, "111122223333"))
        self.assertEqual(self.sts.get_caller_identity()["Arn"], "arn:aws:iam::111122223333:user/developer")
        self.session("bedrock-runtime", keys).converse(**ASK)
        self.emulator.advance(2 * HOUR_S)
        found = [entry["Key"] for entry in self.s3.list_objects_v2(Bucket=BUCKET, Prefix="logs")["Contents"] if "data" not in entry["Key"]]
        bodies = [self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in found if key.endswith(".gz")]
        lines = [json.loads(line) for body in bodies for line in gzip.decompress(body).decode().splitlines()]
        self.assertEqual([line["identity"]["arn"] for line in lines], [ARN])
        self.assertEqual({line["principal"] for line in self.emulator.bill("principal")["lines"]}, {ARN})

    def test_a_session_ends_by_the_emulators_clock_and_outlives_a_restart(self):
        keys = self.assume(DurationSeconds=900)["Credentials"]
        self.emulator.restart()
        self.session("bedrock-runtime", keys).converse(**ASK)
        self.emulator.advance(900)
        with self.refused("ExpiredTokenException", 403, "expired"):
            self.session("bedrock-runtime", keys).converse(**ASK)
        with self.refused("ExpiredToken", 403):
            self.session("sts", keys).get_caller_identity()

    def test_keys_that_do_not_belong_together_are_unknown(self):
        one, two = self.assume()["Credentials"], self.assume(RoleSessionName="other")["Credentials"]
        for changes, code in [
            ({"SessionToken": two["SessionToken"]}, "UnrecognizedClientException"),
            ({"SessionToken": "nonsense"}, "UnrecognizedClientException"),
            ({"SessionToken": None}, "UnrecognizedClientException"),
            ({"SecretAccessKey": two["SecretAccessKey"]}, "InvalidSignatureException"),
        ]:
            with self.refused(code, 403):
                self.session("bedrock-runtime", one, **changes).converse(**ASK)

    def test_what_cannot_be_assumed_is_named_as_sts_names_it(self):
        for changes, code, status in [
            ({"RoleArn": "arn:aws:iam::999999999999:role/Theirs"}, "AccessDenied", 403),
            ({"RoleArn": "arn:aws:iam::111122223333:user/no-role"}, "ValidationError", 400),
            ({"RoleSessionName": "a b"}, "ValidationError", 400),
            ({"DurationSeconds": 50_000}, "ValidationError", 400),
        ]:
            with self.refused(code, status):
                self.assume(**changes)
        stranger = self.emulator.client("sts", key="AKIANOBODY", secret="x")
        self.addCleanup(stranger.close)
        with self.refused("InvalidClientTokenId", 403):
            self.assume(stranger)
        with self.refused("InvalidAction", 400):
            self.sts.get_session_token()


if __name__ == "__main__":
    unittest.main()
