//! The rule files: as operators write them, checked, and resolved to one complete rule a lane.
//!
//! `file` is the wire form (every field optional, unknown ones refused), [`Rules`] the checked set,
//! [`LaneRule`] what the rest of the crate works with: no `Option` left that a default could fill.
//! Reading files and YAML is the host's.

mod content;
mod file;
mod resolve;
mod suggest;

pub use content::{Content, ContentChoice};
pub use file::{CanaryFile, GateFile, LaneOverride, RollbackFile, RuleFile, Side, StickyBy, Tolerate};
pub use resolve::{Canary, GateRule, LaneRule, Promotion, RollbackRule, RuleError, RuleProblem, Rules};
pub use suggest::{nearest, suggest_for};
