//! Serves an invented community from memory, to look at the pages: `cargo run -p folkmoot-gateway --example sample`.

use std::sync::Arc;

use folkmoot_gateway::{Gateway, GatewayConfig, Health, HealthSource};

#[allow(clippy::unwrap_used, dead_code, reason = "shared with the tests")]
#[path = "../src/sample.rs"]
mod sample;

#[tokio::main]
#[allow(clippy::print_stdout, reason = "a program, not a library")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let river = sample::river_street();
    let listen = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:4790".into()).parse()?;
    let config = GatewayConfig { listen, public_url: None, hosts: Vec::new() };
    let health = HealthSource(Arc::new(|| Health { peers: 3, uptime_s: 60, writable: true }));
    let gateway = Gateway::bind(config, river.sample.store.public_reader(), health, sample::clock()).await?;
    let base = gateway.base_url();
    println!("{base}/");
    for (page, id) in [("e", &river.gig), ("e", &river.quiz), ("n", &river.thread)] {
        println!("{base}/{page}/{}", id.uri.short_id());
    }
    println!("{base}/n/{}", river.deleted.short_id());
    println!("{base}/c/{}/", river.community);
    gateway.run(std::future::pending()).await;
    Ok(())
}
