//! Shows public data to browsers and calendar apps: read-only, no JavaScript, no cookies, nothing from third parties.
//! A library mounted in the running node; it holds a reader of the public audience and has no way to write.
//!
//! A request passes `server` (bounded connections) → `app` (method, host, size) → `route` (the URL scheme) → `pages`
//! (one read transaction, plain structs, templates) → `answer` (headers that every answer has).

mod accent;
mod answer;
mod app;
mod cache;
pub mod calendar;
mod changes;
mod connections;
mod feed;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod html;
mod jsonld;
mod markdown;
mod occasion;
mod origin;
mod pages;
mod reading;
mod route;
mod server;
mod style;
mod words;

use std::{fmt, net::SocketAddr, sync::Arc};

pub use folkmoot_node::node::Health;
use folkmoot_node::store::PublicReader;
use tokio::net::TcpListener;

use app::App;
use origin::{Hosts, Origin};

/// How the gateway is reached and what it may say.
#[derive(Debug, Clone)]
pub struct GatewayConfig {
    pub listen: SocketAddr,
    /// Origin for absolute URLs, e.g. `https://moot.example.org`; None: `http://<listen>`, for a listener on all
    /// interfaces with the address by which this machine reaches others.
    pub public_url: Option<String>,
    /// Further Host names that are answered (loopback names and the public one always are).
    pub hosts: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    #[error("cannot listen on {addr}: {source}")]
    Listen { addr: SocketAddr, source: std::io::Error },
    #[error("public_url {0:?} is not an http(s) origin")]
    PublicUrl(String),
}

/// A bound gateway.
pub struct Gateway {
    listener: TcpListener,
    local: SocketAddr,
    app: Arc<App>,
}

impl Gateway {
    pub async fn bind(
        config: GatewayConfig,
        reader: PublicReader,
        health: HealthSource,
        clock: folkmoot_node::clock::Clock,
    ) -> Result<Self, GatewayError> {
        let failed = |source| GatewayError::Listen { addr: config.listen, source };
        let public = config.public_url.as_deref().map(Origin::parse).transpose()?;
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let local = listener.local_addr().map_err(failed)?;
        let origin = match public {
            Some(origin) => origin,
            None => Origin::of_listener(local, origin::outward)?,
        };
        let hosts = Hosts::new(&config, local, &origin);
        Ok(Self { listener, local, app: Arc::new(App::new(origin, hosts, reader, health, clock)) })
    }

    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The origin used in absolute URLs.
    pub fn base_url(&self) -> String {
        self.app.origin.as_str().to_owned()
    }

    /// Serves until `stop` resolves, then lets open answers finish (≤ 5 s).
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) {
        server::run(self.listener, self.app, stop).await;
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("local", &self.local).finish_non_exhaustive()
    }
}

/// Asked on each `/healthz`.
#[derive(Clone)]
pub struct HealthSource(pub Arc<dyn Fn() -> Health + Send + Sync>);

impl fmt::Debug for HealthSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HealthSource")
    }
}

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
