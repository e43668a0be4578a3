//! A case as it is written down: one JSON object a line.

use std::io::BufRead;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::native::{Tape, TapeExchange, TapeFailure, TapeOutcome, TapePiece};

/// One case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Names it in every report.
    pub id: String,
    pub request: Request,
    /// What the provider answered, attempt by attempt.
    #[serde(default)]
    pub tape: Vec<Exchange>,
    /// What LiteLLM did; absent in cases that are meant for a running one.
    #[serde(default)]
    pub control: Option<Control>,
}

/// What the client sent. A key need not be in it: the configuration's own is put in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    #[serde(default = "post")]
    pub method: String,
    /// `/v1/messages`
    pub path: String,
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    #[serde(default)]
    pub body: Body,
}

fn post() -> String {
    "POST".to_owned()
}

/// A body in the form that reads best.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    #[default]
    Empty,
    /// As it stands, spelling included.
    Json(Box<RawValue>),
    Text(String),
    Base64(String),
}

/// A provider's answer, or why there was none.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// Of the deployment that was asked; empty: whichever the leg asks.
    #[serde(default)]
    pub deployment_id: String,
    #[serde(default = "ok")]
    pub status: u16,
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    #[serde(default)]
    pub body: Body,
    /// How the body came; empty: in one piece.
    #[serde(default)]
    pub pieces: Vec<TapePiece>,
    /// What ended the body before it was complete.
    #[serde(default)]
    pub cut: Option<TapeFailure>,
    /// There was no answer.
    #[serde(default)]
    pub failure: Option<TapeFailure>,
    #[serde(default)]
    pub elapsed_ms: u64,
    #[serde(default)]
    pub at_unix_ms: u64,
}

fn ok() -> u16 {
    200
}

/// What LiteLLM sent to the provider and answered to the client.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// Absent: provider requests are not compared.
    #[serde(default)]
    pub attempts: Option<Vec<Attempt>>,
    pub status: u16,
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    #[serde(default)]
    pub body: Body,
}

/// A provider request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    #[serde(default = "post")]
    pub method: String,
    pub url: String,
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    #[serde(default)]
    pub body: Body,
}

/// Why cases cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    #[error("failed to read {file}: {cause}")]
    File { file: String, cause: std::io::Error },
    #[error("{file}, line {line}: {problem}; a line is one case as docs/operating.md describes it")]
    Line { file: String, line: usize, problem: String },
    #[error("{file} holds no case")]
    Empty { file: String },
}

/// Reads a file of cases, or standard input for `-`.
pub fn read(file: &Path) -> Result<Vec<Case>, CaseError> {
    let name = file.display().to_string();
    let failed = |cause| CaseError::File { file: name.clone(), cause };
    let reader: Box<dyn BufRead> = if file == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(std::io::BufReader::new(std::fs::File::open(file).map_err(failed)?))
    };
    let mut cases = Vec::new();
    for (index, line) in reader.lines().enumerate() {
        let line = line.map_err(failed)?;
        if line.trim().is_empty() {
            continue;
        }
        let wrong = |problem| CaseError::Line { file: name.clone(), line: index + 1, problem };
        let case: Case = serde_json::from_str(&line).map_err(|error| wrong(error.to_string()))?;
        case.check().map_err(wrong)?;
        cases.push(case);
    }
    if cases.is_empty() { Err(CaseError::Empty { file: name }) } else { Ok(cases) }
}

impl Body {
    /// The bytes; `None` for base64 that is none.
    pub fn bytes(&self) -> Option<Bytes> {
        match self {
            Self::Empty => Some(Bytes::new()),
            Self::Json(raw) => Some(Bytes::copy_from_slice(raw.get().as_bytes())),
            Self::Text(text) => Some(Bytes::copy_from_slice(text.as_bytes())),
            Self::Base64(text) => STANDARD.decode(text).ok().map(Bytes::from),
        }
    }
}

impl Case {
    fn check(&self) -> Result<(), String> {
        let answers = self.tape.iter().map(|exchange| &exchange.body);
        let control = self.control.iter().flat_map(|control| {
            let attempts = control.attempts.iter().flatten().map(|attempt| &attempt.body);
            attempts.chain([&control.body])
        });
        match std::iter::once(&self.request.body).chain(answers).chain(control).all(|body| body.bytes().is_some()) {
            true => Ok(()),
            false => Err(format!("case {} has a body that is no base64", self.id)),
        }
    }

    /// The tape for the native leg.
    pub fn tape(&self) -> Tape {
        Tape { exchanges: self.tape.iter().map(Exchange::taped).collect() }
    }
}

impl Exchange {
    fn taped(&self) -> TapeExchange {
        let outcome = match &self.failure {
            Some(failure) => TapeOutcome::Failure(failure.clone()),
            None => TapeOutcome::Response {
                status: self.status,
                headers: self.headers.clone(),
                body: self.body.bytes().unwrap_or_default(),
                pieces: self.pieces.clone(),
                cut: self.cut.clone(),
            },
        };
        TapeExchange {
            deployment_id: self.deployment_id.clone(),
            outcome,
            elapsed_ms: self.elapsed_ms,
            at_unix_ms: self.at_unix_ms,
        }
    }
}
