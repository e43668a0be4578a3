//! What was found, kept: lanes, evidence, journal, causes and samples.
//!
//! Structure, lengths and keyed hashes are kept always; content only where a lane's rule says so, for as long as
//! it says. Credentials are replaced before anything reaches the writer.

mod names;
mod redact;
mod schema;
mod store;

pub use names::Names;
pub use redact::Redactor;
pub use store::{Cause, Entry, NewCause, NewEntry, Sample, SampleHead, SavedLane, Store, StoreError};
