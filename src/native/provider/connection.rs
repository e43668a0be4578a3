//! One HTTP/1.1 connection to a provider. It has no task of its own: whoever waits for an answer, or for a piece of one, moves
//! the connection on meanwhile. A request is so served by one task, woken once, and who does not pull slows the provider down.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::unconstrained;

use super::headers;
use super::outbound::Outbound;

pub(super) type Socket = MaybeHttpsStream<TokioIo<TcpStream>>;

pub(super) struct Connection {
    /// The answer that is waited for.
    answer: Option<Pin<Box<Answer>>>,
    // Dropped before the driver, which tells it to close.
    requests: SendRequest<Full<Bytes>>,
    driver: Driver,
}

/// An error comes with the request if no byte of it was written.
type Head = Result<Response<Incoming>, TrySendError<Outbound>>;
type Answer = dyn Future<Output = Head> + Send;

impl Connection {
    pub async fn over(socket: Socket) -> hyper::Result<Self> {
        let (requests, driver) = http1::Builder::new()
            // As aiohttp reads an answer's head.
            .max_headers(headers::HEADERS_MAX)
            .allow_obsolete_multiline_headers_in_responses(true)
            .handshake(socket)
            .await?;
        Ok(Self { answer: None, requests, driver: Driver(Some(driver)) })
    }

    /// Takes a request over, on an idle connection.
    pub fn begin(&mut self, request: Outbound) {
        self.answer = Some(Box::pin(unconstrained(self.requests.try_send_request(request))));
    }

    /// Sends what was begun and waits for the head. Who gives up waiting must give up the connection.
    pub fn poll_head(&mut self, context: &mut Context<'_>) -> Poll<Head> {
        self.driver.poll(context);
        let Some(answer) = &mut self.answer else { return Poll::Pending };
        // The head can only come by the driver's work just now, so nobody needs to be woken for it.
        let head = answer.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if head.is_ready() {
            self.answer = None;
        }
        head
    }

    /// The next frame of this connection's answer.
    ///
    /// Taking a frame tells the driver that there is room for another. Nobody is to be woken for that: who has got a frame
    /// comes again. Only who gets none leaves its waker.
    pub fn poll_frame(
        &mut self,
        body: &mut Incoming,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let mut nobody = Context::from_waker(Waker::noop());
        self.driver.poll(&mut nobody);
        let frame = Pin::new(&mut *body).poll_frame(&mut nobody);
        if frame.is_ready() {
            return frame;
        }
        self.driver.poll(context);
        Pin::new(body).poll_frame(&mut nobody)
    }

    /// Nothing is under way any more, and a next request can be sent.
    pub fn is_idle(&self) -> bool {
        self.is_open() && self.requests.is_ready()
    }

    pub fn is_open(&self) -> bool {
        self.driver.0.is_some()
    }

    /// Moves on until the connection is idle, or closed.
    pub async fn settled(&mut self) {
        poll_fn(|context| {
            self.driver.poll(context);
            if self.is_open() && !self.is_idle() {
                // What wrote the last byte of a request asks for the next one only now, and nothing else would wake it.
                self.driver.poll(context);
            }
            if self.is_idle() || !self.is_open() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// What reads and writes the socket; None once that has ended.
struct Driver(Option<http1::Connection<Socket, Full<Bytes>>>);

impl Driver {
    /// At its end hyper tells those who still wait for something.
    fn poll(&mut self, context: &mut Context<'_>) {
        if self.0.as_mut().is_some_and(|driver| Pin::new(driver).poll(context).is_ready()) {
            self.0 = None;
        }
    }
}

impl Drop for Driver {
    /// Closes in order, as far as that needs no waiting.
    fn drop(&mut self) {
        self.poll(&mut Context::from_waker(Waker::noop()));
    }
}
