//! `owners.csv`: who owns a workload, how long it can wait, and whether it may use the global profile.
//!
//! Promises: a blank cell is no answer; answers that are there survive when the file is written again. Leaves out: what
//! an answer changes in a verdict (`laneshift_core::verdict`).

use std::collections::HashMap;
use std::path::Path;

use laneshift_core::plan::{Plan, WorkloadPlan};
use laneshift_core::verdict::Answer;
use laneshift_units::Deadline;

use crate::{DataError, file, table};

/// Columns as they are written; the last two are for the reader's eyes.
const COLUMNS: [&str; 8] = ["workload", "account", "owner", "can_wait", "allow_global", "note", "spend_usd", "verdict"];

/// Rows of owners.
#[derive(Clone, Debug, Default)]
pub struct Owners {
    rows: Vec<Owner>,
    /// Invariant: holds the index of every row under its workload and account.
    by_place: HashMap<(String, Option<String>), usize>,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The workload's key.
    pub workload: String,
    /// Its account; `None` is any.
    pub account: Option<String>,
    /// Who owns it.
    pub owner: Option<String>,
    /// How long it can wait; `None` is no answer.
    pub can_wait: Option<Deadline>,
    /// The same as it was written.
    pub can_wait_text: String,
    /// Whether the global profile is allowed; `None` is no answer.
    pub allow_global: Option<bool>,
    /// Anything.
    pub note: String,
}

/// What the file says of one workload: each cell of the account's own row, or else of the row for any account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ownership {
    /// Who owns it.
    pub owner: Option<String>,
    /// How long it can wait; `None` is no answer.
    pub can_wait: Option<Deadline>,
    /// Whether the global profile is allowed; no answer is no.
    pub allow_global: bool,
}

impl Owners {
    /// Reads a file.
    ///
    /// # Errors
    /// [`DataError`] when it cannot be read, has an unknown column, a cell without a meaning, or one place twice.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        Self::parse(path, &file::read(path, file::EDITED_MB_MAX)?)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, DataError> {
        let mut owners = Self::default();
        for row in table::read(path, text, &COLUMNS, 1)? {
            let refuse =
                |field: usize, reason: String, hint: String| Err(DataError::field(path, row.at(), COLUMNS[field], reason, hint));
            let some = |cell: &str| (!cell.is_empty()).then(|| cell.to_owned());
            let Some(workload) = some(row.get(0)) else {
                return refuse(0, "empty".to_owned(), "write the workload's key, or remove the row".to_owned());
            };
            let can_wait = match row.get(3) {
                "" => None,
                text => match Deadline::parse(text) {
                    Ok(deadline) => Some(deadline),
                    Err(e) => return refuse(3, format!("{text:?} is {e}"), "leave it empty for no answer".to_owned()),
                },
            };
            let allow_global = match row.get(4).to_ascii_lowercase().as_str() {
                "" => None,
                "yes" | "true" | "y" | "1" => Some(true),
                "no" | "false" | "n" | "0" => Some(false),
                other => return refuse(4, format!("{other:?} is neither yes nor no"), "write yes, no, or nothing".to_owned()),
            };
            let owner = Owner {
                workload,
                account: some(row.get(1)),
                owner: some(row.get(2)),
                can_wait,
                can_wait_text: row.get(3).to_owned(),
                allow_global,
                note: row.get(5).to_owned(),
            };
            let place = (owner.workload.clone(), owner.account.clone());
            if owners.by_place.insert(place, owners.rows.len()).is_some() {
                let reason = format!("{:?} is there twice for this account", owner.workload);
                return refuse(0, reason, "keep one of the two rows".to_owned());
            }
            owners.rows.push(owner);
        }
        Ok(owners)
    }

    /// All rows, as they were read.
    pub fn rows(&self) -> &[Owner] {
        &self.rows
    }

    /// What the rows say of a workload; `None` where none names it.
    pub fn find(&self, workload: &str, account: &str) -> Option<Ownership> {
        self.first(workload, account, Some)?;
        Some(Ownership {
            owner: self.first(workload, account, |row| row.owner.clone()),
            can_wait: self.first(workload, account, |row| row.can_wait),
            allow_global: self.first(workload, account, |row| row.allow_global).unwrap_or(false),
        })
    }

    /// What a workload's owner says of waiting.
    pub fn answer(&self, workload: &str, account: &str) -> Option<Answer> {
        self.find(workload, account)?.can_wait.map(|deadline| Answer { deadline })
    }

    /// The cell of the account's own row, or else of the row for any account.
    fn first<'a, T>(&'a self, workload: &str, account: &str, cell: impl Fn(&'a Owner) -> Option<T>) -> Option<T> {
        [Some(account.to_owned()), None].into_iter().find_map(|account| self.row(workload, account).and_then(&cell))
    }

    fn row(&self, workload: &str, account: Option<String>) -> Option<&Owner> {
        self.by_place.get(&(workload.to_owned(), account)).map(|ix| &self.rows[*ix])
    }

    /// The file for owners to fill in: every workload of the plan by money, with the answers that are here; then rows of
    /// workloads that the plan does not have.
    pub fn template(&self, plan: &Plan) -> String {
        let mut kept = vec![false; self.rows.len()];
        let mut workloads: Vec<&WorkloadPlan> = plan.workloads.iter().collect();
        workloads.sort_by(|a, b| b.today.cmp(&a.today).then_with(|| (&a.key, &a.account).cmp(&(&b.key, &b.account))));
        let mut rows = Vec::with_capacity(workloads.len());
        for w in workloads {
            let ix = self.by_place.get(&(w.key.clone(), (!w.account.is_empty()).then(|| w.account.clone())));
            let known = ix.map(|ix| {
                kept[*ix] = true;
                &self.rows[*ix]
            });
            let blank =
                Owner { workload: w.key.clone(), account: Some(w.account.clone()), owner: w.owner.clone(), ..Owner::blank() };
            rows.push(known.unwrap_or(&blank).cells([w.today.to_exact_string(), w.class.name().to_owned()]));
        }
        let others =
            self.rows.iter().zip(kept).filter(|(_, kept)| !kept).map(|(row, _)| row.cells([String::new(), String::new()]));
        table::write(&COLUMNS, rows.into_iter().chain(others))
    }

    /// Writes [`Owners::template`]. Answers in a file that is already there are kept.
    ///
    /// # Errors
    /// [`DataError`] when the file that is there cannot be read, or the new one cannot be written; the old one then stays.
    pub fn write_template(path: &Path, plan: &Plan) -> Result<(), DataError> {
        let answered = if path.exists() { Self::open(path)? } else { Self::default() };
        file::write(path, &answered.template(plan))
    }
}

