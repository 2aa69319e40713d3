//! The way from a workload down to its records: a query over the ledger, for DuckDB.

use laneshift_core::plan::WorkloadPlan;

/// The condition that picks application inference profiles out of the ids that callers wrote.
const PROFILE_MARK: &str = ":application-inference-profile/";

/// A query that gives the workload's observed requests and tokens; `None` for a workload that only a bill knows.
pub(super) fn query(w: &WorkloadPlan) -> Option<String> {
    let (kind, name) = w.key.split_once(['=', '/'])?;
    let which = match kind {
        "workload" => format!("workload = {}", literal(name)),
        "aip" => format!("workload = '' and model_id like {}", like_suffix(&format!("{PROFILE_MARK}{name}"))),
        "role" => {
            let role = if name == "unknown" { "''".to_owned() } else { literal(name) };
            format!("workload = '' and role = {role} and model_id not like '%{PROFILE_MARK}%'")
        }
        _ => return None,
    };
    Some(format!(
        "select count(*) as requests, sum(input_tokens) as input, sum(output_tokens) as output, \
         sum(cache_read_tokens) as cache_read, sum(cache_write_5m_tokens + cache_write_1h_tokens) as cache_write \
         from 'ledger/invocations/*.parquet' where {which} and account = {} \
         and error_code = '' and not blocked and (input_tokens is not null or output_tokens is not null)",
        literal(&w.account)
    ))
}

/// A text as a SQL literal on one line: quotes are doubled, control characters written as `chr(n)`.
fn literal(text: &str) -> String {
    let mut out = String::from("'");
    for c in text.chars() {
        match c {
            '\'' => out.push_str("''"),
            c if c.is_control() => out.push_str(&format!("' || chr({}) || '", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

/// A pattern for texts that end so.
fn like_suffix(suffix: &str) -> String {
    let mut pattern = String::from("%");
    for c in suffix.chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    format!("{} escape '!'", literal(&pattern))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_does_not_end_the_literal() {
        assert_eq!(literal("x'; drop table y; --"), "'x''; drop table y; --'");
        assert_eq!(literal("a\nb"), "'a' || chr(10) || 'b'");
        assert_eq!(like_suffix("/100%_a!"), "'%/100!%!_a!!' escape '!'");
    }
}
