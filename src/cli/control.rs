//! `crossfade status · promote · hold · release · rollback · freeze · unfreeze`: steers a running router through its admin port.

use std::process::ExitCode;

use bytes::Bytes;
use clap::Args;
use http::{HeaderMap, HeaderValue, Method};
use http_body_util::BodyExt;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};

use super::board;
use super::output::say;
use crate::admin::{CHANGE_HEADER, OPERATOR_HEADER};
use crate::python::Upstream;
use crate::python::forward::{PythonClient, whole};

/// What a header cannot carry, or would be read as an encoding.
const ENCODED: &AsciiSet = &CONTROLS.add(b'%');

/// Where the running router is.
#[derive(Debug, Args)]
pub struct AdminAddress {
    /// The router's admin port.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8081", env = "CROSSFADE_ADMIN_URL")]
    admin: String,
}

/// Show all lanes: stage, weight, outcomes, and what each waits for.
#[derive(Debug, Args)]
pub struct StatusArguments {
    #[command(flatten)]
    address: AdminAddress,
    /// Print the API's JSON instead.
    #[arg(long)]
    json: bool,
}

/// A change of one lane.
#[derive(Debug, Args)]
pub struct LaneArguments {
    /// The lane, as `crossfade status` shows it: `ocr:mistral`.
    lane: String,
    /// Why; it goes into the journal.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    address: AdminAddress,
}

/// One step up.
#[derive(Debug, Args)]
pub struct PromoteArguments {
    #[command(flatten)]
    lane: LaneArguments,
    /// Whatever the gate says.
    #[arg(long)]
    force: bool,
}

/// A change of all lanes.
#[derive(Debug, Args)]
pub struct FreezeArguments {
    /// Why; it goes into the journal.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    address: AdminAddress,
}

/// How long the admin port may take.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

pub fn status(arguments: &StatusArguments) -> ExitCode {
    finish(block_on(async {
        let client = Client::new(&arguments.address)?;
        let (status, lanes) = (client.get("/api/status").await?, client.get("/api/lanes").await?);
        if arguments.json {
            return Ok(format!("{:#}\n", json!({"status": status, "lanes": lanes["lanes"]})));
        }
        Ok(board::render(&status, &lanes))
    }))
}

pub fn lane(arguments: &LaneArguments, action: &str) -> ExitCode {
    change(&arguments.address, &lane_path(&arguments.lane, action), &json!({"reason": arguments.reason}))
}

pub fn promote(arguments: &PromoteArguments) -> ExitCode {
    let lane = &arguments.lane;
    let body = json!({"reason": lane.reason, "force": arguments.force});
    change(&lane.address, &lane_path(&lane.lane, "promote"), &body)
}

pub fn freeze(arguments: &FreezeArguments, action: &str) -> ExitCode {
    change(&arguments.address, &format!("/api/{action}"), &json!({"reason": arguments.reason}))
}

fn lane_path(lane: &str, action: &str) -> String {
    let lane = percent_encoding::utf8_percent_encode(lane, percent_encoding::NON_ALPHANUMERIC);
    format!("/api/lanes/{lane}/{action}")
}

fn change(address: &AdminAddress, path: &str, body: &Value) -> ExitCode {
    finish(block_on(async {
        let answer = Client::new(address)?.send(Method::POST, path, Some(body)).await?;
        Ok(match answer.get("lane") {
            Some(lane) => board::lane_line(lane) + "\n",
            None => format!("{answer}\n"),
        })
    }))
}

fn block_on(work: impl Future<Output = Result<String, String>>) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(work)
}

fn finish(result: Result<String, String>) -> ExitCode {
    match result {
        Ok(text) => {
            say(&text);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("crossfade: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Client {
    client: PythonClient,
    url: String,
}

impl Client {
    fn new(address: &AdminAddress) -> Result<Self, String> {
        let upstream = Upstream::parse(&address.admin, PATIENCE, PATIENCE).map_err(|error| error.to_string())?;
        Ok(Self { client: PythonClient::new(std::sync::Arc::new(upstream)), url: address.admin.clone() })
    }

    async fn get(&self, path: &str) -> Result<Value, String> {
        self.send(Method::GET, path, None).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, String> {
        let body = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let headers = self.headers(body.len())?;
        let sent = self.client.send(method, path, headers, whole(body)).await;
        let response = sent.map_err(|reason| {
            format!("no answer from {} ({}): is `crossfade serve` running?", self.url, reason.as_str())
        })?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
        let answer: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        if status.is_success() {
            return Ok(answer);
        }
        Err(answer["error"]["message"]
            .as_str()
            .map_or_else(|| format!("the admin port answered {status}"), str::to_owned))
    }

    fn headers(&self, length: usize) -> Result<HeaderMap, String> {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(http::header::CONTENT_LENGTH, HeaderValue::from(length));
        headers.insert(CHANGE_HEADER, HeaderValue::from_static("1"));
        let operator = std::env::var("USER").unwrap_or_else(|_| "cli".to_owned());
        let operator = utf8_percent_encode(&operator, ENCODED).to_string();
        if let Ok(operator) = HeaderValue::from_str(&operator) {
            headers.insert(OPERATOR_HEADER, operator);
        }
        if let Ok(token) = std::env::var("CROSSFADE_ADMIN_TOKEN") {
            let bearer = HeaderValue::from_str(&format!("Bearer {token}"));
            headers.insert(http::header::AUTHORIZATION, bearer.map_err(|_| "CROSSFADE_ADMIN_TOKEN cannot be sent")?);
        }
        Ok(headers)
    }
}
