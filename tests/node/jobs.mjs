// Every page of the gateway's batch jobs by the unmodified AWS SDK for JavaScript; prints the jobs of each page as one line of JSON.

import { BedrockClient, paginateListModelInvocationJobs } from "@aws-sdk/client-bedrock";

const { GATEWAY_URL, NAME_CONTAINS, PAGE_SIZE } = process.env;
const client = new BedrockClient({ endpoint: GATEWAY_URL, region: "us-east-1", maxAttempts: 1 });
const pages = [];
for await (const page of paginateListModelInvocationJobs({ client, pageSize: Number(PAGE_SIZE) }, { nameContains: NAME_CONTAINS })) {
  pages.push(page.invocationJobSummaries.map((job) => job.jobArn));
}
console.log(JSON.stringify(pages));
