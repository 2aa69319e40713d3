"""What can take a call: capacity that is paid for, several accounts, and what has just refused."""

import json
import socket
import unittest
import urllib.request
from decimal import Decimal

from botocore.exceptions import ClientError

from emulated import Emulator
from gateway import REGION, Gateway
from test_gateway import NOVA, NOVA_PRO, QUESTION, GatewayCase

LITE = "amazon.nova-lite-v1:0"
ARN = f"arn:aws:bedrock:{REGION}:111122223333:provisioned-model/provisioned1"
UNIT = f"""[[provisioned_model]]
account = "111122223333"
region = "{REGION}"
id = "provisioned1"
name = "committed"
model = "{LITE}"
units = 1
commitment = "OneMonth"
tokens_per_minute = 100000
"""
COMMITTED = f"""[[provisioned]]
name = "one unit"
arn = "{ARN}"
model = "{LITE}"
region = "{REGION}"
units = 1
usd_per_unit_hour = "21.18"
input_tpm_per_unit = 60
output_tpm_per_unit = 100000
"""


class MarketCase(GatewayCase):
    """A gateway over emulators of its own."""

    def over(self, config, settings=None, **environment):
        self.gateway.close()
        self.emulator.close()
        self.emulator = Emulator("--speed", "1", settings=settings)
        self.addCleanup(self.emulator.close)
        upstream = f'[[upstream]]\nregion = "{REGION}"\nendpoint_url = "{self.emulator.info["url"]}"\n'
        self.gateway = Gateway(self.emulator, config=config.replace("UPSTREAM", upstream), environment=environment)
        self.addCleanup(self.gateway.close)
        self.key = self.gateway.key("team-a")
        self.connect(self.key)

    def lane(self, model=LITE, deadline=None):
        """Asks; gives where it went and the decision."""
        client = self.gateway.client(self.key)

        def head(request, **_):
            request.headers["laneshift-explain"] = "true"
            if deadline:
                request.headers["laneshift-deadline"] = deadline

        client.meta.events.register("before-sign.bedrock-runtime.Converse", head)
        answer = client.converse(modelId=model, messages=QUESTION, inferenceConfig={"maxTokens": 20})
        client.close()
        return json.loads(answer["ResponseMetadata"]["HTTPHeaders"]["laneshift-decision"])

    def rows(self):
        return {row["lane"]: row for row in self.gateway.savings()["rows"]}


class Committed(MarketCase):
    def setUp(self):
        super().setUp()
        path = self.emulator.folder / "commitments.toml"
        path.write_text(COMMITTED, encoding="utf-8")
        text = path.read_text(encoding="utf-8")
        self.over("UPSTREAM", settings=UNIT)
        path = self.gateway.folder / "commitments.toml"
        path.write_text(text, encoding="utf-8")
        self.restart(path)

    def restart(self, path):
        config = self.gateway.folder / "gateway.toml"
        config.write_text(f'commitments = "{path}"\n' + config.read_text(encoding="utf-8"), encoding="utf-8")
        self.gateway.kill()
        self.gateway.start()

    def test_what_is_paid_for_takes_calls_while_it_has_room_and_spills_the_rest(self):
        lanes = [self.lane()["lane"] for _ in range(12)]
        self.assertEqual(lanes[0], 'provisioned "one unit"')
        self.assertEqual(lanes[-1], "standard")
        rows = self.rows()
        self.assertEqual(rows["provisioned"]["calls"], lanes.count('provisioned "one unit"'))
        self.assertEqual(rows["provisioned"]["paid_usd"], "0")
        self.assertGreater(Decimal(rows["provisioned"]["on_demand_usd"]), 0)
        self.assertEqual(Decimal(rows["standard"]["paid_usd"]), self.billed())
        self.assertEqual(self.lane()["refused"]['provisioned "one unit"'], "it has no room")

    def test_a_call_that_names_the_capacity_spills_too(self):
        lanes = {self.lane(model=ARN)["lane"] for _ in range(12)}
        self.assertEqual(lanes, {'provisioned "one unit"', "standard"})

    def test_a_call_that_is_wrong_closes_the_capacity_for_nobody(self):
        client = self.gateway.client(self.key)
        self.addCleanup(client.close)
        for _ in range(3):
            with self.assertRaises(ClientError) as caught:
                client.converse(modelId=LITE, messages=QUESTION, inferenceConfig={"maxTokens": 9_000_000})
            self.assertEqual(caught.exception.response["Error"]["Code"], "ValidationException")
        self.assertEqual(self.lane()["lane"], 'provisioned "one unit"')

    def test_a_refusal_of_the_capacity_is_answered_on_demand(self):
        self.emulator.faults({"fault": "throttled", "times": 1})
        self.assertEqual(self.lane()["lane"], "standard")
        self.assertEqual(self.rows()["provisioned"]["errors"], 1)
        self.assertEqual(self.lane()["refused"]['provisioned "one unit"'], "it has no room", "it is left alone for a moment")

    def test_the_hours_of_paid_capacity_are_a_row_of_their_own(self):
        self.lane()
        path = self.gateway.folder / "commitments.toml"
        without = self.gateway.savings()["all"]
        told = self.gateway.json("savings", "--commitments", path)

        def seen_by(key):
            client = urllib.request.Request(self.gateway.info["url"] + "/savings", headers={"Authorization": f"Bearer {key['api_key']}"})
            with urllib.request.urlopen(client, timeout=30) as answer:
                return json.load(answer)["rows"]

        everybody, other = self.gateway.key("*"), self.gateway.key("team-b")
        for key in (everybody, other):
            self.connect(key)
        self.assertEqual({row["owner"] for row in seen_by(self.key)}, {"team-a"}, "what all pay for is no single owner's")
        self.assertEqual({row["owner"] for row in seen_by(other)}, {"team-b"})
        self.assertEqual({row["owner"] for row in seen_by(everybody)}, {"team-a", "team-b", "*"})
        for rows in (told["rows"], [row for row in seen_by(everybody) if not row["calls"]]):
            [fee] = [row for row in rows if row["owner"] == "*"]
            self.assertEqual((fee["workload"], fee["lane"], fee["calls"]), ("one unit", "provisioned", 0))
            self.assertEqual(Decimal(fee["paid_usd"]), Decimal("21.18") * fee["paid_hours"])
            self.assertGreaterEqual(fee["paid_hours"], 1)
        self.assertEqual(Decimal(told["all"]["saved_usd"]), Decimal(without["saved_usd"]) - Decimal(fee["paid_usd"]))
        self.assertIn("by the begun hour", self.gateway.laneshift("savings", "--commitments", path).stdout)


