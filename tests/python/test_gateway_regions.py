"""Batch lanes of `laneshift serve` in several regions and accounts: no call and no job leaves its region, on its own keys."""

import json
import unittest
from decimal import Decimal

import openai
from botocore.exceptions import ClientError

from emulated import BUCKET, HAIKU, Emulator, claude
from gateway import REGION, Gateway
from test_gateway import LaterCase

EU = "eu-west-1"
MODELS = {REGION: HAIKU, EU: HAIKU.replace("us.", "eu.", 1)}
ACCOUNTS = {REGION: "111122223333", EU: "444455556666"}
ROLES = {region: f"arn:aws:iam::{account}:role/BatchRole" for region, account in ACCOUNTS.items()}
SETTINGS = "[turnaround]\nqueue_median_min = 5.0\nqueue_sigma = 0.1\ntail_share = 0.0\n" + "".join(
    f'[[account]]\nid = "{account}"\nprincipal = "arn:aws:iam::{account}:user/x"\naccess_key = "AKIA{account}"\n'
    f'secret_key = "s{account}"\nbearer_key = "b{account}"\n'
    for account in ACCOUNTS.values()
) + '[quotas]\n"Minimum number of records per batch inference job for Claude Haiku 4.5" = 1\n'


def table(head, region):
    place = f'role = "{ROLES[region]}"\ns3 = "s3://{BUCKET}/{region}"\nclient_s3 = {{ "*" = ["s3://{BUCKET}/team-{region}"] }}\n'
    return f"{head}\n{place}linger_s = 1\npoll_s = 1\n" + (f'region = "{region}"\n' if region != REGION else "")


