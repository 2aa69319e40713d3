"""Owners under roles and application inference profiles of their own: AWS's logs and bill tell them apart."""

import gzip
import json
import pathlib
import shutil
import tempfile
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

from botocore.exceptions import ClientError

from emulated import BUCKET, HAIKU, HOUR_S, Emulator
from gateway import REGION, Gateway
from test_gateway import POLICY, QUESTION, GatewayCase
from test_gateway_market import LITE

ACCOUNT = "111122223333"
PRO = "amazon.nova-pro-v1:0"
PROFILE = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:application-inference-profile/teamaprofile"
OTHER_PROFILE = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:application-inference-profile/otherprofile"
GLOBAL_PROFILE = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:application-inference-profile/globalprofile"
SETTINGS = "".join(
    f'[[application_profile]]\naccount = "{ACCOUNT}"\nregion = "{REGION}"\nid = "{id_}"\nname = "{id_}"\nmodel = "{model}"\n'
    for id_, model in [("teamaprofile", LITE), ("otherprofile", PRO), ("globalprofile", HAIKU.replace("us.", "global.", 1))]
)


def arn(role, session):
    return f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}"


class Roles(GatewayCase):
    def over(self, owners, account=ACCOUNT, more="", before=""):
        self.gateway.close()
        self.emulator.close()
        self.emulator = Emulator("--speed", "1", settings=SETTINGS)
        self.addCleanup(self.emulator.close)
        s3, bedrock = self.emulator.client("s3"), self.emulator.client("bedrock")
        self.addCleanup(s3.close)
        self.addCleanup(bedrock.close)
        self.s3 = s3
        s3.create_bucket(Bucket=BUCKET)
        logging = {"s3Config": {"bucketName": BUCKET, "keyPrefix": "logs"}, "textDataDeliveryEnabled": True}
        bedrock.put_model_invocation_logging_configuration(loggingConfig=logging)
        upstream = f'[[upstream]]\nregion = "{REGION}"\nendpoint_url = "{self.emulator.info["url"]}"\naccount = "{account}"\n'
        self.gateway = Gateway(self.emulator, config=before + upstream + owners + more, environment={"LANESHIFT_LOG": "info"})
        self.addCleanup(self.gateway.close)

    def owner(self, name):
        """A client of an owner."""
        return self.connect(self.gateway.key(name))

    def ask(self, client, **more):
        return client.converse(**({"modelId": LITE, "messages": QUESTION, "inferenceConfig": {"maxTokens": 20}} | more))

    def logged(self):
        """What AWS's invocation logs say of the calls that were answered."""
        self.emulator.advance(2 * HOUR_S)
        found = [entry["Key"] for entry in self.s3.list_objects_v2(Bucket=BUCKET, Prefix="logs").get("Contents", [])]
        bodies = [self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in found if key.endswith(".gz")]
        lines = [json.loads(line) for body in bodies for line in gzip.decompress(body).decode().splitlines()]
        return [line for line in lines if "errorCode" not in line]

    def test_each_owner_stands_in_awss_logs_and_bill_under_its_own_session(self):
        self.over(
            f'[owners.team-a]\nroles = ["arn:aws:iam::{ACCOUNT}:role/teams/TeamA"]\n'
            f'[owners."team b"]\nroles = ["arn:aws:iam::{ACCOUNT}:role/Shared"]\n'
            f'[owners.team-c]\nroles = ["arn:aws:iam::{ACCOUNT}:role/Shared"]\n'
        )
        clients = [self.owner(name) for name in ("team-a", "team b", "team-c", "others")]
        for client in clients:
            self.ask(client)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: self.ask(clients[0]), range(16)))
        stream = clients[0].converse_stream(modelId=LITE, messages=QUESTION, inferenceConfig={"maxTokens": 20})
        list(stream["stream"])
        clients[0].count_tokens(modelId=LITE, input={"converse": {"messages": QUESTION}})
        self.assertEqual(self.gateway.log().count("a role was assumed"), 3, "once for an owner, however many calls it makes")
        counts = {}
        for line in self.logged():
            counts[line["identity"]["arn"]] = counts.get(line["identity"]["arn"], 0) + 1
        (second,) = [name for name in counts if "/Shared/team-b-" in name]
        self.assertEqual(
            counts,
            {arn("TeamA", "team-a"): 18, second: 1, arn("Shared", "team-c"): 1, f"arn:aws:iam::{ACCOUNT}:user/developer": 1},
        )
        billed = {line["principal"] for line in self.emulator.bill("principal")["lines"]}
        self.assertEqual(billed, set(counts))
        self.assertEqual(Decimal(self.gateway.savings()["all"]["paid_usd"]), self.billed())
        self.assertNotIn("ASIA", self.gateway.log())

    def test_a_session_that_has_ended_is_followed_by_another(self):
        self.over(f'[owners.team-a]\nroles = ["arn:aws:iam::{ACCOUNT}:role/TeamA"]\n')
        client = self.owner("team-a")
        self.ask(client)
        self.emulator.advance(2 * HOUR_S)
        self.ask(client)
        list(client.converse_stream(modelId=LITE, messages=QUESTION, inferenceConfig={"maxTokens": 20})["stream"])
        self.assertEqual(self.gateway.log().count("a role was assumed"), 2)
        self.assertEqual([line["identity"]["arn"] for line in self.logged()], [arn("TeamA", "team-a")] * 3)
        self.assert_books()

    def test_a_role_that_cannot_be_assumed_is_named_and_holds_nobody_else_up(self):
        strangers = "999999999999"
        self.over(f'[owners.team-a]\nroles = ["arn:aws:iam::{strangers}:role/Theirs"]\n', account=strangers)
        client = self.owner("team-a")
        with self.assertRaises(ClientError) as caught:
            self.ask(client)
        error = caught.exception.response["Error"]
        self.assertEqual(error["Code"], "AccessDeniedException")
        for words in ("role/Theirs", "team-a", "sts:AssumeRole"):
            self.assertIn(words, error["Message"])
        self.ask(self.owner("team-b"))
        self.assertEqual([line["identity"]["arn"] for line in self.logged()], [f"arn:aws:iam::{ACCOUNT}:user/developer"])

    def test_an_owner_with_roles_goes_to_their_accounts_only(self):
        second = f'[[upstream]]\nregion = "eu-west-1"\naccount = "222233334444"\nendpoint_url = "http://127.0.0.1:1"\n'
        self.over(f'[owners.team-a]\nroles = ["arn:aws:iam::{ACCOUNT}:role/TeamA"]\n', more=second)
        key = self.gateway.key("team-a")
        self.connect(key)
        client = self.gateway.client(key, region="eu-west-1")
        self.addCleanup(client.close)
        with self.assertRaises(ClientError) as caught:
            self.ask(client)
        self.assertEqual(caught.exception.response["Error"]["Code"], "AccessDeniedException")
        self.assertIn("no role in an account of eu-west-1", caught.exception.response["Error"]["Message"])

    def test_an_owners_profile_is_called_instead_of_the_model(self):
        self.over(f'[[owners.team-a.profile]]\nmodel = "{LITE}"\narn = "{PROFILE}"\n')
        for owner in ("team-a", "team-b"):
            client = self.owner(owner)
            self.ask(client)
            body = {"messages": QUESTION, "inferenceConfig": {"maxTokens": 20}}
            client.invoke_model(modelId=LITE, body=json.dumps(body))
        self.assertEqual(sorted(line["modelId"] for line in self.logged()), [LITE, LITE, PROFILE, PROFILE])
        self.assertEqual(Decimal(self.gateway.savings()["all"]["paid_usd"]), self.billed())

    def test_a_client_may_name_its_profile_as_it_does_at_aws(self):
        self.over(f'[[owners.team-a.profile]]\nmodel = "{LITE}"\narn = "{PROFILE}"\n')
        self.ask(self.owner("team-a"), modelId=PROFILE)
        self.assertEqual([line["modelId"] for line in self.logged()], [PROFILE])
        paid = Decimal(self.gateway.savings()["all"]["paid_usd"])
        self.assertEqual((paid, paid > 0), (self.billed(), True))

    def test_a_profile_of_another_owner_is_not_called(self):
        self.over(f'[[owners.team-b.profile]]\nmodel = "{LITE}"\narn = "{PROFILE}"\n')
        with self.assertRaises(ClientError) as caught:
            self.ask(self.owner("team-a"), modelId=PROFILE)
        self.assertEqual(caught.exception.response["Error"]["Code"], "AccessDeniedException")

    def test_a_key_for_a_model_calls_and_counts_by_the_owners_profile_of_it(self):
        self.over("".join(f'[[owners.team-a.profile]]\nmodel = "{model}"\narn = "{arn}"\n' for model, arn in [(LITE, PROFILE), (PRO, OTHER_PROFILE)]))
        client = self.connect(self.gateway.key("team-a", "--model", LITE))
        question = {"converse": {"messages": QUESTION}}
        self.ask(client, modelId=PROFILE)
        self.assertEqual(client.count_tokens(modelId=PROFILE, input=question)["inputTokens"], client.count_tokens(modelId=LITE, input=question)["inputTokens"])
        for call in (lambda: self.ask(client, modelId=OTHER_PROFILE), lambda: client.count_tokens(modelId=OTHER_PROFILE, input=question)):
            with self.assertRaises(ClientError) as caught:
                call()
            self.assertEqual(caught.exception.response["Error"]["Code"], "AccessDeniedException")

    def test_a_policy_made_of_awss_logs_knows_the_owner_by_role_and_by_profile(self):
        owners = (
            f'[owners.team-a]\nroles = ["arn:aws:iam::{ACCOUNT}:role/teams/TeamA"]\n'
            f'[[owners.team-b.profile]]\nmodel = "{PRO}"\narn = "{OTHER_PROFILE}"\n'
        )
        for match, owner in [('role = "TeamA"', "team-a"), ('application_profile = "otherprofile"', "team-b")]:
            policy = pathlib.Path(tempfile.mkdtemp()) / "policy.toml"
            self.addCleanup(shutil.rmtree, policy.parent)
            text = POLICY.replace('metadata = "tagging"', match).replace("workload=tagging", "of AWS's logs")
            policy.write_text(text.replace('models = ["amazon.nova-pro-v1:0"]', f'models = ["{PRO}"]'), encoding="utf-8")
            self.over(owners, before=f'policy = "{policy}"\n')
            for name, tier in [(owner, "flex"), ("others", "default")]:
                answer = self.ask(self.owner(name), modelId=PRO)
                self.assertEqual(answer["serviceTier"]["type"], tier, match)

    def test_a_profile_of_another_model_or_of_another_reach_is_not_called(self):
        self.over("".join(f'[[owners.team-a.profile]]\nmodel = "{model}"\narn = "{arn}"\n' for model, arn in [(LITE, OTHER_PROFILE), (HAIKU, GLOBAL_PROFILE)]))
        client = self.owner("team-a")
        deadline = time.monotonic() + 20
        while self.gateway.log().count("is not of its model") < 2:
            self.assertLess(time.monotonic(), deadline, self.gateway.log())
            time.sleep(0.05)
        for model in (LITE, HAIKU):
            self.ask(client, modelId=model)
        self.assertEqual(Decimal(self.gateway.savings()["all"]["paid_usd"]), self.billed())
        # Who names it itself gets what it is, and not what it was said to be.
        self.ask(client, modelId=OTHER_PROFILE)
        self.assertEqual(sorted(line["modelId"] for line in self.logged()), sorted([LITE, HAIKU, OTHER_PROFILE]))
        self.assertLess(Decimal(self.gateway.savings()["all"]["paid_usd"]), self.billed())


if __name__ == "__main__":
    unittest.main()
