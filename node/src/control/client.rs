//! Blocking client: `moot post` must not pay for a runtime.

use std::path::Path;

use crate::request::{Reply, Request};

#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// No socket, or nobody answers on it.
    #[error("no node is running")]
    Absent,
    #[error("the running node speaks another version: {0}")]
    Version(String),
    #[error("the running node did not answer: {0}")]
    Io(#[from] std::io::Error),
}

/// One request, one answer.
pub fn request(_socket: &Path, _request: &Request) -> Result<Reply, ControlError> {
    todo!()
}
