"""On-demand quotas, counted ahead: who goes first, who is held back, and where else there is room."""

import json
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

from botocore.exceptions import ClientError

from emulated import Emulator
from gateway import REGION, Gateway
from test_gateway import NOVA_PRO, QUESTION, GatewayCase
from test_gateway_market import LITE

OTHER = "222233334444"
ACCOUNTS = f"""[[account]]
[[account]]
id = "{OTHER}"
principal = "arn:aws:iam::{OTHER}:user/x"
access_key = "AKIAOTHER"
secret_key = "other"
bearer_key = "b"
"""
QUOTAS = """[quotas]
"On-demand model inference tokens per minute for Amazon Nova Lite" = 3000
"""
TIER = "On-demand model inference"


class Quotas(GatewayCase):
    """A gateway over two accounts of one emulator."""

    def over(self, quotas=QUOTAS, more="", held_s=1):
        self.gateway.close()
        self.emulator.close()
        self.emulator = Emulator("--speed", "1", settings=ACCOUNTS + quotas)
        self.addCleanup(self.emulator.close)
        upstream = f'[[upstream]]\nregion = "{REGION}"\nendpoint_url = "{self.emulator.info["url"]}"\n'
        first = upstream + 'account = "111122223333"\n'
        second = upstream + f'account = "{OTHER}"\naccess_key_id_env = "OTHER_ID"\nsecret_access_key_env = "OTHER_KEY"\n'
        environment = {"OTHER_ID": "AKIAOTHER", "OTHER_KEY": "other", "LANESHIFT_LOG": "info"}
        config = first + second + more + f"[limits]\nheld_s = {held_s}\n"
        self.gateway = Gateway(self.emulator, config=config, environment=environment)
        self.addCleanup(self.gateway.close)
        self.key = self.gateway.key("team-a")
        self.runtime = self.connect(self.key)
        self.until_told(2)

    def until_told(self, times):
        """Service Quotas was read of so many upstreams."""
        deadline = time.monotonic() + 20
        while self.gateway.log().count("Service Quotas was read") < times:
            self.assertLess(time.monotonic(), deadline, self.gateway.log())
            time.sleep(0.05)

    def ask(self, client, most=20, **more):
        ask = {"modelId": LITE, "messages": QUESTION} | more
        return client.converse(inferenceConfig={"maxTokens": most}, **ask)

    def client(self, deadline=None, explain=False):
        client = self.gateway.client(self.key)
        self.addCleanup(client.close)

        def head(request, **_):
            if deadline:
                request.headers["laneshift-deadline"] = deadline
            if explain:
                request.headers["laneshift-explain"] = "true"

        client.meta.events.register("before-sign.bedrock-runtime.Converse", head)
        return client

    def decision(self, client, most=20, **more):
        answer = self.ask(client, most, **more)
        return json.loads(answer["ResponseMetadata"]["HTTPHeaders"]["laneshift-decision"])

    def throttled_by_aws(self):
        paths = (self.gateway.folder / "ledger").rglob("*.json")
        records = [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
        self.assertTrue(records)
        return [record for record in records if record.get("errorCode") == "ThrottlingException"]

    def by_account(self):
        lines = self.emulator.bill("principal")["lines"]
        return {line["principal"].split(":")[4]: Decimal(line["costUsd"]) for line in lines}

    def test_calls_that_can_wait_take_two_accounts_and_nothing_from_those_that_cannot(self):
        self.over()
        answered, refused, enough = [], [], threading.Event()

        def tolerant():
            client = self.client(deadline="6h")
            while not enough.is_set():
                try:
                    answered.append(self.ask(client, most=60)["usage"]["totalTokens"])
                except ClientError as error:
                    refused.append(error.response["Error"])

        # More than two quotas have, as fast as they go, until one was held back for its time.
        threads = [threading.Thread(target=tolerant) for _ in range(8)]
        [thread.start() for thread in threads]
        try:
            interactive = [self.ask(self.runtime)["usage"]["totalTokens"] for _ in range(10)]
            deadline = time.monotonic() + 60
            while not refused and time.monotonic() < deadline:
                time.sleep(0.05)
            interactive += [self.ask(self.runtime)["usage"]["totalTokens"] for _ in range(10)]
        finally:
            enough.set()
            [thread.join() for thread in threads]
        self.assertEqual(self.throttled_by_aws(), [])
        self.assertEqual((len(interactive), bool(refused)), (20, True))
        for error in refused:
            self.assertEqual(error["Code"], "ThrottlingException")
            self.assertIn("of 3000 tokens of the last minute are taken", error["Message"])
        self.assertGreater(sum(answered), 3000, "they used both quotas")
        self.assertEqual(set(self.by_account()), {"111122223333", OTHER})

    def test_what_finds_no_room_says_so_and_a_call_that_cannot_wait_is_sent_all_the_same(self):
        self.over(more=f'[[quota]]\nmodel = "{LITE}"\nregion = "{REGION}"\naccount = "111122223333"\ntokens_per_minute = 100\n')
        client = self.client(explain=True)
        decision = self.decision(client, most=200)
        self.assertEqual(decision["lane"], "standard of upstream 2", "what is stated wins over what AWS tells")
        self.assertIn("0 of 100 tokens of the last minute are taken", decision["refused"]["standard"])
        decision = self.decision(client, most=2990)
        self.assertEqual(decision["lane"], "standard", "no account has room by our count, and AWS has the last word")
        self.assertIn("of 3000 tokens", decision["refused"]["standard of upstream 2"])

    def test_a_call_that_is_held_back_goes_when_another_has_ended(self):
        self.over(quotas='[quotas]\n"Cross-region model inference tokens per minute for Amazon Nova Pro" = 1000\n', held_s=60)
        slow = [{"role": "user", "content": [{"text": "[[toy: tokens=5, slow=1s]]"}]}]

        def ask(_):
            client = self.client(deadline="6h", explain=True)
            return self.decision(client, most=500, modelId=NOVA_PRO, messages=slow)["lane"]

        # Each account has room for one at a time.
        with ThreadPoolExecutor(6) as pool:
            lanes = list(pool.map(ask, range(6)))
        self.assertEqual(set(lanes), {"flex", "flex of upstream 2"})
        self.assertEqual(self.throttled_by_aws(), [])

    def test_calls_are_counted_beside_tokens(self):
        self.over(quotas=f'[quotas]\n"{TIER} requests per minute for Amazon Nova Lite" = 3\n')
        client = self.client(explain=True)
        lanes = [self.decision(client)["lane"] for _ in range(5)]
        self.assertEqual(lanes, ["standard"] * 3 + ["standard of upstream 2"] * 2)
        self.assertEqual(self.throttled_by_aws(), [])

    def test_a_quota_that_cannot_be_is_named(self):
        path = self.gateway.folder / "gateway.toml"
        for rest, words in [
            (f'model = "{LITE}"\nregion = "eu-west-1"\ntokens_per_minute = 1', "quota.region"),
            (f'model = "{LITE}"\nregion = "{REGION}"', "tokens_per_minute"),
        ]:
            path.write_text(f'[[upstream]]\nregion = "{REGION}"\n[[quota]]\n{rest}\n', encoding="utf-8")
            done = self.gateway.laneshift("config", "check", path)
            self.assertEqual((done.returncode, words in done.stderr), (3, True), done.stderr)


if __name__ == "__main__":
    unittest.main()
