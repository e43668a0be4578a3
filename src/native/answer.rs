//! What the client gets: a whole answer, or a head and a stream.

use bytes::{Bytes, BytesMut};
use transform::{Answered, AnsweredHeaders};

use super::client_stream::ClientStream;
use super::effects::ProviderStream;

/// What the client gets, and what the evidence wants to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer<B = Bytes> {
    pub status: u16,
    pub headers: AnsweredHeaders,
    pub body: B,
    /// Attempts of the router; a provider may have seen more sends, see [`super::provider::attempt`].
    pub attempts: u32,
    /// The deployment of the last attempt.
    pub deployment_id: String,
    /// Dollars, if the answer is priced.
    pub cost: Option<f64>,
}

/// A body that is there, or still to come.
#[derive(Debug)]
pub enum Body<S> {
    Whole(Bytes),
    Stream(Box<ClientStream<S>>),
}

impl Answer {
    /// What the transformation wrote, with what the evidence wants to know of it.
    pub(super) fn of(answered: Answered, attempts: u32, deployment_id: &str, cost: Option<f64>) -> Self {
        let Answered { status, headers, body } = answered;
        Self { status, headers, body, attempts, deployment_id: deployment_id.to_owned(), cost }
    }
}

impl<B> Answer<B> {
    pub fn map<C>(self, change: impl FnOnce(B) -> C) -> Answer<C> {
        let Self { status, headers, body, attempts, deployment_id, cost } = self;
        Answer { status, headers, body: change(body), attempts, deployment_id, cost }
    }
}

impl<S: ProviderStream> Answer<Body<S>> {
    /// Waits for all of the body; `None` if it is larger than `bytes_max`.
    pub async fn whole(self, bytes_max: usize) -> Option<Answer> {
        let Answer { status, headers, body, attempts, deployment_id, cost } = self;
        let body = match body {
            Body::Whole(body) => body,
            Body::Stream(mut stream) => {
                let mut whole = BytesMut::new();
                while let Some(piece) = stream.next().await {
                    if whole.len() + piece.len() > bytes_max {
                        return None;
                    }
                    whole.extend_from_slice(&piece);
                }
                whole.freeze()
            }
        };
        Some(Answer { status, headers, body, attempts, deployment_id, cost })
    }
}
