"""A mixed hour: chats, a RAG pair, classification and a backfill at once, over one unit of capacity, with throttling and a kill.

Whether each call went where it is cheapest in time is checked here by trying all lanes over the price list, without the program's own
decision.
"""

import json
import threading
import unittest
from collections import Counter
from decimal import Decimal

import openai

import prices
from emulated import BUCKET, HAIKU, ROLE, Emulator
from gateway import REGION, Gateway
from test_gateway import NOVA, NOVA_PRO, LaterCase
from test_gateway_market import ARN, COMMITTED, UNIT
from test_gateway_openai import TITAN

FLEX_WAIT_S = 240
PER_MINUTE = 400
TURNAROUND = "[turnaround]\nqueue_median_min = 5.0\nqueue_sigma = 0.1\ntail_share = 0.0\n"


class MixedHour(LaterCase):
    def setUp(self):
        super().setUp()
        self.gateway.close()
        self.emulator.close()
        # An hour of the emulator passes in six seconds.
        self.emulator = Emulator("--speed", "600", settings=UNIT + TURNAROUND)
        self.addCleanup(self.emulator.close)
        client = self.emulator.client("s3")
        client.create_bucket(Bucket=BUCKET)
        client.close()
        commitments = self.emulator.folder / "commitments.toml"
        commitments.write_text(COMMITTED.replace("input_tpm_per_unit = 60", f"input_tpm_per_unit = {PER_MINUTE}"), encoding="utf-8")
        self.gateway = Gateway(
            self.emulator,
            config=f'commitments = "{commitments}"\n[[upstream]]\nregion = "{REGION}"\nendpoint_url = "{self.emulator.info["url"]}"\n'
            f'[batch]\nrole = "{ROLE}"\ns3 = "s3://{BUCKET}/later"\nlinger_s = 3\npoll_s = 1\n',
        )
        self.addCleanup(self.gateway.close)
        self.key = self.gateway.key("team-a")
        self.connect(self.key)
        self.decisions = []
        self.failures = []

    def calls(self, n, workload, model, deadline_s=None, stream=False):
        """Interactive or tolerant calls, one after another; notes what was decided of each."""
        client = self.gateway.client(self.key, retries={"total_max_attempts": 8, "mode": "standard"})

        def head(request, **_):
            request.headers["laneshift-explain"] = "true"
            if deadline_s:
                request.headers["laneshift-deadline"] = f"{deadline_s}s"

        client.meta.events.register("before-sign.bedrock-runtime", head)
        for i in range(n):
            ask = {
                "modelId": model,
                "messages": [{"role": "user", "content": [{"text": f"{workload} {i}"}]}],
                "inferenceConfig": {"maxTokens": 40},
                "requestMetadata": {"laneshift:workload": workload},
            }
            if stream:
                answer = client.converse_stream(**ask)
                usage = [event["metadata"]["usage"] for event in answer["stream"] if "metadata" in event][0]
            else:
                answer = client.converse(**ask)
                usage = answer["usage"]
            decision = json.loads(answer["ResponseMetadata"]["HTTPHeaders"]["laneshift-decision"])
            self.decisions.append((workload, model, deadline_s, decision, usage))
        client.close()

    def classification(self, n):
        """Calls that can wait half a day, one by one, under ids."""
        self.ids = []
        for i in range(n):
            body = {"messages": [{"role": "user", "content": [{"text": f"classify {i}"}]}], "inferenceConfig": {"maxTokens": 10}}
            status, accepted = self.ask(
                f"/model/{HAIKU}/converse", method="POST", body=body, Prefer="respond-async", laneshift_deadline="12h"
            )
            assert status == 202, accepted
            self.ids.append(accepted["id"])

    def backfill(self, n):
        """An embedding backfill as one file."""
        client = openai.OpenAI(base_url=self.gateway.info["url"] + "/v1", api_key=self.key["api_key"])
        lines = [
            {"custom_id": f"e{i}", "method": "POST", "url": "/v1/embeddings", "body": {"model": TITAN, "input": f"passage {i}"}}
            for i in range(n)
        ]
        file = client.files.create(file=("backfill.jsonl", "\n".join(map(json.dumps, lines)).encode()), purpose="batch")
        self.batch = client.batches.create(input_file_id=file.id, endpoint="/v1/embeddings", completion_window="24h")
        client.close()

    def side_by_side(self, *work):
        def run(what):
            try:
                what()
            except Exception as error:  # noqa: BLE001  (told by the main thread)
                self.failures.append(error)

        threads = [threading.Thread(target=run, args=(what,)) for what in work]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.failures, [])

    def cheapest(self, model, deadline_s, usage, refused):
        """The lanes that meet the deadline at the lowest price, by trying them all."""
        tokens = {"input": usage["inputTokens"], "output": usage["outputTokens"]}
        offers = {"standard": prices.cost(model, "on_demand", **tokens)}
        if deadline_s and deadline_s >= FLEX_WAIT_S:
            try:
                offers["flex"] = prices.cost(model, "flex", **tokens)
            except KeyError:
                pass
        if model == NOVA and refused.get('provisioned "one unit"') != "it has no room":
            offers['provisioned "one unit"'] = 0
        least = min(offers.values())
        return {lane for lane, price in offers.items() if price == least}

    def test_every_call_goes_where_it_is_cheapest_in_time_and_books_and_bill_agree(self):
        self.emulator.faults({"fault": "throttled", "rate": 0.05, "operation": "Converse"})
        self.side_by_side(
            lambda: self.calls(40, "chat", NOVA, stream=True),
            lambda: self.calls(25, "rag-live", NOVA_PRO),
            lambda: self.calls(25, "tagging", NOVA_PRO, deadline_s=6 * 3600),
            lambda: self.calls(15, "summaries", NOVA, deadline_s=6 * 3600),
            lambda: self.classification(130),
            lambda: self.backfill(140),
        )
        self.gateway.kill()
        self.gateway.start()
        self.emulator.faults()
        for id_ in self.ids:
            self.assertEqual(self.answer(id_)["status"], "answered")
        client = openai.OpenAI(base_url=self.gateway.info["url"] + "/v1", api_key=self.key["api_key"])
        self.addCleanup(client.close)
        for _ in range(600):
            batch = client.batches.retrieve(self.batch.id)
            if batch.status == "completed":
                break
            threading.Event().wait(0.2)
        self.assertEqual((batch.status, batch.request_counts.completed), ("completed", 140))

        lanes = Counter()
        for workload, model, deadline_s, decision, usage in self.decisions:
            # A lane that throttled this call, or one just before it, was not there to take it.
            refused = decision["refused"].items()
            if any(why == "it refused this call" or (why == "it has no room" and not lane.startswith("prov")) for lane, why in refused):
                continue
            self.assertIn(decision["lane"], self.cheapest(model, deadline_s, usage, decision["refused"]), (workload, decision))
            lanes[workload, decision["lane"].split(" ")[0]] += 1
        self.assertEqual(len(self.decisions), 105)
        self.assertGreater(sum(lanes.values()), 80, "most were decided with every lane open")
        self.assertGreater(lanes["chat", "provisioned"], 5)
        self.assertEqual({lane for workload, lane in lanes if workload == "rag-live"}, {"standard"})
        self.assertEqual({lane for workload, lane in lanes if workload == "tagging"}, {"flex"})
        self.assertGreater(prices.rate(HAIKU, "on_demand", "output"), prices.rate(HAIKU, "batch", "output"), "batch was the cheapest")

        rows = {(row["workload"], row["lane"]): row for row in self.gateway.savings()["rows"]}
        self.assertEqual(rows["", "batch"]["calls"], 270)
        everything = self.gateway.savings()["all"]
        self.assertEqual((Decimal(everything["paid_usd"]), everything["bound_usd"]), (self.billed(), "0"))
        self.within_the_unit()

    def within_the_unit(self):
        """Of no minute more went to the unit than it takes."""
        minutes = Counter()
        for path in (self.gateway.folder / "ledger").rglob("*.json"):
            for line in path.read_text(encoding="utf-8").splitlines():
                record = json.loads(line)
                if record["modelId"] == ARN:
                    minutes[record["timestamp"][:16]] += record["input"].get("inputTokenCount", 0)
        self.assertLessEqual(max(minutes.values()), PER_MINUTE)


if __name__ == "__main__":
    unittest.main()
