//! The calls of Bedrock's batch control plane, and of Service Quotas.
//!
//! Source: service models of bedrock and service-quotas in botocore, read 2026-11-23.

use bytes::Bytes;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use laneshift_units::Timestamp;

use crate::client::{AwsError, Client, Operation};

/// Pages of one list, at most.
const PAGES_MAX: usize = 1_000;

/// A job as Get and List show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobView {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// AWS's state.
    pub status: String,
    /// AWS's message.
    pub message: Option<String>,
    /// Records: all, processed, failed. They are 0 until it runs, and may lag.
    pub counts: [u64; 3],
    /// When it ended, once it has.
    pub ended: Option<Timestamp>,
}

impl JobView {
    fn read(body: &Value) -> Result<Self, AwsError> {
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        let missing = |name: &str| AwsError::Unusable(format!("AWS's answer has no {name}"));
        let count = |name: &str| body[name].as_u64().unwrap_or(0);
        Ok(Self {
            arn: text("jobArn").ok_or_else(|| missing("jobArn"))?,
            name: text("jobName").unwrap_or_default(),
            status: text("status").ok_or_else(|| missing("status"))?,
            message: text("message").filter(|m| !m.is_empty()),
            counts: [count("totalRecordCount"), count("processedRecordCount"), count("errorRecordCount")],
            ended: body["endTime"].as_str().and_then(|at| Timestamp::parse(at).ok()),
        })
    }

    /// The last part of the ARN, which output keys carry.
    pub fn id(&self) -> &str {
        self.arn.rsplit('/').next().unwrap_or(&self.arn)
    }

    /// Nothing happens to it any more.
    pub fn is_terminal(&self) -> bool {
        matches!(&*self.status, "Completed" | "PartiallyCompleted" | "Failed" | "Stopped" | "Expired")
    }
}

impl Client {
    fn control(&self, method: Method, path: String, body: Bytes) -> Operation<'static> {
        Operation { host: "bedrock", service: "bedrock", method, path, body, target: None, headers: Vec::new() }
    }

    /// CreateModelInvocationJob with these exact bytes; gives the ARN. A `clientRequestToken` in them makes it idempotent.
    ///
    /// # Errors
    /// AWS's, or that no answer came: then the job may be there.
    pub async fn create_job(&self, request: &str) -> Result<String, AwsError> {
        if !request.contains("\"clientRequestToken\"") {
            return Err(AwsError::Unusable("a job without a clientRequestToken could be created twice".to_owned()));
        }
        let body = Bytes::copy_from_slice(request.as_bytes());
        let answer = self.call(&self.control(Method::POST, "/model-invocation-job".to_owned(), body)).await?;
        let arn = answer["jobArn"].as_str().map(str::to_owned);
        arn.ok_or_else(|| AwsError::Unusable("AWS's answer has no jobArn".to_owned()))
    }

    /// GetModelInvocationJob.
    ///
    /// # Errors
    /// AWS's.
    pub async fn get_job(&self, arn: &str) -> Result<JobView, AwsError> {
        let path = format!("/model-invocation-job/{}", utf8_percent_encode(arn, NON_ALPHANUMERIC));
        JobView::read(&self.call(&self.control(Method::GET, path, Bytes::new())).await?)
    }

    /// StopModelInvocationJob. A job that has ended already is stopped enough.
    ///
    /// # Errors
    /// AWS's.
    pub async fn stop_job(&self, arn: &str) -> Result<(), AwsError> {
        let path = format!("/model-invocation-job/{}/stop", utf8_percent_encode(arn, NON_ALPHANUMERIC));
        match self.call(&self.control(Method::POST, path, Bytes::new())).await {
            Err(error) if error.is("ConflictException") || error.is("ValidationException") => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// All jobs whose name contains a text, over all pages.
    ///
    /// # Errors
    /// AWS's.
    pub async fn jobs_named(&self, name: &str) -> Result<Vec<JobView>, AwsError> {
        self.jobs(&format!("&nameContains={}", utf8_percent_encode(name, NON_ALPHANUMERIC))).await
    }

    /// All jobs submitted after a moment, over all pages.
    ///
    /// # Errors
    /// AWS's.
    pub async fn jobs_since(&self, after: Timestamp) -> Result<Vec<JobView>, AwsError> {
        self.jobs(&format!("&submitTimeAfter={}", utf8_percent_encode(&after.to_string(), NON_ALPHANUMERIC))).await
    }

    async fn jobs(&self, filter: &str) -> Result<Vec<JobView>, AwsError> {
        let (mut found, mut token) = (Vec::new(), String::new());
        for _ in 0..PAGES_MAX {
            let next = if token.is_empty() {
                String::new()
            } else {
                format!("&nextToken={}", utf8_percent_encode(&token, NON_ALPHANUMERIC))
            };
            let path = format!("/model-invocation-jobs?maxResults=1000{filter}{next}");
            let answer = self.call(&self.control(Method::GET, path, Bytes::new())).await?;
            for job in answer["invocationJobSummaries"].as_array().into_iter().flatten() {
                found.push(JobView::read(job)?);
            }
            match answer["nextToken"].as_str() {
                Some(next) => token = next.to_owned(),
                None => return Ok(found),
            }
        }
        Err(endless())
    }

    /// Bedrock's quotas of this account and region, by their exact names.
    ///
    /// # Errors
    /// AWS's.
    pub async fn quotas(&self) -> Result<Vec<(String, f64)>, AwsError> {
        let (mut found, mut token) = (Vec::new(), None::<String>);
        for _ in 0..PAGES_MAX {
            let mut body = json!({ "ServiceCode": "bedrock", "MaxResults": 100 });
            if let Some(token) = token.take() {
                body["NextToken"] = token.into();
            }
            let operation = Operation {
                host: "servicequotas",
                service: "servicequotas",
                method: Method::POST,
                path: "/".to_owned(),
                body: Bytes::from(body.to_string()),
                target: Some("ServiceQuotasV20190624.ListServiceQuotas"),
                headers: Vec::new(),
            };
            let answer = self.call(&operation).await?;
            for quota in answer["Quotas"].as_array().into_iter().flatten() {
                if let (Some(name), Some(value)) = (quota["QuotaName"].as_str(), quota["Value"].as_f64()) {
                    found.push((name.to_owned(), value));
                }
            }
            token = answer["NextToken"].as_str().map(str::to_owned);
            if token.is_none() {
                return Ok(found);
            }
        }
        Err(endless())
    }
}

/// A list that was cut would say that what is not in it is not there.
fn endless() -> AwsError {
    AwsError::Unusable(format!("a list of AWS has more than {PAGES_MAX} pages"))
}
