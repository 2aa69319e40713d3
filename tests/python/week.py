"""A week of two accounts on an emulator: every lane, every token class, streams, batch at night, and calls that fail."""

import json

from botocore.exceptions import ClientError

from emulated import HAIKU, TERMINAL, claude
from test_emulator_faults import CALM

SONNET = "global.anthropic.claude-sonnet-4-6"
NOVA = "amazon.nova-pro-v1:0"
TITAN = "amazon.titan-embed-text-v2:0"
GPT_OSS = "openai.gpt-oss-20b-1:0"
LOGS, EVIDENCE, WORK = "invocation-logs", "evidence", "work"
SECOND = {"id": "222233334444", "key": "AKIASECONDACCOUNT000", "secret": "second/secret"}

SETTINGS = (
    f"""
[[account]]
principal = "arn:aws:sts::111122223333:assumed-role/ChatRole/web-1"

[[account]]
id = "{SECOND['id']}"
principal = "arn:aws:sts::{SECOND['id']}:assumed-role/NightlyRole/worker-7"
access_key = "{SECOND['key']}"
secret_key = "{SECOND['secret']}"

[quotas]
"Minimum number of records per batch inference job for Claude Haiku 4.5" = 1
"Minimum number of records per batch inference job for Nova Pro" = 1
"Minimum number of records per batch inference job for Titan Text Embeddings V2" = 1
"On-demand model inference requests per minute for OpenAI gpt-oss-20b" = 3
"""
    + CALM
)
# A prompt over the least that Haiku caches, and one whose body is too large for a log record.
KEPT = "What everybody is told before they ask anything. " * 450
LARGE = "A document that fills more than a hundred kilobytes. " * 2_200


def converse(text, cached=None, **more):
    """Arguments of Converse; `cached` is the time to live of a long beginning."""
    content = [{"text": text}]
    if cached:
        content = [{"text": KEPT}, {"cachePoint": {"type": "default", "ttl": cached}}, *content]
    return {"messages": [{"role": "user", "content": content}], "inferenceConfig": {"maxTokens": 40}} | more


def cached_claude(text, ttl):
    kept = {"type": "text", "text": KEPT, "cache_control": {"type": "ephemeral", "ttl": ttl}}
    return claude(text, max_tokens=30, system=[kept])


class Week:
    """Its traffic, call by call; `refused` counts calls that got an error, by code."""

    def __init__(self, emulator, days=7):
        self.emulator, self.refused, self.answered, self.jobs = emulator, {}, 0, []
        self.chat = emulator.client("bedrock-runtime")
        keys = {"key": SECOND["key"], "secret": SECOND["secret"]}
        self.nightly = emulator.client("bedrock-runtime", **keys)
        self.control = {"chat": emulator.client("bedrock"), "nightly": emulator.client("bedrock", **keys)}
        self.s3 = emulator.client("s3")
        for bucket in (LOGS, EVIDENCE, WORK):
            self.s3.create_bucket(Bucket=bucket)
        for control in self.control.values():
            config = {"s3Config": {"bucketName": LOGS, "keyPrefix": "bedrock"}, "textDataDeliveryEnabled": True}
            control.put_model_invocation_logging_configuration(loggingConfig=config)
        for day in range(days):
            self.day(day)
        emulator.ask("flush", method="POST")

    def close(self):
        for client in (self.chat, self.nightly, self.s3, *self.control.values()):
            client.close()

    def call(self, client, operation, **arguments):
        """Calls and reads the answer to its end; an error is counted."""
        try:
            answer = getattr(client, operation)(**arguments)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            self.refused[code] = self.refused.get(code, 0) + 1
            return
        for _ in answer.get("stream", answer.get("body", ())):
            pass
        self.answered += 1

    def invoke(self, client, model_id, body, operation="invoke_model", **more):
        self.call(client, operation, modelId=model_id, body=json.dumps(body), **more)

    def day(self, day):
        hours = self.emulator.advance
        first, second = ("5m", "1h") if day % 2 else ("1h", "5m")
        for turn in range(3):
            ask = converse(f"day {day} turn {turn}", requestMetadata={"team": "search", "workload": "chat"})
            self.call(self.chat, "converse_stream", modelId=HAIKU, **ask)
            self.call(self.chat, "converse", modelId=HAIKU, **converse(f"cached {day} {turn}", cached=first))
            self.call(self.chat, "converse", modelId=SONNET, **converse(f"cached {day} {turn}", cached=second))
            self.invoke(self.chat, SONNET, cached_claude(f"invoked {day} {turn}", second))
            self.invoke(self.nightly, HAIKU, cached_claude(f"invoked {day} {turn}", first), "invoke_model_with_response_stream")
            hours(120)
        hours(3600)
        for tier in ("default", "priority", "flex"):
            ask = converse(f"day {day} in tier {tier}")
            self.call(self.nightly, "converse", modelId=NOVA, serviceTier={"type": tier}, **ask)
            self.call(self.chat, "converse_stream", modelId=NOVA, serviceTier={"type": tier}, **ask)
        self.invoke(self.nightly, NOVA, {"messages": [{"role": "user", "content": [{"text": f"native {day}"}]}]})
        self.invoke(self.nightly, TITAN, {"inputText": f"a text to embed on day {day}"})
        self.call(self.chat, "converse", modelId=HAIKU, **converse(f"{LARGE} {day}"))
        hours(3600)
        self.fail(day)
        self.batch(day)
        hours(86_400 - 2 * 3600 - 360)

    def fail(self, day):
        """Calls that are refused for one reason or another, and cost nothing."""
        chat = {"messages": [{"role": "user", "content": f"too many on day {day}"}], "max_tokens": 20}
        for _ in range(5):
            self.invoke(self.nightly, GPT_OSS, chat)
        self.call(self.chat, "converse", modelId=HAIKU, **converse("[[toy: error=model]]"))
        self.invoke(self.chat, HAIKU, {"anthropic_version": "bedrock-2023-05-31"})
        self.emulator.faults({"fault": "throttled", "times": 1})
        self.call(self.chat, "converse", modelId=SONNET, **converse("throttled"))

    def batch(self, day):
        """Three jobs a night."""
        nova = {"messages": [{"role": "user", "content": [{"text": "Hello"}]}], "inferenceConfig": {"maxTokens": 20}}
        for who, model_id, body in (
            ("nightly", HAIKU, claude(f"night {day}", max_tokens=20)),
            ("nightly", TITAN, {"inputText": f"night {day}"}),
            ("chat", NOVA, nova),
        ):
            place = f"in/{len(self.jobs)}/"
            lines = [json.dumps({"recordId": f"r-{i}", "modelInput": body}) for i in range(10)]
            self.s3.put_object(Bucket=WORK, Key=f"{place}a.jsonl", Body="\n".join(lines).encode())
            control = self.control[who]
            account = {"chat": self.emulator.info["account"], "nightly": SECOND["id"]}[who]
            created = control.create_model_invocation_job(
                jobName=f"night-{day}",
                roleArn=f"arn:aws:iam::{account}:role/BatchRole",
                modelId=model_id,
                inputDataConfig={"s3InputDataConfig": {"s3Uri": f"s3://{WORK}/{place}"}},
                outputDataConfig={"s3OutputDataConfig": {"s3Uri": f"s3://{WORK}/out/"}},
            )
            self.jobs.append((control, created["jobArn"]))

    def unfinished(self):
        jobs = (control.get_model_invocation_job(jobIdentifier=arn) for control, arn in self.jobs)
        return [job for job in jobs if job["status"] not in TERMINAL]