class Accounts(MarketCase):
    def test_what_one_account_refuses_another_answers(self):
        other = Emulator("--speed", "1", settings='[[account]]\nid = "222233334444"\nprincipal = "arn:aws:iam::222233334444:user/x"\naccess_key = "AKIAOTHER"\nsecret_key = "other"\nbearer_key = "b"\n')
        self.addCleanup(other.close)
        second = f'[[upstream]]\nregion = "{REGION}"\naccount = "222233334444"\nendpoint_url = "{other.info["url"]}"\naccess_key_id_env = "OTHER_ID"\nsecret_access_key_env = "OTHER_KEY"\n'
        self.over("UPSTREAM" + second, OTHER_ID="AKIAOTHER", OTHER_KEY="other")
        self.emulator.faults({"fault": "throttled"})
        self.assertEqual(self.lane(model=NOVA)["lane"], "standard of upstream 2")
        for _ in range(30):
            self.lane(model=NOVA)
        self.emulator.faults()
        bill = sum(Decimal(line["costUsd"]) for line in other.bill()["lines"])
        self.assertEqual((Decimal(self.gateway.savings()["all"]["paid_usd"]), self.billed()), (bill, 0))
        calls = self.rows()["standard"]
        self.assertLess(calls["errors"], 12, "the one that refuses is left alone, and retries are few")
        other.kill()
        self.gateway.kill()
        self.gateway.start()
        self.assertEqual(self.lane(model=NOVA)["lane"], "standard", "one that cannot be reached is left out")

    def test_calls_never_leave_their_region(self):
        second = f'[[upstream]]\nregion = "eu-west-1"\nendpoint_url = "http://127.0.0.1:1"\n'
        self.over("UPSTREAM" + second)
        self.emulator.faults({"fault": "throttled"})
        with self.assertRaises(ClientError) as caught:
            self.lane(model=NOVA)
        self.assertEqual(caught.exception.response["Error"]["Code"], "ThrottlingException")
        self.emulator.faults()
        client = self.gateway.client(self.key, region="eu-west-1")
        self.addCleanup(client.close)
        with self.assertRaises(ClientError) as caught:
            client.converse(modelId=NOVA, messages=QUESTION)
        self.assertEqual(caught.exception.response["Error"]["Code"], "ServiceUnavailableException")

    def test_an_upstream_that_cannot_be_reached_is_left_alone_for_a_moment(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            dead = f'[[upstream]]\nregion = "{REGION}"\nendpoint_url = "http://127.0.0.1:{taken.getsockname()[1]}"\n'
            self.over(dead + "UPSTREAM")
            for _ in range(10):
                self.assertEqual(self.lane(model=NOVA)["lane"], "standard of upstream 2")
        self.assertLess(self.rows()["standard"]["errors"], 8)


class Wrong(MarketCase):
    def test_a_commitment_that_nothing_can_call_is_named(self):
        path = self.gateway.folder / "commitments.toml"
        config = self.gateway.folder / "gateway.toml"
        for change, words in [
            (COMMITTED.replace(f'arn = "{ARN}"\n', ""), "has no arn"),
            (COMMITTED.replace(f'region = "{REGION}"', 'region = "eu-west-1"'), "no [[upstream]]"),
        ]:
            path.write_text(change, encoding="utf-8")
            config.write_text(f'commitments = "{path}"\n[[upstream]]\nregion = "{REGION}"\n', encoding="utf-8")
            done = self.gateway.laneshift("serve", "--config", config, "--listen", "127.0.0.1:0")
            self.assertEqual((done.returncode, words in done.stderr), (3, True), done.stderr)


class Free(GatewayCase):
    def test_tokens_are_counted_for_nothing(self):
        ask = {"modelId": "anthropic.claude-haiku-4-5-20251001-v1:0", "input": {"converse": {"messages": QUESTION}}}
        direct = self.emulator.client("bedrock-runtime")
        self.addCleanup(direct.close)
        self.assertEqual(self.runtime.count_tokens(**ask)["inputTokens"], direct.count_tokens(**ask)["inputTokens"])
        self.assertEqual(self.billed(), 0)
        narrow = self.gateway.key("team-b", "--model", NOVA_PRO)
        with self.assertRaises(ClientError) as caught:
            self.connect(narrow).count_tokens(**ask)
        self.assertEqual(caught.exception.response["Error"]["Code"], "AccessDeniedException")


if __name__ == "__main__":
    unittest.main()
