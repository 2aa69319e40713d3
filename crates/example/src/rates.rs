//! Hourly rates of real clients, from `data/servegen-rates.csv` (alibaba/ServeGen, Apache-2.0).

use std::collections::BTreeMap;
use std::sync::OnceLock;

const DAYS: usize = 14;

/// The hourly rates of one client in thousandths of its mean, over fourteen days.
pub(crate) fn hourly(client: u32) -> &'static [u32] {
    static ALL: OnceLock<BTreeMap<u32, Vec<u32>>> = OnceLock::new();
    ALL.get_or_init(parse).get(&client).expect("a company names only clients of the data file")
}

fn parse() -> BTreeMap<u32, Vec<u32>> {
    let mut clients: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for line in include_str!("../data/servegen-rates.csv").lines().skip(1) {
        let mut cells = line.split(',').map(|c| c.parse::<u32>().expect("the data file holds whole numbers"));
        let (client, _day) = (cells.next().expect("a client"), cells.next().expect("a day"));
        clients.entry(client).or_default().extend(cells);
    }
    assert!(clients.values().all(|hours| hours.len() == DAYS * 24), "every client has fourteen whole days");
    clients
}

#[cfg(test)]
mod tests {
    use super::hourly;

    /// Pearson correlation of the series with itself a day later.
    fn daily_autocorrelation(hours: &[u32]) -> f64 {
        let mean = hours.iter().map(|&h| f64::from(h)).sum::<f64>() / hours.len() as f64;
        let d = |i: usize| f64::from(hours[i]) - mean;
        let lagged: f64 = (0..hours.len() - 24).map(|i| d(i) * d(i + 24)).sum();
        let variance: f64 = (0..hours.len() - 24).map(|i| d(i) * d(i)).sum();
        lagged / variance
    }

    #[test]
    fn clients_that_stand_for_people_repeat_daily() {
        for client in [5, 13, 26, 29, 31, 41] {
            assert!(daily_autocorrelation(hourly(client)) > 0.6, "client {client}");
        }
    }

    #[test]
    fn clients_that_stand_for_jobs_are_mostly_idle() {
        for client in [20, 24, 30] {
            let active = hourly(client).iter().filter(|&&h| h > 0).count();
            assert!(active * 4 < hourly(client).len(), "client {client} is active in {active} hours");
        }
    }
}
