//! The control endpoints, all under `/__`, by which tests script the mock and ask what it saw.
//!
//! `POST /__script/<case>` a JSON list of answers (also forgets what the case saw) · `GET /__seen/<case>?at_least=N&ended=N&seconds=S` ·
//! `POST /__gate/<case>/<gate>` · `POST /__reset[/<case>]` · `GET /__count` · `GET /__health`.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};

use crate::body::Reply;
use crate::script::Answer;
use crate::service::{Provider, json};

/// Longest that `/__seen` waits, in seconds.
const WAIT_LIMIT: f64 = 60.0;

/// Answers a control request.
pub async fn answer(provider: &Provider, request: Request<Incoming>) -> Response<Reply> {
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or("").to_owned();
    let mut parts = path.trim_start_matches('/').split('/');
    let verb = parts.next().unwrap_or("");
    let (case, rest) = (parts.next(), parts.next());
    match (verb, case) {
        ("__health", _) => said(StatusCode::OK, "{\"ok\":true}"),
        ("__count", _) => json(Bytes::from(format!("{{\"requests\":{}}}", provider.requests()))),
        ("__reset", None) => {
            provider.cases.reset();
            said(StatusCode::OK, "{}")
        }
        ("__reset" | "__script" | "__seen" | "__gate", Some(name)) => match provider.cases.named(name) {
            None => said(StatusCode::TOO_MANY_REQUESTS, "{\"error\":\"too many cases\"}"),
            Some(case) => match verb {
                "__reset" => {
                    case.begin(Vec::new());
                    said(StatusCode::OK, "{}")
                }
                "__script" => script(&case, request).await,
                "__gate" => {
                    case.open_gate(rest.unwrap_or("gate"));
                    said(StatusCode::OK, "{}")
                }
                _ => {
                    let limit = number(&query, "seconds").unwrap_or(10.0).clamp(0.0, WAIT_LIMIT);
                    let at_least = number(&query, "at_least").unwrap_or(0.0) as usize;
                    let ended = number(&query, "ended").unwrap_or(0.0) as usize;
                    let report = case.report(at_least, ended, Duration::from_secs_f64(limit)).await;
                    json(Bytes::from(report.to_string()))
                }
            },
        },
        _ => said(StatusCode::NOT_FOUND, "{\"error\":\"no such control endpoint\"}"),
    }
}

async fn script(case: &crate::script::Case, request: Request<Incoming>) -> Response<Reply> {
    let Ok(body) = request.into_body().collect().await else {
        return said(StatusCode::BAD_REQUEST, "{\"error\":\"the script did not arrive whole\"}");
    };
    match serde_json::from_slice::<Vec<Answer>>(&body.to_bytes()) {
        Ok(answers) => {
            case.begin(answers);
            said(StatusCode::OK, "{}")
        }
        Err(error) => {
            let text = serde_json::json!({ "error": format!("not a list of answers: {error}") }).to_string();
            let mut response = json(Bytes::from(text));
            *response.status_mut() = StatusCode::BAD_REQUEST;
            response
        }
    }
}

fn number(query: &str, name: &str) -> Option<f64> {
    query.split('&').find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name)?.1.parse().ok())
}

fn said(status: StatusCode, text: &'static str) -> Response<Reply> {
    let mut response = json(Bytes::from_static(text.as_bytes()));
    *response.status_mut() = status;
    response
}
