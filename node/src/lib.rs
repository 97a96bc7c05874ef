//! Keeps and moves the data: `store` (redb), `publish`, `net` (libp2p), `sync` (pure engine and its driver), `control`
//! (Unix socket), `node` (all of it running), `archive` (communities and people as one file),
//! `inbox` (what a person should hear of). Imports run downward: control → node → sync, publish; sync → store, net;
//! publish → store; all → config. `store` and `net` know nothing of each other.

pub mod archive;
pub mod clock;
pub mod config;
pub mod control;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod home;
pub mod hook;
pub mod inbox;
pub mod net;
pub mod node;
mod place;
pub mod publish;
pub mod request;
pub mod size;
pub mod store;
pub mod sync;
