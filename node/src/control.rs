//! The control socket: a Unix socket (0600, same user) in the home; versioned DAG-CBOR frames of `request`.

pub mod client;
pub mod server;
pub mod wire;
