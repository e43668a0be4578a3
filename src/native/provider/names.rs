//! Where a provider's name leads: what the system's resolver says.
//!
//! LiteLLM asks Anthropic to count tokens at an address that no setting moves. So that tests can play Anthropic there, a build
//! with the feature `fault-injection` leads the names in `CROSSFADE_FAULT_NAMES` (`api.anthropic.com=127.0.0.1:1234`) elsewhere.

#[cfg(not(feature = "fault-injection"))]
pub(super) use hyper_util::client::legacy::connect::dns::GaiResolver as Names;

#[cfg(not(feature = "fault-injection"))]
pub(super) fn names() -> Names {
    Names::new()
}

#[cfg(feature = "fault-injection")]
pub(super) use led_elsewhere::{Names, names};

#[cfg(feature = "fault-injection")]
mod led_elsewhere {
    use std::future::Future;
    use std::io;
    use std::net::SocketAddr;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::task::{Context, Poll};

    use hyper_util::client::legacy::connect::dns::Name;
    use tower_service::Service;

    /// The system's resolver, but for these names; a port counts where the URL has none.
    #[derive(Clone)]
    pub struct Names(Arc<Vec<(String, SocketAddr)>>);

    pub fn names() -> Names {
        let written = crate::native::fault::led_names();
        let pair = |pair: &str| {
            let (name, address) = pair.split_once('=')?;
            Some((name.to_owned(), address.parse().ok()?))
        };
        Names(Arc::new(written.split(',').filter_map(pair).collect()))
    }

    impl Service<Name> for Names {
        type Response = std::vec::IntoIter<SocketAddr>;
        type Error = io::Error;
        type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

        fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, name: Name) -> Self::Future {
            let led = self.0.iter().find(|(known, _)| known == name.as_str()).map(|(_, address)| *address);
            Box::pin(async move {
                match led {
                    Some(address) => Ok(vec![address].into_iter()),
                    None => Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.collect::<Vec<_>>().into_iter()),
                }
            })
        }
    }
}
