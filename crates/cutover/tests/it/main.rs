//! The tests of the cutover policy: cases as data, properties, and simulations on a virtual clock.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod decide;
mod diff;
mod evidence;
mod guards;
mod rules;
mod simulation;
mod stage;
mod stream;
mod verdict;