impl Owner {
    fn blank() -> Self {
        Self {
            workload: String::new(),
            account: None,
            owner: None,
            can_wait: None,
            can_wait_text: String::new(),
            allow_global: None,
            note: String::new(),
        }
    }

    fn cells(&self, seen: [String; 2]) -> [String; COLUMNS.len()] {
        let [spend, verdict] = seen;
        let allow_global = self.allow_global.map_or("", |yes| if yes { "yes" } else { "no" });
        [
            self.workload.clone(),
            self.account.clone().unwrap_or_default(),
            self.owner.clone().unwrap_or_default(),
            self.can_wait_text.clone(),
            allow_global.to_owned(),
            self.note.clone(),
            spend,
            verdict,
        ]
    }
}

#[cfg(test)]
mod tests {
    use laneshift_core::verdict::Class;
    use laneshift_units::Money;

    use super::*;
    use crate::sample;

    fn parse(text: &str) -> Result<Owners, DataError> {
        Owners::parse(Path::new("owners.csv"), text)
    }

    #[test]
    fn blanks_are_no_answers_and_any_account_fills_in() {
        let owners = parse(
            "workload,account,owner,can_wait,allow_global,note\n\
             role/etl,,data team,24h,no,\n\
             role/etl,111122223333,,,yes,asked\n\
             role/chat,111122223333,,now,,\n",
        )
        .expect("reads");
        assert_eq!(owners.answer("role/etl", "111122223333"), Some(Answer { deadline: Deadline::Day }));
        let found = owners.find("role/etl", "111122223333").expect("named");
        assert_eq!((found.owner.as_deref(), found.allow_global), (Some("data team"), true));
        assert!(!owners.find("role/etl", "444455556666").expect("any account").allow_global);
        assert_eq!(owners.find("role/search", "111122223333"), None);
        assert_eq!(owners.answer("role/chat", "111122223333"), Some(Answer { deadline: Deadline::Seconds }));
        assert_eq!(owners.answer("role/chat", "444455556666"), None);
    }

    #[test]
    fn cells_without_a_meaning_are_refused_with_their_line() {
        for (text, expected) in [
            ("workload,can_wait\na,soon\n", "line 2, field can_wait: \"soon\" is not a deadline"),
            ("workload,allow_global\na,yes\nb,maybe\n", "line 3, field allow_global: \"maybe\" is neither yes nor no"),
            ("workload,account\na,1\na,1\n", "line 3, field workload: \"a\" is there twice"),
            ("workload,canwait\na,1h\n", "line 1, field canwait: no column has this name"),
            ("workload,note\n,x\n", "line 2, field workload: empty"),
        ] {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_template_lists_workloads_by_money_and_keeps_answers() {
        let mut plan = sample::plan();
        let mut small = plan.workloads[0].clone();
        small.key = "=HYPERLINK(1)".to_owned();
        small.today = Money::from_usd(1);
        small.class = Class::Undetermined;
        plan.workloads.insert(0, small);
        let first = Owners::default().template(&plan);
        let lines: Vec<&str> = first.lines().collect();
        assert_eq!(lines[0], "workload,account,owner,can_wait,allow_global,note,spend_usd,verdict");
        assert_eq!(lines[1], "workload=tagging,111122223333,data team,,,,700.5,batch-fit");
        assert_eq!(lines[2], "'=HYPERLINK(1),111122223333,data team,,,,1,undetermined");

        let answered = first.replace("data team,,,,700.5", "data team,6h,no,\"said A, twice\",700.5");
        let answered = format!("{answered}role/gone,,me,now,,,,\n");
        let owners = parse(&answered).expect("reads");
        assert_eq!(owners.rows()[1].workload, "=HYPERLINK(1)");
        assert_eq!(owners.answer("workload=tagging", "111122223333"), Some(Answer { deadline: Deadline::Hour }));
        assert_eq!(owners.template(&plan), answered);
    }
}
