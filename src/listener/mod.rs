//! Binds the front port and runs Pingora until it is drained.

mod drain;

use std::net::ToSocketAddrs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use pingora::apps::HttpServerOptions;
use pingora::listeners::tls::TlsSettings;
use pingora::listeners::{L4BufferSettings, ListenerConfig, TcpSocketOptions};
use pingora::proxy::http_proxy;
use pingora::server::configuration::ServerConf;
use pingora::server::{RunArgs, Server};
use pingora::services::listening::Service;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;
use tokio::net::TcpSocket;

pub use drain::Drain;

use crate::app::App;
use crate::proxy::{Front, Proxy};

/// How the front port is opened.
#[derive(Clone, Debug)]
pub struct ListenerSettings {
    /// `127.0.0.1:8080`
    pub address: String,
    pub tls: Option<TlsFiles>,
    pub threads: usize,
    /// How long requests under way may take after a signal to stop.
    pub drain_timeout: Duration,
}

/// What a connection's writes are gathered in. The head and the body of a usual answer fit, so that they leave in one packet
/// and one system call; Pingora's own 1,460 bytes take two of each. Larger bodies are written past it.
const WRITE_BUFFER: usize = 4 * 1024;

/// PEM files for the front port.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

#[derive(Debug, Error)]
pub enum ListenerError {
    #[error("failed to load the TLS certificate or key: {0}")]
    Tls(String),
    #[error("failed to listen on {address}: {cause}")]
    Bind { address: String, cause: std::io::Error },
}

/// Serves until a signal says stop and the requests under way have ended.
///
/// Every thread is a server of its own, with its own listening socket and its own connections to LiteLLM: a request stays
/// on one thread from its first byte to its last. Pingora's own threads share a pool, hand its idle connections to each
/// other and lose some on the way.
pub fn run(settings: &ListenerSettings, app: Arc<App>, drain: Drain) -> Result<(), ListenerError> {
    check(settings)?;
    // Held to the end of the process.
    let _claim = claim(settings)?;
    let mut servers = Vec::with_capacity(settings.threads);
    for _ in 0..settings.threads.max(1) {
        servers.push(server(settings, Arc::clone(&app))?);
    }
    let own = servers.pop();
    for server in servers {
        let drain = drain.clone();
        let run = move || server.run(RunArgs { shutdown_signal: Box::new(drain) });
        let started = std::thread::Builder::new().name("listener".to_owned()).spawn(run);
        started.map_err(|cause| ListenerError::Bind { address: settings.address.clone(), cause })?;
    }
    if let Some(server) = own {
        server.run(RunArgs { shutdown_signal: Box::new(drain) });
    }
    Ok(())
}

/// A server of one thread.
fn server(settings: &ListenerSettings, app: Arc<App>) -> Result<Server, ListenerError> {
    let mut server = Server::new_with_opt_and_conf(None, configuration(settings));
    server.bootstrap();
    let mut options = HttpServerOptions::default();
    options.h2c = true;
    let mut pingora = http_proxy(&server.configuration, Proxy::new(Arc::clone(&app)));
    pingora.server_options = Some(options);
    let mut service = Service::new("crossfade".to_owned(), Front::new(app, pingora));
    let mut socket = TcpSocketOptions::default();
    socket.so_reuseport = Some(settings.threads > 1);
    // What reads a request has a buffer of its own; only TLS, which reads record by record, wants another before that.
    let unbuffered = settings.tls.is_none().then_some(0);
    let buffers = L4BufferSettings { read: unbuffered, write: Some(WRITE_BUFFER) };
    let mut endpoint = ListenerConfig::tcp(&settings.address).tcp_socket_options(socket).l4_buffer(buffers);
    if let Some(files) = &settings.tls {
        let mut tls = TlsSettings::intermediate(&files.certificate.to_string_lossy(), &files.key.to_string_lossy())
            .map_err(|error| ListenerError::Tls(error.to_string()))?;
        tls.enable_h2();
        endpoint = endpoint.tls(tls);
    }
    service.add_listener(endpoint);
    server.add_service(service);
    Ok(server)
}

/// Finds out what Pingora would panic over, on a thread that nobody waits for.
fn check(settings: &ListenerSettings) -> Result<(), ListenerError> {
    let taken = |cause| ListenerError::Bind { address: settings.address.clone(), cause };
    bindable(&settings.address).map_err(taken)?;
    settings.tls.as_ref().map_or(Ok(()), |files| load(files).map_err(|error| ListenerError::Tls(error.to_string())))
}

/// Sockets that share an address share it with those of another process too: a name that only one can have keeps a second
/// Crossfade away that starts at the same moment.
#[cfg(target_os = "linux")]
fn claim(settings: &ListenerSettings) -> Result<Option<std::os::unix::net::UnixListener>, ListenerError> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixListener};
    if settings.threads < 2 {
        return Ok(None);
    }
    let name = SocketAddr::from_abstract_name(format!("crossfade {}", settings.address));
    let bound = name.and_then(|name| UnixListener::bind_addr(&name));
    bound.map(Some).map_err(|cause| ListenerError::Bind { address: settings.address.clone(), cause })
}

#[cfg(not(target_os = "linux"))]
fn claim(_settings: &ListenerSettings) -> Result<(), ListenerError> {
    Ok(())
}

/// Binds and does not listen: a client that comes now is refused and tries again, instead of being accepted and dropped.
fn bindable(address: &str) -> std::io::Result<()> {
    for address in address.to_socket_addrs()? {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
    }
    Ok(())
}

fn load(files: &TlsFiles) -> Result<(), Box<dyn std::error::Error>> {
    let in_file = |path: &Path, cause: String| format!("{}: {cause}", path.display());
    let certificates = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| in_file(&files.certificate, error.to_string()))?;
    if certificates.is_empty() {
        return Err(in_file(&files.certificate, "no certificate in it".to_owned()).into());
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| in_file(&files.key, error.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, key)?;
    Ok(())
}

fn configuration(settings: &ListenerSettings) -> ServerConf {
    ServerConf {
        threads: 1,
        work_stealing: false,
        // The drain ends the process; Pingora only has to close its listeners and wait.
        grace_period_seconds: Some(settings.drain_timeout.as_secs() + 60),
        graceful_shutdown_timeout_seconds: Some(1),
        max_retries: 2,
        upstream_keepalive_pool_size: 256,
        ..ServerConf::default()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_threads_share_is_claimed_once() {
        let settings = |threads| ListenerSettings {
            address: "127.0.0.1:1".to_owned(),
            tls: None,
            threads,
            drain_timeout: Duration::ZERO,
        };
        let first = claim(&settings(2)).unwrap();
        assert!(first.is_some());
        assert!(matches!(claim(&settings(2)), Err(ListenerError::Bind { .. })));
        drop(first);
        assert!(claim(&settings(2)).is_ok());
        assert!(claim(&settings(1)).unwrap().is_none(), "one thread shares nothing");
    }
}
