//! Shows public data to browsers and calendar apps: read-only, no JavaScript, no cookies. A library mounted in the running node.

use std::{net::SocketAddr, sync::Arc};

use folkmoot_node::store::PublicReader;

/// How the gateway is reached and what it may say.
#[derive(Debug, Clone)]
pub struct GatewayConfig {
    pub listen: SocketAddr,
    /// Origin for absolute URLs, e.g. `https://moot.example.org`; None: `http://<listen>`.
    pub public_url: Option<String>,
    /// Further Host names that are answered (loopback names and the public one always are).
    pub hosts: Vec<String>,
}

/// What `/healthz` needs from the node. Peers, uptime in seconds, and whether the store takes writes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Health {
    pub peers: u32,
    pub uptime_s: u64,
    pub writable: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    #[error("cannot listen on {addr}: {source}")]
    Listen { addr: SocketAddr, source: std::io::Error },
    #[error("public_url {0:?} is not an http(s) origin")]
    PublicUrl(String),
}

/// A bound gateway.
#[derive(Debug)]
pub struct Gateway {}

impl Gateway {
    pub async fn bind(
        _config: GatewayConfig,
        _reader: PublicReader,
        _health: HealthSource,
        _clock: folkmoot_node::clock::Clock,
    ) -> Result<Self, GatewayError> {
        std::future::pending().await
    }
    pub fn local_addr(&self) -> SocketAddr {
        todo!()
    }
    /// The origin used in absolute URLs.
    pub fn base_url(&self) -> String {
        todo!()
    }
    /// Serves until `stop` resolves, then lets open answers finish (≤ 5 s).
    pub async fn run(self, _stop: impl Future<Output = ()> + Send + 'static) {
        std::future::pending().await
    }
}

/// Asked on each `/healthz`.
#[derive(Clone)]
pub struct HealthSource(pub Arc<dyn Fn() -> Health + Send + Sync>);
impl std::fmt::Debug for HealthSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HealthSource")
    }
}
