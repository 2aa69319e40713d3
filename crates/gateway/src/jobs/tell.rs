//! Jobs as AWS tells them.

use http::Response;
use laneshift_batch::Delivered;
use laneshift_units::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::{HOUR_MS, Job};
use crate::body::Body;
use crate::gateway::{Caller, Gateway, json_response};
use crate::refusal::Refusal;

const PAGE_MAX: usize = 1_000;

impl Gateway {
    /// A job as AWS tells it.
    pub(super) async fn told_job(&self, job: &Job) -> Result<Value, Refusal> {
        let (mut sum, mut total) = (Delivered::default(), 0);
        for (submission, one) in self.submissions_of(job).await.map_err(Refusal::failed)? {
            total += submission.new.records;
            sum.answered += one.answered;
            sum.failed += one.failed;
            sum.expired += one.expired;
            sum.cancelled += one.cancelled;
            sum.erased += one.erased;
        }
        let status = match (job.ended_ms, job.stopped) {
            (Some(_), _) if job.message.is_some() => "Failed",
            (Some(_), true) => "Stopped",
            (Some(_), false) if sum.expired > 0 && sum.expired == total => "Expired",
            (Some(_), false) if sum.expired > 0 => "PartiallyCompleted",
            (Some(_), false) => "Completed",
            (None, true) => "Stopping",
            (None, false) if job.accepted => "InProgress",
            (None, false) => "Validating",
        };
        let at = |ms: i64| Timestamp(ms).to_string();
        let mut told = json!({
            "jobArn": job.arn,
            "jobName": job.name,
            "modelId": job.model,
            "roleArn": job.role,
            "status": status,
            "submitTime": at(job.submitted_ms),
            "lastModifiedTime": at(job.ended_ms.unwrap_or(job.submitted_ms)),
            "inputDataConfig": job.input,
            "outputDataConfig": job.output,
            "timeoutDurationInHours": job.timeout_h,
            "jobExpirationTime": at(job.submitted_ms + job.timeout_h * HOUR_MS),
            "modelInvocationType": job.shape,
            "totalRecordCount": total,
            "processedRecordCount": sum.settled(),
            "successRecordCount": sum.answered,
            "errorRecordCount": sum.settled() - sum.answered,
        });
        for (name, value) in [("clientRequestToken", &job.token), ("message", &job.message)] {
            if let Some(value) = value {
                told[name] = value.as_str().into();
            }
        }
        if let Some(ended) = job.ended_ms {
            told["endTime"] = at(ended).into();
        }
        Ok(told)
    }

    pub(super) async fn list_jobs(&self, query: &str, caller: &Caller<'_>) -> Result<Response<Body>, Refusal> {
        let of = |name: &str| {
            let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
            Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
        };
        let moment = |name: &str| of(name).and_then(|text| Timestamp::parse(&text).ok());
        let (after, before) = (moment("submitTimeAfter"), moment("submitTimeBefore"));
        let mut all = self.shelf("jobs").all(|job: &Job| job.submitted_ms);
        all.retain(|job: &Job| {
            self.shows(job, caller)
                && of("nameContains").is_none_or(|part| job.name.contains(&part))
                && after.is_none_or(|after| job.submitted_ms > after.0)
                && before.is_none_or(|before| job.submitted_ms < before.0)
        });
        if of("sortOrder").as_deref() == Some("Ascending") {
            all.reverse();
        }
        let limit = of("maxResults").and_then(|n| n.parse().ok()).unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX);
        let begin = match of("nextToken") {
            None => 0,
            Some(token) => {
                all.iter().position(|job| job.id == token).ok_or_else(|| Refusal::validation("nextToken is none of ours"))?
            }
        };
        let (wanted, mut page, mut next) = (of("statusEquals"), Vec::new(), None);
        for job in &all[begin..] {
            if page.len() == limit {
                next = Some(job.id.clone());
                break;
            }
            let told = self.told_job(job).await?;
            if wanted.as_deref().is_none_or(|status| told["status"] == status) {
                page.push(told);
            }
        }
        let mut answer = json!({ "invocationJobSummaries": page });
        if let Some(next) = next {
            answer["nextToken"] = next.into();
        }
        Ok(json_response(&answer))
    }
}
