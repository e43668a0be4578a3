//! `/ocr` and `/v1/ocr`.

mod body_keys;
pub mod endpoints;
mod multipart;

pub(crate) use body_keys::is_acted_on;
pub use multipart::Part;
