//! What the fast provider, the fast control and the load generator share: just enough HTTP/1 to add little of their own.

pub mod http1;
