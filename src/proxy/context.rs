//! What is remembered of one request, from its head to its end.

use std::time::Instant;

use cutover::lane::Leg;

use crate::routes::Route;

/// One client request on its way through the proxy.
pub struct Exchange {
    /// 32 hexadecimal digits; shown as `x-crossfade-request-id`.
    pub id: String,
    pub started: Instant,
    pub route: Option<Route>,
    pub leg: Leg,
    /// Whether this request is counted among those under way (a websocket is not, once it is open).
    pub counted: bool,
}

impl Exchange {
    pub fn new() -> Self {
        Self {
            id: uuid::Uuid::new_v4().simple().to_string(),
            started: Instant::now(),
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
