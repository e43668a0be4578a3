//! Runs the native leg on what Python already did, and compares. Never in a request's way: work is shed first.

pub mod correlation;
