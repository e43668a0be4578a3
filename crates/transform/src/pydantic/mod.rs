//! Pydantic v2 in lax mode, as far as LiteLLM's OCR models need it: coercions and the text of a `ValidationError`.

pub(crate) mod attributes;
mod coerce;
mod errors;
pub(crate) mod shapes;

pub use coerce::{as_float, as_integer, as_string};
pub use errors::{Issue, Issues, Kind, Location};
