//! The `moot` binary as people and scripts meet it: help, exit codes, and commands without a running node.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod address;
mod archive;
mod community;
mod events;
mod export;
mod home;
mod identity;
mod import;
mod mail;
mod picture;
mod pin;
mod poll;
mod posts;
mod series;
mod settings;
mod usage;
mod venue;
