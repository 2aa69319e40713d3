//! Who called: the assumed-role identity of an event, and request ids.

use crate::chance::Chance;
use crate::company::Company;
use crate::events::Event;
use crate::part::Session;

/// Given names that make up e-mail addresses; combined with an initial they are nobody's.
const NAMES: [&str; 20] = [
    "ada", "ben", "cleo", "dan", "eva", "finn", "gia", "hugo", "ines", "jon", "kim", "lea", "max", "nora", "otto", "pia", "raj",
    "sam", "tess", "yan",
];

/// The ARN of the caller's session.
pub(crate) fn arn(company: &Company, event: &Event) -> String {
    let workload = event.workload_of(company);
    let session = session(company, event);
    format!("arn:aws:sts::{}:assumed-role/{}/{session}", workload.account, workload.role)
}

fn session(company: &Company, event: &Event) -> String {
    let (w, p) = (event.workload as u64, event.part as u64);
    let name = |parts: &[u64]| Chance::of(company.seed ^ 0x5E55, parts);
    match &event.part_of(company).session {
        Session::Task(alive) => {
            // Tasks are replaced by a weekly release.
            let week = (event.at_ms - company.start.0) as u64 / (7 * 86_400_000);
            let task = event.payload % u64::from((*alive).max(1));
            name(&[w, 1, week, task]).hex(32)
        }
        Session::People(people) => person(event.payload % u64::from((*people).max(1))),
        Session::Job => name(&[w, p, 2, event.run]).hex(32),
        Session::Numbered(prefix) => format!("{prefix}-{}", name(&[w, p, 3, event.run]).hex(10)),
        Session::Fixed(text) => text.clone(),
    }
}

fn person(n: u64) -> String {
    let name = NAMES[n as usize % NAMES.len()];
    let initial = char::from(b'a' + (n / NAMES.len() as u64 % 26) as u8);
    format!("{name}.{initial}@acme.example")
}

/// A request id in the shape of a version 4 UUID.
pub(crate) fn request_id(event: &Event) -> String {
    let hex = Chance::new(event.id).hex(32);
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}
