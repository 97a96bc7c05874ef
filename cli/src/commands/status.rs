use folkmoot_node::request::{Keeping, Reply, Request};
use serde_json::json;

use super::{community::summary, doctor, peer, sweep::freed};
use crate::{
    error::Result,
    output::{Line, Output, bytes, count},
    session::{Session, answer},
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  moot status --json")]
pub(crate) struct Args {}

/// A node that just started has not called anybody yet, seconds.
const SETTLING: u64 = 15;

/// Without a running node it reads the store and says so; that is no failure.
pub(crate) fn run(session: &Session) -> Result<()> {
    let status = answer!(session.ask(&Request::Status)?, Reply::Status(status) => status)?;
    let out = &session.out;
    out.object(&json!({
        "running": status.running,
        "did": status.did,
        "out": status.out,
        "peers": status.peers,
        "communities": status.communities,
        "store": {"bytes": status.store_bytes, "blocks": status.store_blocks, "read_only": status.read_only},
        "uptime_s": status.uptime_s,
        "listen": status.listen,
        "http": status.http,
        "counters": status.counters,
        "quotas": status.keeping.quotas,
        "usage": {"bytes": status.keeping.bytes, "communities": status.keeping.communities},
        "pins": status.keeping.pins,
        "deferred": status.keeping.deferred,
        "deferred_files": {"files": status.keeping.deferred_files, "bytes": status.keeping.deferred_bytes},
        "sweep": status.keeping.sweep,
        "notices": status.notices,
        "hook": status.hook,
    }));
    if status.running {
        let peers = count(u64::from(status.peers), "peer", "peers");
        out.line(Line::new().strong("running").text(format!(" for {}, {peers}", spell(status.uptime_s))));
        let others = status.communities.iter().any(|info| info.members > 1) || status.communities.is_empty();
        if status.peers == 0 && others && status.uptime_s > SETTLING {
            out.line(Line::new().warn(peer::NOBODY));
            out.line(Line::new().text(peer::WHAT_TO_DO));
        }
    } else {
        let serve = session.command("serve");
        out.line(Line::new().warn("not running").text(format!(" (start it with {serve})")));
    }
    if status.out {
        out.line(super::device::out());
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
    super::community::say_not_joined(session, &status.communities);
    print_keeping(out, &status.keeping);
    if let Some(why) = status.hook.as_ref().and_then(|hook| hook.failed.as_ref()) {
        out.line(Line::new().warn("hook     ").text(why).faint("  (moot doctor)"));
    }
    for notice in &status.notices {
        out.line(Line::new().warn("to know: ").text(doctor::headline(notice)));
    }
    if !status.notices.is_empty() {
        out.line(Line::new().faint("moot doctor says more"));
    }
    Ok(())
}

/// Only what there is something to say of; `--json` says all of it.
fn print_keeping(out: &Output, keeping: &Keeping) {
    for fill in &keeping.communities {
        let share = |bytes: u64, quota: Option<u64>| quota.filter(|quota| bytes >= quota / 4 * 3);
        if let Some(quota) = share(fill.bytes, keeping.quotas.community) {
            let said = format!("{} of {} in ", bytes(fill.bytes), bytes(quota));
            out.line(Line::new().warn("filling up ").text(said).text(&fill.community_name));
        }
        for member in &fill.members {
            if let Some(quota) = share(member.bytes, keeping.quotas.member) {
                let said = format!("{} of {} by ", bytes(member.bytes), bytes(quota));
                let line = Line::new().warn("filling up ").text(said).text(&member.name);
                out.line(line.text(" in ").text(&fill.community_name));
            }
        }
    }
    for deferred in &keeping.deferred {
        let line = Line::new().warn("put off  ").text(&deferred.author).text(" in ").text(&deferred.community_name);
        out.line(match (&deferred.bound, deferred.needed, deferred.quota) {
            (Some(bound), Some(needed), Some(quota)) => {
                let (fills, of) = (bytes(needed), bytes(quota));
                let setting = format!("moot config quota_{bound} SIZE");
                line.text(match fills == of {
                    // Rounded, the two are the same.
                    true => format!(
                        ": {} more than the {of} there is room for ({setting})",
                        bytes(needed.saturating_sub(quota))
                    ),
                    false => format!(": would fill {fills} of {of} ({setting})"),
                })
            }
            _ => line.text(": there is room again, and it is fetched"),
        });
    }
    if keeping.deferred_files > 0 {
        let files = count(keeping.deferred_files, "file", "files");
        out.line(Line::new().warn("put off  ").text(format!("{files}, {}", bytes(keeping.deferred_bytes))));
    }
    let pins = &keeping.pins;
    if pins.count > 0 {
        let said = format!("{}, {}", count(pins.count, "pin", "pins"), bytes(pins.bytes));
        let line = Line::new().faint("pinned  ").text(said);
        out.line(match pins.count - pins.complete {
            0 => line,
            n => line.warn(format!(", {n} not complete")),
        });
    }
    if keeping.sweep.blocks > 0 {
        out.line(Line::new().faint("sweep   ").text(format!("would free {}", freed(&keeping.sweep))));
    }
}

pub(crate) fn spell(seconds: u64) -> String {
    match seconds {
        0..60 => count(seconds, "second", "seconds"),
        60..3600 => count(seconds / 60, "minute", "minutes"),
        3600..86_400 => count(seconds / 3600, "hour", "hours"),
        _ => count(seconds / 86_400, "day", "days"),
    }
}
