//! The pure state machine: `on(now, input) -> Vec<Output>`; no I/O, no clock, no randomness.
