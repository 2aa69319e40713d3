// Every operation of the gateway's Bedrock surface by the unmodified AWS SDK for JavaScript; prints what came of each as one line of JSON.

import {
  BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
  CountTokensCommand,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
} from "@aws-sdk/client-bedrock-runtime";

const { GATEWAY_URL, MODEL, BASE_MODEL, ATTEMPTS } = process.env;
const client = new BedrockRuntimeClient({ endpoint: GATEWAY_URL, region: "us-east-1", maxAttempts: Number(ATTEMPTS ?? "1") });
const messages = [{ role: "user", content: [{ text: "What is a lane?" }] }];
const inferenceConfig = { maxTokens: 60 };
const native = JSON.stringify({ messages, inferenceConfig });

const told = {};
const converse = await client.send(new ConverseCommand({ modelId: MODEL, messages, inferenceConfig }));
told.converse = { text: converse.output.message.content[0].text, usage: converse.usage };

const stream = await client.send(new ConverseStreamCommand({ modelId: MODEL, messages, inferenceConfig }));
told.stream = { text: "", events: 0 };
for await (const event of stream.stream) {
  told.stream.events += 1;
  told.stream.text += event.contentBlockDelta?.delta.text ?? "";
  told.stream.usage = event.metadata?.usage ?? told.stream.usage;
}

const invoke = await client.send(new InvokeModelCommand({ modelId: MODEL, body: native, contentType: "application/json" }));
told.invoke = JSON.parse(Buffer.from(invoke.body).toString()).output.message.content[0].text;

const chunks = await client.send(new InvokeModelWithResponseStreamCommand({ modelId: MODEL, body: native }));
told.chunks = 0;
for await (const event of chunks.body) {
  JSON.parse(Buffer.from(event.chunk.bytes).toString());
  told.chunks += 1;
}

const counted = await client.send(new CountTokensCommand({ modelId: BASE_MODEL, input: { converse: { messages } } }));
told.counted = counted.inputTokens;

try {
  await client.send(new ConverseCommand({ modelId: "none.such-v1", messages }));
} catch (error) {
  told.error = { name: error.name, status: error.$metadata.httpStatusCode };
}
console.log(JSON.stringify(told));