class Regions(LaterCase):
    """A gateway whose jobs run in one region at first, and in two from then on."""

    def setUp(self):
        self.emulator = Emulator("--speed", "15000", settings=SETTINGS)
        self.addCleanup(self.emulator.close)
        self.s3 = self.emulator.client("s3")
        self.addCleanup(self.s3.close)
        self.s3.create_bucket(Bucket=BUCKET)
        self.keys = {"OTHER_ID": f"AKIA{ACCOUNTS[EU]}", "OTHER_SECRET": f"s{ACCOUNTS[EU]}"}
        self.gateway = Gateway(self.emulator, config=self.upstreams() + table("[batch]", REGION), environment=self.keys)
        self.addCleanup(self.gateway.close)
        self.key = self.gateway.key("team-a", "--workload", "nightly")
        self.connect(self.key)
        self.clients, self.accepted = {}, []

    def upstreams(self):
        keys = {REGION: "", EU: 'access_key_id_env = "OTHER_ID"\nsecret_access_key_env = "OTHER_SECRET"\n'}
        at = f'endpoint_url = "{self.emulator.info["url"]}"\n'
        return "".join(f'[[upstream]]\nregion = "{region}"\naccount = "{ACCOUNTS[region]}"\n{at}{more}' for region, more in keys.items())

    def client(self, service, region):
        """A client of the gateway as it runs, whose calls can wait."""
        if (service, region) not in self.clients:
            client = self.clients[service, region] = self.gateway.client(self.key, service=service, region=region)
            self.addCleanup(client.close)
            wants = {"Prefer": "respond-async", "laneshift-deadline": "6h"}
            add = lambda request, **_: [request.headers.add_header(*want) for want in wants.items()]
            client.meta.events.register("before-sign.bedrock-runtime", add)
            keep = lambda http_response, **_: self.accepted.append(json.loads(http_response.content).get("id"))
            client.meta.events.register("after-call.bedrock-runtime.Converse", keep)
        return self.clients[service, region]

    def openai(self):
        if "openai" not in self.clients:
            self.clients["openai"] = openai.OpenAI(base_url=self.gateway.info["url"] + "/v1", api_key=self.key["api_key"], max_retries=0)
            self.addCleanup(self.clients["openai"].close)
        return self.clients["openai"]

    def bedrock(self, region):
        return self.client("bedrock", region)

    def configure(self, *regions):
        """kill -9, and another process with these tables."""
        tables = "".join(table("[[batch]]", region) for region in regions)
        (self.gateway.folder / "gateway.toml").write_text(self.upstreams() + tables, encoding="utf-8")
        self.gateway.restart(**self.keys)
        self.clients = {}

    def converse(self, region, text="question"):
        ask = {"messages": [{"role": "user", "content": [{"text": text}]}], "inferenceConfig": {"maxTokens": 30}}
        self.client("bedrock-runtime", region).converse(modelId=MODELS[region], **ask)
        return self.accepted[-1]

    def job(self, region, **more):
        place = f"s3://{BUCKET}/team-{region}"
        lines = [json.dumps({"recordId": f"r{i}", "modelInput": claude(f"record {i}")}) + "\n" for i in range(3)]
        self.s3.put_object(Bucket=BUCKET, Key=f"team-{region}/in.jsonl", Body="".join(lines).encode())
        return self.bedrock(region).create_model_invocation_job(
            jobName="job",
            roleArn=ROLES[region],
            modelId=MODELS[region],
            inputDataConfig={"s3InputDataConfig": {"s3Uri": f"{place}/in.jsonl"}},
            outputDataConfig={"s3OutputDataConfig": {"s3Uri": f"{place}/out/"}},
            **more,
        )["jobArn"]

    def batch(self, region):
        ask = lambda i: {"model": MODELS[region], "messages": [{"role": "user", "content": f"line {i}"}], "max_tokens": 20}
        lines = [{"custom_id": f"c{i}", "method": "POST", "url": "/v1/chat/completions", "body": ask(i)} for i in range(3)]
        content = "".join(json.dumps(line) + "\n" for line in lines).encode()
        file = self.openai().files.create(file=("in.jsonl", content), purpose="batch")
        made = self.openai().batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
        self.assertEqual(made.status, "in_progress", made)
        return made

    def signed(self, region, batch):
        """The same batch again, signed for a region and with a key that makes two of one batch one."""
        keys = {"aws_access_key_id": self.key["access_key_id"], "aws_secret_access_key": self.key["secret_access_key"], "aws_region": region}
        with openai.BedrockOpenAI(base_url=self.gateway.info["url"] + "/v1", max_retries=0, **keys) as client:
            again = {"input_file_id": batch.input_file_id, "endpoint": batch.endpoint, "completion_window": batch.completion_window}
            return client.batches.create(**again, extra_headers={"Idempotency-Key": "once"})

    def listed(self, region):
        return {job["jobArn"] for job in self.bedrock(region).list_model_invocation_jobs()["invocationJobSummaries"]}

    def done(self, region, arn):
        self.wait_until(lambda: self.bedrock(region).get_model_invocation_job(jobIdentifier=arn)["status"] == "Completed")
        key = f"team-{region}/out/{arn.rsplit('/', 1)[1]}/in.jsonl.out"
        return len(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().splitlines())

    def test_what_was_signed_for_a_region_waits_for_jobs_of_that_region_whatever_order_the_tables_have(self):
        ids = [self.converse(REGION, f"question {i}") for i in range(3)]
        arns, batches = {REGION: [self.job(REGION)], EU: []}, [self.batch(REGION)]
        # Notes as they were when a gateway had one batch lane.
        for note in [*self.gateway.folder.glob("jobs/*.json"), *self.gateway.folder.glob("batches/*.json")]:
            old = json.loads(note.read_bytes())
            self.assertEqual(old.pop("region"), REGION)
            note.write_text(json.dumps(old), encoding="utf-8")

        self.configure(EU, REGION)
        ids += [self.converse(EU, f"question {i}") for i in range(3)]
        for region in (EU, REGION):
            arns[region].append(self.job(region, clientRequestToken="once"))
            self.assertEqual(self.job(region, clientRequestToken="once"), arns[region][-1])
            batches.append(self.batch(region))
        batches.append(self.signed(EU, batches[1]))
        self.assertEqual(self.signed(EU, batches[1]).id, batches[-1].id)
        with self.assertRaises(openai.ConflictError):
            self.signed(REGION, batches[1])
        self.configure(REGION, EU)
        for region, other in [(EU, REGION), (REGION, EU)]:
            self.assertEqual(self.listed(region), set(arns[region]))
            with self.assertRaisesRegex(ClientError, "ResourceNotFoundException"):
                self.bedrock(other).get_model_invocation_job(jobIdentifier=arns[region][0])
            for arn in arns[region]:
                self.assertEqual(arn.split(":")[3:5], [region, ACCOUNTS[region]])
                self.assertEqual(self.done(region, arn), 3)
        self.assertEqual({self.answer(id_)["status"] for id_ in ids}, {"answered"})
        for batch in batches:
            self.wait_until(lambda: self.openai().batches.retrieve(batch.id).status == "completed")

        bill = self.emulator.bill()["lines"]
        self.assertEqual(
            {(line["region"], line["account"], line["profile"], line["mode"]) for line in bill},
            {(region, ACCOUNTS[region], MODELS[region].split(".")[0], "batch") for region in MODELS},
        )
        self.assertEqual(self.booked(rows=self.ask("/savings")[1]["rows"]), (27, self.billed()))

        bill = self.gateway.folder / "bill.csv"
        bill.write_text(self.emulator.ask("bill.csv"), encoding="utf-8")
        found = self.gateway.laneshift("verify", "--before", bill, "--after", self.gateway.folder, "--format", "json")
        found = json.loads(found.stdout)
        self.assertEqual(Decimal(found["after"]["total_usd"]), self.billed())
        self.assertEqual({step["step"]: step["saves_usd"] for step in found["waterfall"] if Decimal(step["saves_usd"])}, {})

        self.configure(REGION)
        self.assertIn("queue.eu-west-1", self.gateway.log())
        self.assertEqual((self.listed(EU), len(self.openai().batches.list().data)), (set(arns[EU]), len(batches)))
        with self.assertRaisesRegex(ClientError, "jobs run in us-east-1"):
            self.converse(EU)
        self.assertEqual(self.booked()[1], self.billed())
        self.assertEqual(self.gateway.stop(), 0)


if __name__ == "__main__":
    unittest.main()
