//! `laneshift batch doctor`: whether a run could work, asked without changing anything, and what to grant where it could not.

use std::io::Write;

use clap::Args;
use futures::TryStreamExt;
use laneshift_aws::{AwsError, Client};
use laneshift_catalog::capabilities::Capabilities;
use laneshift_catalog::prices::Catalog;
use laneshift_units::{Profile, ProfiledModel, Region};
use object_store::path::Path as Key;
use serde_json::{Value, json};

use super::open::AwsArgs;
use super::{grants, runtime};
use crate::cli::{Format, print};
use crate::error::Error;

#[derive(Args)]
pub(crate) struct DoctorArgs {
    /// Model, inference profile or ARN, as Bedrock takes it
    #[arg(long)]
    model: String,
    /// Role that Bedrock assumes to read and write S3
    #[arg(long, env = "LANESHIFT_BATCH_ROLE")]
    role: String,
    /// Bucket and prefix for the jobs' files
    #[arg(long, env = "LANESHIFT_BATCH_S3")]
    s3: String,
    /// Print the policies to grant even when nothing is missing
    #[arg(long)]
    iam: bool,
    #[command(flatten)]
    aws: AwsArgs,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Good,
    /// It works, and somebody should know.
    Notice,
    /// It could not be asked.
    Unknown,
    Bad,
}

impl Verdict {
    const fn name(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Notice => "notice",
            Self::Unknown => "unknown",
            Self::Bad => "missing",
        }
    }
}

/// A check.
struct Check {
    what: &'static str,
    verdict: Verdict,
    told: String,
}

/// Gathers checks.
#[derive(Default)]
struct Checks(Vec<Check>);

impl Checks {
    fn add(&mut self, what: &'static str, verdict: Verdict, told: impl Into<String>) {
        self.0.push(Check { what, verdict, told: told.into() });
    }

    /// A call that worked, or did not.
    fn call<T>(&mut self, what: &'static str, outcome: &Result<T, AwsError>, good: impl FnOnce(&T) -> String) {
        match outcome {
            Ok(value) => self.add(what, Verdict::Good, good(value)),
            Err(error) => self.add(what, verdict_of(error), error.to_string()),
        }
    }
}

/// Permission denied is a finding; everything else says nothing about what is granted.
fn verdict_of(error: &AwsError) -> Verdict {
    let denied = ["AccessDenied", "AccessDeniedException", "ResourceNotFoundException", "ValidationException", "NoSuchBucket"];
    if denied.iter().any(|code| error.is(code)) { Verdict::Bad } else { Verdict::Unknown }
}

fn verdict_of_s3(error: &object_store::Error) -> Verdict {
    let refused = matches!(
        error,
        object_store::Error::PermissionDenied { .. }
            | object_store::Error::Unauthenticated { .. }
            | object_store::Error::NotFound { .. }
    );
    // Without a bucket of that name S3 says so in the body of a 404, which the client passes on as text.
    if refused || error.to_string().contains("NoSuchBucket") { Verdict::Bad } else { Verdict::Unknown }
}

pub(crate) fn run(args: &DoctorArgs, out: &mut dyn Write) -> Result<(), Error> {
    runtime()?.block_on(async {
        let (bucket, prefix) = super::run::place(&args.s3)?;
        let client = args.aws.client()?;
        let mut checks = Checks::default();
        let account = identity(&client, &args.role, &mut checks).await;
        role(&client, &args.role, &mut checks).await;
        bucket_checks(args, &client, &bucket, &prefix, &mut checks).await;
        model(args, &client, &mut checks).await?;
        quotas(&client, &mut checks).await;
        let policies = grants::policies(&grants::Scope {
            account: account.as_deref().unwrap_or("111122223333"),
            region: client.region(),
            role: &args.role,
            bucket: &bucket,
            prefix: &prefix,
        });
        let missing = checks.0.iter().filter(|check| check.verdict == Verdict::Bad).count();
        let text = match args.format {
            Format::Json => format!("{}\n", value(&checks, &policies)),
            Format::Text => text(&checks, (missing > 0 || args.iam).then_some(&policies)),
        };
        print(out, &text)?;
        if missing == 0 { Ok(()) } else { Err(Error::Unready(missing)) }
    })
}

async fn identity(client: &Client, role: &str, checks: &mut Checks) -> Option<String> {
    let outcome = client.identity().await;
    checks.call("identity", &outcome, |identity| format!("you are {}", identity.arn));
    let account = outcome.ok()?.account;
    if role.split(':').nth(4).is_some_and(|of| of != account) {
        checks.add("role", Verdict::Notice, format!("the role is of another account than yours, {account}"));
    }
    Some(account)
}

