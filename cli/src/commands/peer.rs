use clap::Subcommand;
use folkmoot_node::{
    config::Multiaddr,
    request::{PeerInfo, Reply, Request},
};
use serde_json::json;

use super::status::spell;
use crate::{
    error::{Error, Result},
    output::Line,
    session::{Session, answer},
    when::reader::WallClock,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Stay connected to a node
    #[command(after_help = "Example:\n  moot peer add /ip4/192.0.2.7/tcp/4700")]
    Add { addr: String },
    /// Whose nodes are connected, which others are known, and where each is
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
        Command::List => list(session)?,
    }
    Ok(())
}

fn list(session: &Session) -> Result<()> {
    let peers = answer!(session.ask(&Request::PeerList)?, Reply::Peers(peers) => peers)?;
    let (now, clock) = (session.clock.micros(), WallClock::of(session)?);
    for peer in &peers {
        session.out.object(peer);
        session.out.line(headline(peer, now, &clock));
        for addr in addresses(peer) {
            session.out.line(Line::new().text("    ").id(addr));
        }
    }
    clock.remark(session, peers.iter().filter(|peer| !peer.connected).filter_map(|peer| Some(("", peer.since?))));
    advice(&peers, session)?.into_iter().for_each(|line| session.out.note(line));
    Ok(())
}

/// Who it is, on which device, and since when.
fn headline(peer: &PeerInfo, now: u64, clock: &WallClock) -> Line {
    let line = match (&peer.name, &peer.did) {
        (Some(name), _) => Line::new().strong(name),
        (None, Some(did)) => Line::new().strong(did),
        (None, None) if peer.connected => Line::new().text("a node that shares no community with you"),
        (None, None) => Line::new().text("an address you named"),
    };
    let line = match &peer.device_name {
        Some(device) => line.text(format!(" ({device})")),
        None => line,
    };
    let line = line.text("  ");
    match (peer.connected, peer.since) {
        (true, Some(since)) => {
            line.text("connected").faint(format!(" for {}", spell(now.saturating_sub(since) / 1_000_000)))
        }
        (true, None) => line.text("connected"),
        (false, Some(since)) => line.warn("not connected").faint(format!(", last on {}", clock.time(since))),
        (false, None) => line.warn("not connected").faint(", never reached so far"),
    }
}

/// Where it is, then where else it may be.
fn addresses(peer: &PeerInfo) -> Vec<&str> {
    let bare = |addr: &str| addr.split_once("/p2p/").map_or(addr.len(), |(at, _)| at.len());
    let first = &peer.addr[..bare(&peer.addr)];
    let others = peer.addrs.iter().map(String::as_str).filter(|addr| *addr != first);
    std::iter::once(first).chain(others).filter(|addr| !addr.is_empty()).collect()
}

/// What to do where nobody is connected.
fn advice(peers: &[PeerInfo], session: &Session) -> Result<Vec<String>> {
    if peers.iter().any(|peer| peer.connected) {
        return Ok(Vec::new());
    }
    let status = answer!(session.ask(&Request::Status)?, Reply::Status(status) => status)?;
    Ok(match (status.running, peers.is_empty()) {
        (false, false) => vec![format!("no node is running here: start it with {}", session.command("serve"))],
        (_, true) => vec!["no other node is known yet: moot peer add ADDRESS, or moot join LINK".to_owned()],
        (true, false) => vec![NOBODY.to_owned(), WHAT_TO_DO.to_owned()],
    })
}

/// Said wherever a running node is alone.
pub(crate) const NOBODY: &str = "nobody can be reached: what you publish is sent as soon as somebody can";
pub(crate) const WHAT_TO_DO: &str =
    "ask a member for an address that `moot status` shows there, and give it here: moot peer add ADDRESS";

/// Refused here, where the word that was typed can be shown.
pub(crate) fn check(addr: &str) -> Result<Multiaddr> {
    addr.parse().map_err(|error| {
        Error::refused(format!("could not understand the address {addr:?}: {error}"))
            .hint("write it like /ip4/192.0.2.7/tcp/4700 or /dns4/moot.example.org/tcp/4700")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(addr: &str, addrs: &[&str]) -> PeerInfo {
        PeerInfo {
            peer_id: Some("12D3".into()),
            addr: addr.into(),
            addrs: addrs.iter().map(ToString::to_string).collect(),
            connected: false,
            kept: false,
            did: Some("did:key:z6Mk".into()),
            name: Some("Bo".into()),
            device: None,
            device_name: Some("laptop".into()),
            since: None,
            said: None,
        }
    }

    #[test]
    fn an_address_is_shown_once_and_the_one_in_use_first() {
        let peer = peer("/ip4/192.0.2.7/tcp/1/p2p/12D3", &["/ip4/192.0.2.8/tcp/1", "/ip4/192.0.2.7/tcp/1"]);
        assert_eq!(addresses(&peer), ["/ip4/192.0.2.7/tcp/1", "/ip4/192.0.2.8/tcp/1"]);
    }
}
