//! JSON that comes in fragments.
//!
//! Source: LiteLLM 1.102.4 `litellm_core_utils/json_fragment_accumulator.py`.

use crate::python::Value;
use crate::python::json_decode::{DecodeError, raw_decode};

/// Fragments of values, put together.
#[derive(Debug, Default)]
pub(crate) struct JsonFragments {
    buffer: String,
    at: usize,
    could_close: bool,
}

impl JsonFragments {
    pub(crate) fn append(&mut self, fragment: &str) {
        self.buffer.drain(..self.at);
        self.at = 0;
        self.buffer.push_str(fragment);
        if let Some(last) = fragment.trim_end().chars().next_back() {
            self.could_close = matches!(last, '}' | ']');
        }
    }

    /// Whether the last fragment may have ended a value.
    pub(crate) fn could_close(&self) -> bool {
        self.could_close
    }

    /// How many bytes wait.
    pub(crate) fn len(&self) -> usize {
        self.buffer.len() - self.at
    }

    /// The value in front, if it is whole.
    pub(crate) fn pop(&mut self, depth_max: usize) -> Result<Option<Value>, DecodeError> {
        let rest = &self.buffer[self.at..];
        let start = self.at + rest.len() - rest.trim_start().len();
        if start == self.buffer.len() {
            self.at = start;
            return Ok(None);
        }
        match raw_decode(&self.buffer[start..], depth_max) {
            Ok((value, length)) => {
                self.at = start + length;
                if self.at == self.buffer.len() {
                    self.could_close = false;
                }
                Ok(Some(value))
            }
            Err(DecodeError::Syntax { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
