//! From differences to a verdict: what is noise, what is excused, what a difference is worth.
//!
//! `outcome` holds the words, `defects` the control's own faults that we do not copy, `judge` the
//! judgement of a pair, `cause` the identity under which mismatches of one kind are counted.

mod cause;
mod defects;
mod judge;
mod outcome;

pub use cause::{Cause, cause_of};
pub use defects::{DEFECT_TABLE_VERSION, Defect, excuse};
pub use judge::{Answered, Difference, Judgement, LegRecord, Pair, ProviderCall, judge};
pub use outcome::{Excuse, Outcome, Severity, SkipReason, Verdict};
