//! Pure cutover policy: what the rules say, which leg serves, whether two answers agree, and when
//! a lane may move.
//!
//! Nothing in here opens a socket, reads a clock, rolls dice or looks at the environment: time,
//! draws and bytes are arguments. The same input gives the same output on every host, which is
//! what makes a decision of last week repeatable.
//!
//! The modules stand in the order a request meets them.

pub mod time;

pub mod lane;
pub mod rules;

pub mod decide;

pub mod diff;
pub mod noise;
pub mod verdict;

pub mod evidence;
pub mod gate;
pub mod stage;

mod hash;
