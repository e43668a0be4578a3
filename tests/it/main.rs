//! Everything that needs more than one module: sockets, files, the binary itself.
//!
//! One binary, because each further one would link Pingora again. Everything outside is a fake on a port of its own
//! (`wire`) and time is an argument, so nothing here waits for a clock.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod folder;
mod front;
mod stand;
mod wire;

mod cli;
mod connection;
mod controller;
mod guards;
mod memory;
mod proxy;
mod store;
mod tap;
