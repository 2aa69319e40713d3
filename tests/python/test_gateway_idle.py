"""Provisioned capacity that is idle answers what waits in the batch lane, at no further cost, and leaves to jobs what it cannot."""

import json
import signal
import unittest
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import openai

import prices
from test_gateway import NOVA, QUESTION, LaterCase
from test_gateway_market import ARN, COMMITTED, UNIT


class Idle(LaterCase):
    LINGER_S = 3600
    SETTINGS = UNIT + LaterCase.SETTINGS

    def config(self):
        self.commitments = self.emulator.folder / "commitments.toml"
        self.commit(input_tpm=240)
        return f'commitments = "{self.commitments}"\n' + super().config()

    def commit(self, input_tpm, arn=ARN):
        text = COMMITTED.replace("input_tpm_per_unit = 60", f"input_tpm_per_unit = {input_tpm}").replace(ARN, arn)
        self.commitments.write_text(text, encoding="utf-8")

    def later(self, text, key=None, most=30, deadline="24h"):
        body = {"messages": [{"role": "user", "content": [{"text": text}]}], "inferenceConfig": {"maxTokens": most}}
        body["requestMetadata"] = {"workload": "later"}
        path = f"/model/{NOVA}/converse"
        return self.ask(path, method="POST", body=body, key=key, Prefer="respond-async", laneshift_deadline=deadline)

    def waiting(self, ids):
        return [id_ for id_ in ids if self.ask(f"/requests/{id_}")[1]["status"] == "waiting"]

    def rows(self):
        return {(row["owner"], row["workload"], row["lane"]): row for row in self.gateway.savings()["rows"]}

    def jobs(self):
        client = self.emulator.client("bedrock")
        jobs = client.list_model_invocation_jobs()["invocationJobSummaries"]
        client.close()
        return jobs

    def assert_paid(self):
        savings = self.gateway.savings()["all"]
        self.assertEqual((Decimal(savings["paid_usd"]), savings["bound_usd"]), (self.billed(), "0"))
        return Decimal(savings["paid_usd"])

    def interactive(self, _=0):
        return self.runtime.converse(modelId=NOVA, messages=QUESTION, inferenceConfig={"maxTokens": 20})

    def test_what_is_idle_answers_what_waits_for_nothing_and_what_is_gone_leaves_it_to_jobs(self):
        poor = self.gateway.key("team-b", "--budget", "0.002")
        # A few of many fit beside what interactive calls take, and none of those is refused.
        self.interactive()
        ids = [self.later(f"question {i}")[1]["id"] for i in range(30)]
        with ThreadPoolExecutor(4) as pool:
            self.assertEqual(len(list(pool.map(self.interactive, range(8)))), 8)
        self.wait_until(lambda: len(self.waiting(ids)) < 30)
        self.assertTrue(self.waiting(ids), "a minute has no room for all of them")
        live = self.rows()["team-a", "nightly", "provisioned"]
        self.assertEqual((live["paid_usd"], live["errors"]), ("0", 0))

        # With more room all are answered, once, whatever the process dies in; a budget holds what they can cost on demand until then.
        self.assertEqual([self.later("wait", poor, most=4_000)[0] for _ in range(3)], [202, 202, 400])
        client = openai.OpenAI(base_url=self.gateway.info["url"] + "/v1", api_key=self.key["api_key"])
        body = {"model": NOVA, "max_tokens": 20, "messages": [{"role": "user", "content": "one of a file"}]}
        lines = [{"custom_id": f"c{i}", "method": "POST", "url": "/v1/chat/completions", "body": body} for i in range(3)]
        file = client.files.create(file=("a.jsonl", "\n".join(map(json.dumps, lines)).encode()), purpose="batch")
        batch = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", metadata={"workload": "later"})
        client.close()
        self.commit(input_tpm=100_000)
        self.gateway.kill()
        self.gateway.start()
        self.assertEqual({self.answer(id_)["status"] for id_ in ids}, {"answered"})
        self.wait_until(lambda: self.ask(f"/v1/batches/{batch.id}")[1]["status"] == "completed")
        self.wait_until(lambda: self.later("wait", poor, most=4_000)[0] == 202)
        self.assertEqual(self.jobs(), [])
        row = self.rows()["team-a", "later", "provisioned"]
        self.assertEqual((row["paid_usd"], row["bound_usd"]), ("0", "0"))
        pico = prices.cost(NOVA, "on_demand", input=row["input_tokens"], output=row["output_tokens"])
        self.assertEqual(Decimal(row["on_demand_usd"]), Decimal(pico) / 10**12)
        before = self.assert_paid()
        queue = ["--data", self.gateway.folder / "queue"]
        [one] = self.gateway.json("batch", "list", *queue)
        told = self.gateway.json("batch", "status", one["id"], *queue)
        self.assertEqual(({part["lane"] for part in told["attempts"]}, told["paid_usd"]), ({"provisioned"}, "0"))
        self.assertIn("on provisioned capacity that was idle", self.gateway.laneshift("batch", "explain", "c1", *queue).stdout)

        # It is deleted at AWS: nothing is settled by that, and a job answers.
        self.runtime = self.connect(self.key)
        self.commit(input_tpm=100_000, arn=ARN.replace("provisioned1", "provisioned9"))
        self.gateway.process.send_signal(signal.SIGHUP)
        on_demand = lambda: self.rows().get(("team-a", "nightly", "standard"), {"calls": 0})["calls"]
        calls = on_demand()
        self.wait_until(lambda: self.interactive() and on_demand() > calls)
        with ThreadPoolExecutor(8) as pool:
            # So soon that a job has to begin at once.
            ids = [told["id"] for _, told in pool.map(lambda i: self.later(f"last question {i}", deadline="8h"), range(110))]
        self.assertEqual({self.answer(id_)["status"] for id_ in ids}, {"answered"})
        self.assertGreaterEqual(len(self.jobs()), 1)
        self.wait_until(lambda: ("team-a", "later", "batch") in self.rows())
        self.assertGreater(self.assert_paid(), before)
        self.assertIn("provisioned capacity cannot be called", self.gateway.log())


if __name__ == "__main__":
    unittest.main()
