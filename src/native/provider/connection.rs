//! One HTTP/1.1 connection to a provider. It has no task of its own: whoever waits for an answer, or for a piece of one, moves
//! the connection on meanwhile. A request is so served by one task, woken once, and who does not pull slows the provider down.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::rt::{Read, ReadBufCursor, Write};
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
    /// Whether all that was written has left.
    is_flushed: Arc<AtomicBool>,
}

/// An error comes with the request if no byte of it was written.
type Head = Result<Response<Incoming>, TrySendError<Outbound>>;
type Answer = dyn Future<Output = Head> + Send;

impl Connection {
    pub async fn over(socket: Socket) -> hyper::Result<Self> {
        let is_flushed = Arc::new(AtomicBool::new(true));
        let flushing = Flushing { socket, is_flushed: Arc::clone(&is_flushed) };
        let (requests, driver) = http1::Builder::new()
            // As aiohttp reads an answer's head.
            .max_headers(headers::HEADERS_MAX)
            .allow_obsolete_multiline_headers_in_responses(true)
            .handshake(flushing)
            .await?;
        Ok(Self { answer: None, requests, driver: Driver(Some(driver)), is_flushed })
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
        self.is_open() && self.requests.is_ready() && self.is_flushed.load(Ordering::Relaxed)
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
struct Driver(Option<http1::Connection<Flushing<Socket>, Full<Bytes>>>);

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

/// A socket that remembers what TLS still holds of a request: for hyper that is sent, and nobody would send it while the
/// connection idles.
struct Flushing<S> {
    socket: S,
    is_flushed: Arc<AtomicBool>,
}

impl<S: Read + Unpin> Read for Flushing<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl<S: Write + Unpin> Write for Flushing<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.is_flushed.store(false, Ordering::Relaxed);
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.socket).poll_flush(context);
        self.is_flushed.store(flushed.is_ready(), Ordering::Relaxed);
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.is_flushed.store(false, Ordering::Relaxed);
        Pin::new(&mut self.socket).poll_write_vectored(context, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes all that is written, and lets it go after so many looks.
    struct Holding(u32);

    impl Write for Holding {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.0 = self.0.saturating_sub(1);
            if self.0 == 0 { Poll::Ready(Ok(())) } else { Poll::Pending }
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn what_is_still_held_is_not_flushed() {
        let is_flushed = Arc::new(AtomicBool::new(true));
        let mut flushing = Flushing { socket: Holding(3), is_flushed: Arc::clone(&is_flushed) };
        let mut socket = Pin::new(&mut flushing);
        let mut context = Context::from_waker(Waker::noop());
        assert!(socket.as_mut().poll_write(&mut context, b"request").is_ready());
        assert!(!is_flushed.load(Ordering::Relaxed));
        for expected in [false, false, true] {
            assert_eq!(socket.as_mut().poll_flush(&mut context).is_ready(), expected);
            assert_eq!(is_flushed.load(Ordering::Relaxed), expected);
        }
    }
}
