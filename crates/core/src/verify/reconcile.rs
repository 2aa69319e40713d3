//! Two accounts of the same usage, held against each other line by line.

use std::collections::{BTreeMap, BTreeSet};

/// By how much a line may differ, in millionths of what is invoiced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tolerance(pub u32);

impl Tolerance {
    /// Whether a line is within it. What one account alone has is outside of any.
    pub fn holds(self, metered: i128, invoiced: i128) -> bool {
        let differs = metered.abs_diff(invoiced).saturating_mul(1_000_000);
        (metered == 0) == (invoiced == 0) && differs <= invoiced.unsigned_abs().saturating_mul(self.0.into())
    }
}

/// One line in both accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<K> {
    /// Of what.
    pub key: K,
    /// What was metered.
    pub metered: i128,
    /// What is invoiced.
    pub invoiced: i128,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciled<K> {
    /// Lines that were compared.
    pub lines: u64,
    /// Of what is invoiced: on lines within the tolerance.
    pub within: i128,
    /// All that is invoiced.
    pub invoiced: i128,
    /// Lines outside of the tolerance, in the order of their keys.
    pub outside: Vec<Row<K>>,
}

/// Compares two accounts. A line that only one of them has is compared with nothing.
pub fn reconcile<K: Ord + Clone>(
    metered: &BTreeMap<K, i128>,
    invoiced: &BTreeMap<K, i128>,
    tolerance: Tolerance,
) -> Reconciled<K> {
    let keys: BTreeSet<&K> = metered.keys().chain(invoiced.keys()).collect();
    let of = |account: &BTreeMap<K, i128>, key: &K| account.get(key).copied().unwrap_or(0);
    let mut out = Reconciled { lines: keys.len() as u64, within: 0, invoiced: 0, outside: Vec::new() };
    for key in keys {
        let row = Row { key: key.clone(), metered: of(metered, key), invoiced: of(invoiced, key) };
        out.invoiced += row.invoiced;
        if tolerance.holds(row.metered, row.invoiced) {
            out.within += row.invoiced;
        } else {
            out.outside.push(row);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_one_account_alone_is_outside_and_a_tolerance_includes_its_edge() {
        let (one_percent, none) = (Tolerance(10_000), Tolerance(0));
        assert!(one_percent.holds(101, 100) && one_percent.holds(99, 100) && !one_percent.holds(102, 100));
        let all = Tolerance(1_000_000);
        assert!(all.holds(1, 100) && all.holds(200, 100) && !all.holds(0, 100) && !all.holds(100, 0));
        assert!(none.holds(0, 0) && !one_percent.holds(1, 0) && !one_percent.holds(0, 1));
        let metered = BTreeMap::from([("a", 100), ("b", 5)]);
        let invoiced = BTreeMap::from([("a", 100), ("c", 7)]);
        let found = reconcile(&metered, &invoiced, one_percent);
        assert_eq!((found.lines, found.within, found.invoiced), (3, 100, 107));
        let rows: Vec<_> = found.outside.iter().map(|row| (row.key, row.metered, row.invoiced)).collect();
        assert_eq!(rows, [("b", 5, 0), ("c", 0, 7)]);
    }
}
