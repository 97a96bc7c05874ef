use clap::Subcommand;
use folkmoot_node::{
    config::Multiaddr,
    request::{Reply, Request},
};
use serde_json::json;

use crate::{
    error::{Error, Result},
    output::Line,
    session::{Session, answer},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Stay connected to a node
    #[command(after_help = "Example:\n  moot peer add /ip4/192.0.2.7/tcp/4700")]
    Add { addr: String },
    /// Nodes we are connected to or keep dialling
    #[command(after_help = "Example:\n  moot peer list")]
    List,
    /// Stop dialling a node
    #[command(after_help = "Example:\n  moot peer remove /ip4/192.0.2.7/tcp/4700")]
    Remove { addr: String },
}

pub(crate) fn run(command: Command, session: &Session) -> Result<()> {
    match command {
        Command::Add { addr } => {
            check(&addr)?;
            session.ask(&Request::PeerAdd { addr: addr.clone() })?;
            session.out.object(&json!({"addr": addr, "kept": true}));
            session.out.line(Line::new().strong("added ").id(&addr));
        }
        Command::Remove { addr } => {
            session.ask(&Request::PeerRemove { addr: addr.clone() })?;
            session.out.object(&json!({"addr": addr, "kept": false}));
            session.out.line(Line::new().strong("removed ").id(&addr));
        }
        Command::List => {
            let peers = answer!(session.ask(&Request::PeerList)?, Reply::Peers(peers) => peers)?;
            if peers.is_empty() {
                session.out.note("no peers yet: moot peer add ADDRESS, or moot join LINK");
            }
            for peer in &peers {
                session.out.object(peer);
                let state = if peer.connected { "connected" } else { "not connected" };
                let line = Line::new().id(&peer.addr).text("  ").text(state);
                let line = if peer.kept { line.text(", kept") } else { line };
                session.out.line(match &peer.name {
                    Some(name) => line.text("  ").strong(name),
                    None => line,
                });
            }
        }
    }
    Ok(())
}

/// Refused here, where the word that was typed can be shown.
pub(crate) fn check(addr: &str) -> Result<Multiaddr> {
    addr.parse().map_err(|error| {
        Error::refused(format!("could not understand the address {addr:?}: {error}"))
            .hint("write it like /ip4/192.0.2.7/tcp/4700 or /dns4/moot.example.org/tcp/4700")
    })
}
