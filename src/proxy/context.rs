//! What is remembered of one request, from its head to its end.

use std::time::Instant;

use cutover::lane::Leg;

use crate::routes::Route;

/// One client request on its way through the proxy.
pub struct Exchange {
    /// 32 hexadecimal digits; shown as `x-crossfade-request-id`.
    pub id: String,
    pub started: Instant,
    /// When the body was whole, if it was read for a decision; before that we wait for the client.
    pub held_since: Instant,
    pub route: Option<Route>,
    pub leg: Leg,
    /// Whether this request is counted among those under way (a websocket is not, once it is open).
    pub counted: bool,
}

impl Exchange {
    pub fn new() -> Self {
        let started = Instant::now();
        Self {
            id: uuid::Uuid::new_v4().simple().to_string(),
            started,
            held_since: started,
            route: None,
            leg: Leg::Python,
            counted: false,
        }
    }
}

impl Default for Exchange {
    fn default() -> Self {
        Self::new()
    }
}
