//! How a provider is spoken to as LiteLLM's own client speaks: HTTP/1.1, over connections that are kept for a while.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Response;
use hyper::body::{Frame, Incoming};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use tokio::time::timeout;
use tower_service::Service;
use transform::{ProviderFailure, ProviderRequest};

use super::connection::Connection;
use super::failure;
use super::idle::{IdleConnections, Limits, Taken};
use super::names::Names as Resolver;
use super::outbound::{self, Names, Outbound};

pub(super) struct Http1 {
    connector: HttpsConnector<HttpConnector<Resolver>>,
    idle: Arc<IdleConnections>,
}

/// A request on its way to where it is sent. Both are boxed: what waits for the head is copied with all that waits for it.
pub(super) struct Sending {
    origin: Arc<str>,
    over: Over,
}

enum Over {
    /// A kept connection has it.
    Kept(Box<Connection>),
    /// A connection is still to be found.
    None(Box<Outbound>),
}

impl Http1 {
    pub fn new(connector: HttpsConnector<HttpConnector<Resolver>>, limits: Limits) -> Self {
        Self { connector, idle: IdleConnections::new(limits) }
    }

    /// Hands the request to a kept connection, if there is one. Nothing is written yet.
    pub fn begin(&self, request: &ProviderRequest) -> Result<Sending, ProviderFailure> {
        let (written, path) = outbound::split(&request.url)?;
        let Taken { origin, names, connection } = self.idle.take(written);
        let headers = match names.and_then(|names| names.with(&request.headers)) {
            Some(headers) => headers?,
            None => {
                let (headers, names) = Names::learnt(&request.headers, &outbound::origin(written)?)?;
                self.idle.learn(&origin, names);
                headers
            }
        };
        let outbound = outbound::relative(request, path, headers)?;
        let over = match connection {
            Some(mut connection) => {
                connection.begin(outbound);
                Over::Kept(connection)
            }
            None => Over::None(Box::new(outbound)),
        };
        Ok(Sending { origin, over })
    }

    /// Sends and waits for the head. As in aiohttp `limit` runs twice: to get a connection, and to see the head.
    ///
    /// A kept connection that the provider has closed gives the request back if no byte of it was written. Only then is it sent
    /// over another one, and not for ever: each one that is found closed is one less.
    pub async fn send(
        &self,
        sending: Sending,
        limit: Duration,
        started: Instant,
    ) -> Result<(Response<Incoming>, Held), ProviderFailure> {
        let Sending { origin, over } = sending;
        let unsent = match over {
            Over::None(unsent) => unsent,
            Over::Kept(connection) => {
                let mut held = self.held(connection, &origin);
                match held.head(limit, started).await {
                    Ok(response) => return Ok((response, held)),
                    Err(NoHead::Failed(failure)) => return Err(failure),
                    Err(NoHead::Unsent(unsent, _)) => unsent,
                }
            }
        };
        Box::pin(self.send_over_another(unsent, origin, limit, started)).await
    }

    async fn send_over_another(
        &self,
        mut unsent: Box<Outbound>,
        origin: Arc<str>,
        limit: Duration,
        started: Instant,
    ) -> Result<(Response<Incoming>, Held), ProviderFailure> {
        loop {
            let (mut connection, is_kept) = match self.idle.take(&origin).connection {
                Some(connection) => (connection, true),
                None => (self.connected(&origin, limit, started).await?, false),
            };
            connection.begin(*unsent);
            let mut held = self.held(connection, &origin);
            match held.head(limit, started).await {
                Ok(response) => return Ok((response, held)),
                Err(NoHead::Unsent(request, _)) if is_kept => unsent = request,
                Err(NoHead::Failed(failure) | NoHead::Unsent(_, failure)) => return Err(failure),
            }
        }
    }

    fn held(&self, connection: Box<Connection>, origin: &Arc<str>) -> Held {
        Held { connection, origin: Arc::clone(origin), idle: Arc::clone(&self.idle) }
    }

    async fn connected(
        &self,
        origin: &str,
        limit: Duration,
        started: Instant,
    ) -> Result<Box<Connection>, ProviderFailure> {
        let uri = outbound::origin(origin)?;
        let mut connector = self.connector.clone();
        let connecting = async {
            poll_fn(|context| connector.poll_ready(context)).await?;
            connector.call(uri.clone()).await
        };
        match timeout(limit, connecting).await {
            Err(_) => Err(failure::timeout(limit, started)),
            Ok(Err(error)) => Err(failure::of_connect(error.as_ref(), &uri).await),
            Ok(Ok(socket)) => match Connection::over(socket).await {
                Ok(connection) => Ok(Box::new(connection)),
                Err(error) => Err(failure::of_request(&error)),
            },
        }
    }
}

/// The connection of an answer that is still to come.
pub(super) struct Held {
    connection: Box<Connection>,
    origin: Arc<str>,
    idle: Arc<IdleConnections>,
}

/// Why there is no head.
enum NoHead {
    Failed(ProviderFailure),
    /// No byte of the request was written.
    Unsent(Box<Outbound>, ProviderFailure),
}

impl Held {
    async fn head(&mut self, limit: Duration, started: Instant) -> Result<Response<Incoming>, NoHead> {
        match timeout(limit, poll_fn(|context| self.connection.poll_head(context))).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(mut error)) => {
                let unsent = error.take_message();
                let failure = failure::of_request(&error.into_error());
                Err(match unsent {
                    Some(unsent) => NoHead::Unsent(Box::new(unsent), failure),
                    None => NoHead::Failed(failure),
                })
            }
            Err(_) => Err(NoHead::Failed(failure::timeout(limit, started))),
        }
    }

    pub fn poll_frame(
        &mut self,
        body: &mut Incoming,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.connection.poll_frame(body, context)
    }

    /// Itself, unless all of the answer has come: then the connection is for others.
    pub fn unless_idle(self) -> Option<Self> {
        if !self.connection.is_idle() {
            return Some(self);
        }
        self.idle.keep(self.origin, self.connection);
        None
    }

    /// After the end of an answer that came before its request was written: the rest follows, as long as `limit`.
    pub fn finish(mut self, limit: Duration) {
        if self.connection.is_open() {
            tokio::spawn(async move {
                let _ = timeout(limit, self.connection.settled()).await;
                self.unless_idle()
            });
        }
    }
}
