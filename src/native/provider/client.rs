//! The connections to providers: pooled, kept alive, HTTP/1.1 or h2 by ALPN, TLS by rustls.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::TRANSFER_ENCODING;
use http::{HeaderName, HeaderValue, Method, Request, Uri, Version};
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
use super::names::{Names, names};
use super::{failure, headers};
use crate::native::effects::Opened;

/// An idle connection is given up before the usual server-side limits: aiohttp, LiteLLM's client, keeps one 15 s.
const IDLE_MAX: Duration = Duration::from_secs(15);
/// Idle connections kept per provider host.
const IDLE_PER_HOST_MAX: usize = 256;

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
    http1: Connections,
    requests: AtomicU64,
}

impl Client {
    /// `certificates` is the file named by `SSL_CERT_FILE`, which replaces the built-in authorities, as in LiteLLM.
    pub fn new(certificates: Option<&Path>) -> Result<Self, ClientError> {
        let tls = tls(certificates)?;
        Ok(Self {
            negotiated: connections(tls.clone(), Protocol::Negotiated),
            http1: connections(tls, Protocol::Http1),
            requests: AtomicU64::new(0),
        })
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
        let (head, incoming) = self.answered(protocol, request, limit, Instant::now()).await?;
        let ends_with_connection = head.version <= Version::HTTP_11 && !head.headers.contains_key(TRANSFER_ENCODING);
        let stream = BodyStream::new(incoming, limit, ends_with_connection);
        Ok(Opened { status: head.status.as_u16(), headers: named(&head.headers), stream })
    }

    async fn answered(
        &self,
        protocol: Protocol,
        request: &ProviderRequest,
        limit: Duration,
        started: Instant,
    ) -> Result<(http::response::Parts, Incoming), ProviderFailure> {
        let (mut outbound, uri) = outbound(request)?;
        let mut connection = capture_connection(&mut outbound);
        self.requests.fetch_add(1, Ordering::Relaxed);
        let connections = match protocol {
            Protocol::Negotiated => &self.negotiated,
            Protocol::Http1 => &self.http1,
        };
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
        let response = match outcome {
            Ok(response) => response,
            Err(error) => return Err(failure::of_request(&error, error.is_connect(), &uri).await),
        };
        let (head, incoming) = response.into_parts();
        match headers::fault(&head.headers) {
            Some(text) => Err(ProviderFailure::Other { text }),
            None => Ok((head, incoming)),
        }
    }
}

async fn head(answer: &mut ResponseFuture, limit: Duration) -> Option<Result<http::Response<Incoming>, legacy::Error>> {
    tokio::time::timeout(limit, answer).await.ok()
}

fn connections(tls: ClientConfig, protocol: Protocol) -> Connections {
    let mut tcp = HttpConnector::new_with_resolver(names());
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    let connector = match protocol {
        Protocol::Negotiated => connector.enable_all_versions().wrap_connector(tcp),
        Protocol::Http1 => connector.enable_http1().wrap_connector(tcp),
    };
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
        .build(connector)
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

fn outbound(request: &ProviderRequest) -> Result<(Request<Full<Bytes>>, Uri), ProviderFailure> {
    let unsendable = |what: &str| ProviderFailure::Other { text: format!("the request has an unusable {what}") };
    let uri: Uri = request.url.parse().map_err(|_| unsendable("URL"))?;
    let method = Method::from_bytes(request.method.as_bytes()).map_err(|_| unsendable("method"))?;
    let mut outbound = Request::new(Full::new(request.body.clone()));
    *outbound.method_mut() = method;
    *outbound.uri_mut() = uri.clone();
    // `host` comes on top.
    outbound.headers_mut().reserve(request.headers.len() + 1);
    for (name, value) in &request.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unsendable("header name"))?;
        let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| unsendable("header value"))?;
        value.set_sensitive(name == http::header::AUTHORIZATION);
        outbound.headers_mut().append(name, value);
    }
    Ok((outbound, uri))
}

/// Header values are bytes; httpx reads them as Latin-1 when they are not ASCII or UTF-8.
fn named(headers: &http::HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => text.to_owned(),
        Err(_) => value.as_bytes().iter().map(|byte| char::from(*byte)).collect(),
    };
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}