async fn role(client: &Client, role: &str, checks: &mut Checks) {
    let Some(name) = role.strip_prefix("arn:aws").and_then(|rest| rest.rsplit_once('/')).map(|(_, name)| name) else {
        checks.add("role", Verdict::Bad, format!("{role:?} is no ARN of a role: arn:aws:iam::ACCOUNT:role/NAME"));
        return;
    };
    match client.role_trust(name).await {
        Ok(policy) if policy.contains("bedrock.amazonaws.com") => checks.add("role", Verdict::Good, "Bedrock may assume it"),
        Ok(_) => checks.add("role", Verdict::Bad, "its trust policy does not name bedrock.amazonaws.com"),
        Err(error) if error.is("NoSuchEntity") => checks.add("role", Verdict::Bad, error.to_string()),
        Err(error) => checks.add("role", Verdict::Unknown, format!("who may assume it needs iam:GetRole to be seen: {error}")),
    }
}

async fn bucket_checks(args: &DoctorArgs, client: &Client, bucket: &str, prefix: &str, checks: &mut Checks) {
    match (args.aws.buckets())(bucket) {
        Err(error) => checks.add("bucket", Verdict::Bad, error),
        Ok(store) => match store.list(Some(&Key::from(prefix))).try_next().await {
            Ok(_) => checks.add("bucket", Verdict::Good, format!("s3://{bucket}/{prefix} can be listed")),
            Err(error) => checks.add("bucket", verdict_of_s3(&error), error.to_string()),
        },
    }
    match client.bucket(bucket).await {
        Ok(settings) => {
            if settings.versioned {
                let told = "it keeps old versions, so what is redacted or purged stays in them: add a lifecycle rule";
                checks.add("versions", Verdict::Notice, told);
            }
            if let Some(key) = settings.kms_key {
                let told = format!("objects are encrypted with {key}: you and the role need kms:Decrypt and kms:GenerateDataKey");
                checks.add("encryption", Verdict::Notice, told);
            }
        }
        Err(error) => checks.add("bucket settings", Verdict::Unknown, error.to_string()),
    }
}

async fn model(args: &DoctorArgs, client: &Client, checks: &mut Checks) -> Result<(), Error> {
    let catalog = Catalog::shipped().map_err(|e| Error::Catalog(e.to_string()))?;
    let capabilities = Capabilities::shipped().map_err(|e| Error::Data(e.to_string()))?;
    let model = ProfiledModel::parse_id(&args.model);
    let outcome = client.model(&args.model, model.profile != Profile::InRegion).await;
    checks.call("model", &outcome, |_| format!("{} is there", args.model));
    let key = catalog.model_key(&model.model);
    let runs = key.and_then(|key| capabilities.batch_in(key, &model.profile, &Region::new(client.region())));
    match runs {
        Some(true) => checks.add("batch", Verdict::Good, format!("it runs in batch in {}", client.region())),
        Some(false) => {
            checks.add("batch", Verdict::Notice, "it has no batch when called like this; its records are called on demand")
        }
        None => checks.add("batch", Verdict::Unknown, "whether it runs in batch is not known here"),
    }
    Ok(())
}

async fn quotas(client: &Client, checks: &mut Checks) {
    let jobs = client.jobs_named("laneshift-").await;
    checks.call("jobs", &jobs, |jobs| format!("batch jobs can be listed; {} are laneshift's", jobs.len()));
    let quotas = client.quotas().await;
    checks.call("quotas", &quotas, |quotas| {
        let batch = quotas.iter().filter(|(name, _)| name.contains("batch inference")).count();
        format!("{batch} quotas of batch inference are known")
    });
}

fn text(checks: &Checks, policies: Option<&Vec<(&'static str, Value)>>) -> String {
    let mut out = String::new();
    for Check { what, verdict, told } in &checks.0 {
        out += &format!("{:<8} {what}: {told}\n", verdict.name());
    }
    for (whose, policy) in policies.into_iter().flatten() {
        out += &format!("\n{whose}:\n{policy:#}\n");
    }
    out
}

fn value(checks: &Checks, policies: &[(&'static str, Value)]) -> Value {
    let check = |Check { what, verdict, told }: &Check| json!({ "what": what, "verdict": verdict.name(), "told": told });
    let policy = |(whose, policy): &(&str, Value)| json!({ "for": whose, "policy": policy });
    json!({
        "checks": checks.0.iter().map(check).collect::<Vec<_>>(),
        "policies": policies.iter().map(policy).collect::<Vec<_>>(),
    })
}
