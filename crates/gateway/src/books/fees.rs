//! What capacity costs that is paid for by the hour or the month: it is in the price of no call.
//!
//! It counts from the first call that is booked until now, by the begun hour, as if it had been committed all that time. A month is
//! 730 hours, the twelfth part of a year.

use laneshift_catalog::commitments::Commitments;
use laneshift_core::route::LaneId;
use laneshift_units::Timestamp;

use super::savings::{Savings, Sum};

/// The owner of what is nobody's alone.
pub(crate) const EVERYBODY: &str = "*";
const HOUR_MS: i64 = 3_600_000;
/// 8,760 hours of a year over twelve.
const MONTH_H: u64 = 730;

impl Savings {
    /// Adds the fees of paid capacity, each as a row of its own. Nothing, before the first call.
    pub fn add_fees(&mut self, commitments: &Commitments, now: Timestamp) {
        let Some(first) = self.first else { return };
        let passed = (now.0 - first.0).max(1).cast_unsigned();
        let hours = passed.div_ceil(HOUR_MS.cast_unsigned());
        let provisioned = commitments.provisioned.iter().map(|p| {
            let fee = p.per_unit_hour.times(p.units).times(hours);
            (&p.name, LaneId::Provisioned, fee)
        });
        let reserved = commitments.reserved.iter().map(|r| (&r.name, LaneId::Reserved, r.per_month.scaled(hours, MONTH_H)));
        for (name, lane, fee) in provisioned.chain(reserved) {
            self.add_fee(name, lane, Sum { paid: fee, paid_hours: hours, ..Sum::default() });
        }
    }

    fn add_fee(&mut self, name: &str, lane: LaneId, sum: Sum) {
        self.rows.entry((EVERYBODY.to_owned(), name.to_owned(), lane.name().to_owned())).or_default().add(&sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fees_count_by_the_begun_hour_from_the_first_call_to_the_last_digit() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let text = r#"
            [[provisioned]]
            name = "units"
            model = "amazon.nova-lite-v1:0"
            region = "us-east-1"
            units = 3
            usd_per_unit_hour = "21.180000000001"
            input_tpm_per_unit = 1
            output_tpm_per_unit = 1
            [[reserved]]
            name = "tier"
            model = "amazon.nova-lite-v1:0"
            profile = "us"
            region = "us-east-1"
            input_tpm = 1
            output_tpm = 1
            usd_per_month = "730.000000000003"
        "#;
        std::fs::write(file.path(), text).expect("written");
        let commitments = Commitments::open(file.path()).expect("read");
        let fees = |first: Option<i64>, now: i64| {
            let mut savings = Savings { first: first.map(Timestamp), ..Savings::default() };
            savings.add_fees(&commitments, Timestamp(now));
            savings.rows.into_values().map(|sum| (sum.paid.to_exact_string(), sum.paid_hours)).collect::<Vec<_>>()
        };
        assert_eq!(fees(None, 5), []);
        // By name: the tier, then the units.
        let told = |tier: &str, units: &str, hours| vec![(tier.to_owned(), hours), (units.to_owned(), hours)];
        assert_eq!(fees(Some(0), 0), told("1", "63.540000000003", 1));
        assert_eq!(fees(Some(0), HOUR_MS), told("1", "63.540000000003", 1));
        assert_eq!(fees(Some(7), HOUR_MS + 8), told("2", "127.080000000006", 2));
        assert_eq!(fees(Some(0), 730 * HOUR_MS)[0].0, "730.000000000003");
    }
}
