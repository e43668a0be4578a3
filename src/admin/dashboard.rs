//! The dashboard's files, inside the binary.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A file of the dashboard with its content type.
struct Asset {
    name: &'static str,
    kind: &'static str,
    content: &'static str,
}

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";

macro_rules! assets {
    ($( $name:literal: $kind:expr ),+ $(,)?) => {
        &[$( Asset { name: $name, kind: $kind, content: include_str!(concat!("dashboard/", $name)) } ),+]
    };
}

const ASSETS: &[Asset] = assets! {
    "actions.js": JAVASCRIPT,
    "api.js": JAVASCRIPT,
    "app.js": JAVASCRIPT,
    "board.js": JAVASCRIPT,
    "causes.js": JAVASCRIPT,
    "dom.js": JAVASCRIPT,
    "fader.js": JAVASCRIPT,
    "favicon.svg": "image/svg+xml",
    "format.js": JAVASCRIPT,
    "history.js": JAVASCRIPT,
    "journal.js": JAVASCRIPT,
    "lane.js": JAVASCRIPT,
    "parts.js": JAVASCRIPT,
    "sample.css": CSS,
    "sample.js": JAVASCRIPT,
    "pace.js": JAVASCRIPT,
    "stream.js": JAVASCRIPT,
    "strip.js": JAVASCRIPT,
    "style.css": CSS,
    "tree.js": JAVASCRIPT,
    "words.js": JAVASCRIPT,
};

const PAGE: &str = include_str!("dashboard/index.html");

/// `/`: every page is drawn by the script from the fragment, so there is one document.
pub async fn page() -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], PAGE).into_response()
}

/// `/assets/{name}`
pub async fn asset(Path(name): Path<String>) -> Response {
    match ASSETS.iter().find(|asset| asset.name == name) {
        Some(asset) => ([(header::CONTENT_TYPE, asset.kind)], asset.content).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
