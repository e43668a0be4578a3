//! The parts of Python that clients can see: how it reads and writes JSON, spells values, decodes bytes.
//!
//! Only what LiteLLM's answers depend on; everything follows CPython 3.11.

pub mod bytes_decode;
mod float;
pub mod json_decode;
pub mod json_encode;
mod json_plain;
pub mod repr;
pub mod subscript;
mod unprintable;
mod value;

pub use float::float_repr;
pub use repr::{repr, string_repr, type_name};
pub use value::{Dict, Integer, Text, Value};
