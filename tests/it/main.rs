//! One binary for every integration test, because each further one would link Pingora again.

fn main() {}
