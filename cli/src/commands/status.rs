use folkmoot_node::request::{Reply, Request};
use serde_json::json;

use super::community::summary;
use crate::{
    error::Result,
    output::{Line, bytes, count},
    session::{Session, answer},
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  moot status --json")]
pub(crate) struct Args {}

/// Without a running node it reads the store and says so; that is no failure.
pub(crate) fn run(session: &Session) -> Result<()> {
    let status = answer!(session.ask(&Request::Status)?, Reply::Status(status) => status)?;
    let out = &session.out;
    out.object(&json!({
        "running": status.running,
        "did": status.did,
        "peers": status.peers,
        "communities": status.communities,
        "store": {"bytes": status.store_bytes, "blocks": status.store_blocks, "read_only": status.read_only},
        "uptime_s": status.uptime_s,
        "listen": status.listen,
        "http": status.http,
        "counters": status.counters,
    }));
    if status.running {
        let peers = count(u64::from(status.peers), "peer", "peers");
        out.line(Line::new().strong("running").text(format!(" for {}, {peers}", spell(status.uptime_s))));
    } else {
        out.line(Line::new().warn("not running").text(" (start it with moot serve)"));
    }
    if let Some(http) = &status.http {
        out.line(Line::new().faint("page    ").id(http));
    }
    for address in &status.listen {
        out.line(Line::new().faint("listen  ").id(address));
    }
    let blocks = count(status.store_blocks, "block", "blocks");
    out.line(Line::new().faint("store   ").text(format!("{}, {blocks}", bytes(status.store_bytes))));
    if status.read_only {
        out.line(Line::new().faint("        ").warn("nothing more is stored: the disk is full or failing"));
    }
    for info in &status.communities {
        let line = summary(info);
        out.line(if info.held_by > 0 {
            line.faint(format!("  held by {}", count(info.held_by.into(), "peer", "peers")))
        } else {
            line
        });
    }
    Ok(())
}

fn spell(seconds: u64) -> String {
    match seconds {
        0..60 => count(seconds, "second", "seconds"),
        60..3600 => count(seconds / 60, "minute", "minutes"),
        3600..86_400 => count(seconds / 3600, "hour", "hours"),
        _ => count(seconds / 86_400, "day", "days"),
    }
}
