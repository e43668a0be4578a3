//! Connections to providers that wait for their next request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::runtime::{self, Handle};
use tokio::task::AbortHandle;

use super::connection::Connection;
use super::outbound::Names;

#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// One that was idle for longer is not used again, and closed before twice as long.
    pub idle: Duration,
    pub per_origin: usize,
    /// Of connections, and of origins.
    pub in_all: usize,
}

/// The connections of all threads. A connection is used by requests of the runtime that opened it: another's would wake this one
/// for each piece.
pub(super) struct IdleConnections {
    limits: Limits,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    origins: HashMap<Arc<str>, Shelf>,
    in_all: usize,
    /// Closes what nobody asks for.
    sweeper: Option<AbortHandle>,
}

struct Shelf {
    origin: Arc<str>,
    /// The one that was used last comes last.
    idle: Vec<Idle>,
    names: Option<Arc<Names>>,
}

impl Shelf {
    fn of(origin: &Arc<str>) -> Self {
        Self { origin: Arc::clone(origin), idle: Vec::new(), names: None }
    }
}

struct Idle {
    connection: Box<Connection>,
    since: Instant,
    runtime: runtime::Id,
}

/// What there is for an origin.
pub(super) struct Taken {
    pub origin: Arc<str>,
    pub names: Option<Arc<Names>>,
    /// The one that was used last. The provider may have closed it.
    pub connection: Option<Box<Connection>>,
}

impl IdleConnections {
    pub fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, kept: Mutex::default() })
    }

    pub fn take(&self, origin: &str) -> Taken {
        let runtime = Handle::current().id();
        let mut guard = self.kept();
        let kept = &mut *guard;
        let Some(shelf) = kept.origins.get_mut(origin) else {
            return Taken { origin: origin.into(), names: None, connection: None };
        };
        let (known, names) = (Arc::clone(&shelf.origin), shelf.names.clone());
        let found = shelf.idle.iter().rposition(|idle| idle.runtime == runtime).map(|place| shelf.idle.remove(place));
        kept.in_all -= usize::from(found.is_some());
        drop(guard);
        // Its elders are left to the sweeper.
        let connection = found.filter(|idle| idle.since.elapsed() < self.limits.idle).map(|idle| idle.connection);
        Taken { origin: known, names, connection }
    }

    /// Remembers the headers of requests to `origin`.
    pub fn learn(&self, origin: &Arc<str>, names: Option<Arc<Names>>) {
        let mut kept = self.kept();
        if let Some(shelf) = kept.origins.get_mut(&**origin) {
            shelf.names = names;
        } else if kept.origins.len() < self.limits.in_all {
            kept.origins.insert(Arc::clone(origin), Shelf { names, ..Shelf::of(origin) });
        }
    }

    /// Keeps an idle connection, or closes it where there are enough.
    pub fn keep(self: &Arc<Self>, origin: Arc<str>, connection: Box<Connection>) {
        let runtime = Handle::current();
        let idle = Idle { connection, since: Instant::now(), runtime: runtime.id() };
        let mut guard = self.kept();
        let kept = &mut *guard;
        // What is not kept is closed after the lock is given back: `idle` is older than the guard.
        if kept.in_all >= self.limits.in_all {
            return;
        }
        // No more origins than connections and what was learnt.
        let shelf = kept.origins.entry(origin).or_insert_with_key(Shelf::of);
        if shelf.idle.len() >= self.limits.per_origin {
            return;
        }
        shelf.idle.push(idle);
        kept.in_all += 1;
        // The sweeper of a runtime that was shut down has ended with it.
        if kept.sweeper.as_ref().is_none_or(AbortHandle::is_finished) {
            kept.sweeper = Some(runtime.spawn(swept(Arc::downgrade(self), self.limits.idle)).abort_handle());
        }
    }

    /// Closes what was idle for too long; false if nothing is left, and the sweeper ends.
    fn sweep(&self) -> bool {
        let mut closed = Vec::new();
        let mut kept = self.kept();
        kept.origins.retain(|_, shelf| {
            closed.extend(shelf.idle.extract_if(.., |idle| idle.since.elapsed() >= self.limits.idle));
            !shelf.idle.is_empty()
        });
        kept.in_all -= closed.len();
        if kept.in_all == 0 {
            kept.sweeper = None;
        }
        kept.in_all > 0
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn swept(idle: Weak<IdleConnections>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        if !idle.upgrade().is_some_and(|idle| idle.sweep()) {
            return;
        }
    }
}
