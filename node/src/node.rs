//! A running node: store, net, sync and publish together, answering [`Request`]s.

use std::sync::Arc;

use crate::{
    clock::Clock,
    config::{Multiaddr, NetConfig},
    home::Home,
    request::{Failure, Reply, Request},
    store::PublicReader,
};

#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    #[error(transparent)]
    Home(#[from] crate::home::HomeError),
    #[error(transparent)]
    Net(#[from] crate::net::NetError),
    #[error(transparent)]
    Publish(#[from] crate::publish::PublishError),
    #[error("the control socket {path} cannot be opened: {source}")]
    Socket { path: std::path::PathBuf, source: std::io::Error },
}

/// Store and publish without a network: what a command uses when no node runs.
#[derive(Debug)]
pub struct Local {}

impl Local {
    /// Opens home and store; `StoreError::Locked` while another process has it.
    pub fn open(_home: &Home, _clock: Clock) -> Result<Self, NodeError> {
        todo!()
    }
    pub fn request(&self, _request: Request) -> Reply {
        todo!()
    }
}

/// A running node. Dropping the last clone does not stop it; call [`Node::stop`].
#[derive(Debug, Clone)]
pub struct Node {
    #[allow(dead_code, reason = "stub")]
    inner: Arc<()>,
}

impl Node {
    /// Opens the store, binds the listeners, starts sync and the control socket. Ready when this returns.
    pub async fn start(_home: &Home, _clock: Clock, _net: NetConfig) -> Result<Self, NodeError> {
        std::future::pending().await
    }
    pub fn reader(&self) -> PublicReader {
        todo!()
    }
    /// Answers like the control socket does.
    pub async fn request(&self, _request: Request) -> Reply {
        std::future::pending().await
    }
    pub fn addresses(&self) -> Vec<Multiaddr> {
        todo!()
    }
    /// Tell the node where its gateway listens, for `url`s and `status`.
    pub fn set_http(&self, _base: String) {
        todo!()
    }
    pub fn status(&self) -> Result<crate::request::Status, Failure> {
        todo!()
    }
    /// Closes sockets and streams, waits for the writer, removes the control socket.
    pub async fn stop(self) {
        std::future::pending().await
    }
}
