//! The kinds, one file each. `record.rs` holds the list.

pub mod admission;
pub mod event;
pub mod poll;
pub mod post;
pub mod profile;
pub mod revision;
pub mod rsvp;
pub mod text;
pub mod tombstone;
pub mod venue;
pub mod vote;
