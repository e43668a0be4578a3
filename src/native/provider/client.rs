//! The client of all providers: HTTP/1.1, or h2 by ALPN, over connections that are kept alive; TLS by rustls.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::TRANSFER_ENCODING;
use http::{HeaderValue, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::{HttpConnector, capture_connection};
use hyper_util::client::legacy::{self, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use transform::{ProviderFailure, ProviderRequest};

use super::body::BodyStream;
use super::http1::{Held, Http1};
use super::idle::Limits;
use super::names::{Names, names};
use super::outbound::{self, Outbound};
use super::{failure, headers};
use crate::native::effects::Opened;

/// An idle connection is given up before the usual server-side limits: aiohttp, LiteLLM's client, keeps one 15 s.
const IDLE_MAX: Duration = Duration::from_secs(15);
/// Idle connections kept per provider host.
const IDLE_PER_HOST_MAX: usize = 256;
/// Idle HTTP/1.1 connections kept to all providers together.
const IDLE_IN_ALL_MAX: usize = 1024;

/// Why no client can be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("TLS settings are unusable: {0}")]
    Tls(#[from] rustls::Error),
    #[error("certificates of SSL_CERT_FILE are unusable: {0}")]
    Certificates(#[from] rustls::pki_types::pem::Error),
}

/// How a provider is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/2 where TLS agrees on it, else HTTP/1.1.
    Negotiated,
    /// As LiteLLM's own client speaks. Over HTTP/2 providers answer with other headers, which matters where LiteLLM shows
    /// its client all of them.
    Http1,
}

type Connections = legacy::Client<HttpsConnector<HttpConnector<Names>>, Full<Bytes>>;

/// The client all served requests share. Only [`super::super::effects::LiveEffects`] holds one.
pub struct Client {
    negotiated: Connections,
    http1: Http1,
    requests: AtomicU64,
}

impl Client {
    /// `certificates` is the file named by `SSL_CERT_FILE`, which replaces the built-in authorities, as in LiteLLM.
    pub fn new(certificates: Option<&Path>) -> Result<Self, ClientError> {
        let limits = Limits { idle: IDLE_MAX, per_origin: IDLE_PER_HOST_MAX, in_all: IDLE_IN_ALL_MAX };
        Self::limited(certificates, limits)
    }

    /// `limits` are those of idle HTTP/1.1 connections.
    pub(super) fn limited(certificates: Option<&Path>, limits: Limits) -> Result<Self, ClientError> {
        let tls = tls(certificates)?;
        Ok(Self { negotiated: connections(tls.clone()), http1: http1(tls, limits), requests: AtomicU64::new(0) })
    }

    /// Requests sent to providers so far.
    pub fn requests_total(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Sends once and waits for the head. See [`super::super::effects::Effects::open`].
    pub(in crate::native) async fn open(
        &self,
        protocol: Protocol,
        request: &ProviderRequest,
        limit: Duration,
    ) -> Result<Opened<BodyStream>, ProviderFailure> {
        let (response, held) = self.answered(protocol, request, limit).await?;
        let (head, incoming) = response.into_parts();
        if let Some(text) = headers::fault(&head.headers) {
            return Err(ProviderFailure::Other { text });
        }
        let ends_with_connection = head.version <= Version::HTTP_11 && !head.headers.contains_key(TRANSFER_ENCODING);
        let stream = BodyStream::new(incoming, held, limit, ends_with_connection);
        Ok(Opened { status: head.status.as_u16(), headers: named(&head.headers), stream })
    }

    async fn answered(
        &self,
        protocol: Protocol,
        request: &ProviderRequest,
        limit: Duration,
    ) -> Result<(http::Response<Incoming>, Option<Held>), ProviderFailure> {
        let started = Instant::now();
        match protocol {
            Protocol::Negotiated => {
                let outbound = outbound::absolute(request)?;
                self.requests.fetch_add(1, Ordering::Relaxed);
                let answered = Box::pin(negotiated(&self.negotiated, outbound, limit, started));
                answered.await.map(|response| (response, None))
            }
            Protocol::Http1 => {
                let sending = self.http1.begin(request)?;
                self.requests.fetch_add(1, Ordering::Relaxed);
                let (response, held) = self.http1.send(sending, limit, started).await?;
                Ok((response, held.unless_idle()))
            }
        }
    }
}

async fn negotiated(
    connections: &Connections,
    mut outbound: Outbound,
    limit: Duration,
    started: Instant,
) -> Result<http::Response<Incoming>, ProviderFailure> {
    let uri = outbound.uri().clone();
    let mut connection = capture_connection(&mut outbound);
    let mut answer = connections.request(outbound);
    // As in aiohttp the limit runs anew once there is a connection: first to get one, then to see the head.
    let early = tokio::time::timeout(limit, async {
        tokio::select! {
            biased;
            outcome = &mut answer => Some(outcome),
            () = async { let _ = connection.wait_for_connection_metadata().await; } => None,
        }
    });
    let outcome = match early.await {
        Err(_) => return Err(failure::timeout(limit, started)),
        Ok(Some(outcome)) => outcome,
        Ok(None) => head(&mut answer, limit).await.ok_or_else(|| failure::timeout(limit, started))?,
    };
    match outcome {
        Ok(response) => Ok(response),
        Err(error) if error.is_connect() => Err(failure::of_connect(&error, &uri).await),
        Err(error) => Err(failure::of_request(&error)),
    }
}

async fn head(answer: &mut ResponseFuture, limit: Duration) -> Option<Result<http::Response<Incoming>, legacy::Error>> {
    tokio::time::timeout(limit, answer).await.ok()
}

fn connections(tls: ClientConfig) -> Connections {
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_MAX)
        .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
        // Sends again only what no byte of was written to a connection found closed: the provider has not seen it.
        .retry_canceled_requests(true)
        // As aiohttp reads an answer's head.
        .http1_max_headers(headers::HEADERS_MAX)
        .http1_allow_obsolete_multiline_headers_in_responses(true)
        .build(connector.enable_all_versions().wrap_connector(tcp()))
}

fn http1(tls: ClientConfig, limits: Limits) -> Http1 {
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
    Http1::new(connector.wrap_connector(tcp()), limits)
}

fn tcp() -> HttpConnector<Names> {
    let mut tcp = HttpConnector::new_with_resolver(names());
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp
}

fn tls(certificates: Option<&Path>) -> Result<ClientConfig, ClientError> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let Some(path) = certificates else { return Ok(builder.with_webpki_roots().with_no_client_auth()) };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path)? {
        roots.add(certificate?)?;
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Header values are bytes; httpx reads them as Latin-1 when they are not ASCII or UTF-8.
fn named(headers: &http::HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => text.to_owned(),
        Err(_) => value.as_bytes().iter().map(|byte| char::from(*byte)).collect(),
    };
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}
