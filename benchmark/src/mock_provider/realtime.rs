//! The websocket peer: greets like a realtime session and sends every message back.

use futures_util::{SinkExt as _, StreamExt as _};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Message, Role};

use crate::body::Reply;
use crate::script::Witness;

/// First message of every session.
const GREETING: &str = r#"{"type":"session.created","event_id":"event_mock","session":{"id":"sess_mock","object":"realtime.session","model":"gpt-4o-realtime-preview","modalities":["text"]}}"#;

/// Whether the request asks for a websocket.
pub fn is_upgrade(request: &Request<Incoming>) -> bool {
    request.headers().contains_key(SEC_WEBSOCKET_KEY)
        && request.headers().get(UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Agrees to the upgrade and starts the echo.
pub fn accept(request: &mut Request<Incoming>, witness: Option<Witness>) -> Response<Reply> {
    let key = request.headers().get(SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes())).unwrap_or_default();
    tokio::spawn(echo(hyper::upgrade::on(request), witness));
    let mut response = Response::new(Reply::whole(""));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(value) = HeaderValue::try_from(key) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, value);
    }
    response
}

async fn echo(upgrade: hyper::upgrade::OnUpgrade, witness: Option<Witness>) {
    let Ok(upgraded) = upgrade.await else { return };
    let mut socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
    if socket.send(Message::text(GREETING)).await.is_err() {
        return;
    }
    while let Some(Ok(message)) = socket.next().await {
        if message.is_close() {
            if let Some(witness) = witness {
                witness.finished();
            }
            return;
        }
        if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
            return;
        }
    }
}
