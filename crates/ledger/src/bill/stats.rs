//! Counts of what a read kept, left out and had to decide.

use std::ops::AddAssign;

use laneshift_units::Money;

/// What reading one file did. Adding two is what reading both files did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BillStats {
    /// Rows seen, without the header.
    pub rows: u64,
    /// Rows given to the sink.
    pub kept: u64,
    /// Rows about something else than models.
    pub ignored: u64,
    /// What the ignored rows cost, unblended, in USD.
    pub ignored_cost: Money,
    /// Rows left out because something is wrong with them.
    pub rejected: u64,
    /// Rows whose quantity was not a whole number of tokens and was rounded to the nearest.
    pub rounded_quantities: u64,
    /// Rows of tokens whose unit was missing or unknown, and was taken from the seller's habit.
    pub assumed_units: u64,
    /// Rows of tokens with a negative quantity: corrections. Their money counts, their tokens do not.
    pub negative_quantities: u64,
    /// Rows of usage whose invoice is not issued: AWS may still change them, and add to their days.
    pub not_invoiced: u64,
    /// Rows of usage in bills that have no column for the invoice.
    pub invoice_untold: u64,
    /// Costs that were finer than a picodollar and lost less than one.
    pub truncated_costs: u64,
}

impl AddAssign for BillStats {
    fn add_assign(&mut self, rhs: Self) {
        self.rows += rhs.rows;
        self.kept += rhs.kept;
        self.ignored += rhs.ignored;
        self.ignored_cost += rhs.ignored_cost;
        self.rejected += rhs.rejected;
        self.rounded_quantities += rhs.rounded_quantities;
        self.assumed_units += rhs.assumed_units;
        self.negative_quantities += rhs.negative_quantities;
        self.not_invoiced += rhs.not_invoiced;
        self.invoice_untold += rhs.invoice_untold;
        self.truncated_costs += rhs.truncated_costs;
    }
}
