//! The same answers over TLS, HTTP/1.1 or HTTP/2 as the peer wants it.

use std::cell::RefCell;
use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio::time::{sleep, sleep_until};
use tokio_rustls::TlsAcceptor;

use crate::answers::{Answers, HEADERS};

/// Reads the key pair.
pub fn acceptor(certificate: &Path, key: &Path) -> io::Result<TlsAcceptor> {
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect).map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(io::Error::other)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut configuration = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(io::Error::other)?;
    configuration.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(configuration)))
}

/// Hyper's tasks stay on this thread: the answers are not shared between threads.
#[derive(Clone)]
struct Here;

impl<F: Future<Output: 'static> + 'static> hyper::rt::Executor<F> for Here {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}

/// Accepts for ever.
pub async fn serve(listener: TcpListener, acceptor: TlsAcceptor, answers: Rc<RefCell<Answers>>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (acceptor, answers) = (acceptor.clone(), Rc::clone(&answers));
        tokio::task::spawn_local(async move {
            let _ = stream.set_nodelay(true);
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let answering = hyper::service::service_fn(move |request| answer(request, Rc::clone(&answers)));
            // An error is a client that went away.
            let _ = auto::Builder::new(Here).serve_connection(TokioIo::new(stream), answering).await;
        });
    }
}

type Body = StreamBody<stream::LocalBoxStream<'static, Result<Frame<Bytes>, Infallible>>>;

async fn answer(request: Request<Incoming>, answers: Rc<RefCell<Answers>>) -> Result<Response<Body>, hyper::Error> {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await?.to_bytes();
    let answer = answers.borrow_mut().to(&path, &body);
    if !answer.delay.is_zero() {
        sleep(answer.delay).await;
    }
    let mut response = Response::builder().status(answer.status).header("content-type", answer.content_type);
    for (name, value) in HEADERS {
        response = response.header(name, value);
    }
    if !answer.streams {
        response = response.header("content-length", answer.parts[0].len());
    }
    let begun = tokio::time::Instant::now();
    let parts = stream::iter(0..answer.parts.len()).then(move |position| {
        let answer = Rc::clone(&answer);
        async move {
            if position > 0 && !answer.every.is_zero() {
                sleep_until(begun + answer.every * position as u32).await;
            }
            Ok(Frame::data(answer.parts[position].clone()))
        }
    });
    Ok(response
        .body(StreamBody::new(parts.boxed_local()))
        .unwrap_or_else(|_| Response::new(StreamBody::new(stream::empty().boxed_local()))))
}
