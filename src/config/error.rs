//! The one way in which reading a configuration fails.

use std::fmt;
use std::path::PathBuf;

/// What is wrong, where, and what to do about it. Never contains a value from the file or the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    pub file: PathBuf,
    /// Counted from 1; None if the file as a whole is meant.
    pub line: Option<u32>,
    /// `model_list[3].litellm_params`; empty if the file as a whole is meant.
    pub path: String,
    /// Lower case, without full stop.
    pub problem: String,
    /// What the operator can do, as an imperative.
    pub remedy: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(formatter, ":{line}")?;
        }
        if !self.path.is_empty() {
            write!(formatter, ": {}", self.path)?;
        }
        write!(formatter, ": {}; {}", self.problem, self.remedy)
    }
}

impl std::error::Error for ConfigError {}
