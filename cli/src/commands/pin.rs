use clap::Subcommand;
use folkmoot_node::request::{PinInfo, Reply, Request};
use folkmoot_schemas::Uri;
use serde_json::json;

use crate::{
    error::Result,
    output::{Line, bytes, count},
    record,
    session::{Session, answer},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Keep something, whatever becomes of it elsewhere
    #[command(
        after_help = "Examples:\n  moot pin add uyv3m2bq4kzjxw5a --name \"The first gig\"\n  moot pin add bafyreib4k…\n\nWhat has an address is kept as it changes, with the proof of who signed it; once it is deleted, its last version stays\nhere and is given to nobody. A CID is kept as it is, with all that hangs on it by links; what is not here is fetched."
    )]
    Add {
        /// Short id, whole title, address on our web page, URI or CID
        target: String,
        /// What you call it
        #[arg(long)]
        name: Option<String>,
    },
    /// Let go of it again
    #[command(visible_alias = "remove", after_help = "Example:\n  moot pin rm \"The first gig\"")]
    Rm {
        /// Name of the pin, its short id, or what it pins
        target: String,
    },
    /// What is pinned, and whether all of it is here
    #[command(after_help = "Example:\n  moot pin list --json")]
    List,
}

pub(crate) fn run(command: Command, session: &Session) -> Result<()> {
    let out = &session.out;
    match command {
        Command::Add { target, name } => {
            let request = Request::PinAdd { target, community: session.community.clone(), name };
            let (pin, fresh) = answer!(session.ask(&request)?, Reply::Pinned { pin, fresh } => (pin, fresh))?;
            let mut value = as_json(&pin);
            value["fresh"] = json!(fresh);
            out.object(&value);
            out.line(line(&pin, if fresh { "pinned  " } else { "already pinned  " }));
        }
        Command::Rm { target } => {
            let request = Request::PinRemove { target: target.clone(), community: session.community.clone() };
            answer!(session.ask(&request)?, Reply::Done => ())?;
            out.object(&json!({"target": target, "pinned": false}));
            out.line(Line::new().strong("let go of ").id(&target));
        }
        Command::List => {
            let pins = answer!(session.ask(&Request::Pins)?, Reply::Pins(pins) => pins)?;
            for pin in &pins {
                out.object(&as_json(pin));
                out.line(line(pin, ""));
            }
            if pins.is_empty() {
                out.note("nothing is pinned here; moot pin add keeps something");
            }
        }
    }
    Ok(())
}

fn as_json(pin: &PinInfo) -> serde_json::Value {
    json!({
        "target": pin.target,
        "name": pin.name,
        "added": record::rfc3339(pin.added),
        "state": pin.state,
        "cid": pin.cid,
        "title": pin.title,
        "complete": pin.complete,
        "blocks": pin.blocks,
        "bytes": pin.bytes,
        "missing": pin.missing,
        "full": pin.full,
    })
}

fn line(pin: &PinInfo, verb: &str) -> Line {
    let mut line = Line::new().text(verb);
    if let Some(name) = &pin.name {
        line = line.strong(name).text("  ");
    }
    if let Some(title) = &pin.title {
        line = line.text(title).text("  ");
    }
    // An address is long and says nothing to a person; a CID is all there is to name its pin by.
    line = match pin.target.parse::<Uri>() {
        Ok(uri) => line.id(uri.short_id()),
        Err(_) => line.id(&pin.target),
    };
    line = match pin.state.as_str() {
        "gone" => line.warn("  gone elsewhere, kept here alone"),
        "awaited" => line.warn("  not here yet"),
        _ => line,
    };
    if pin.missing > 0 {
        line = line.warn(format!("  {} missing", count(pin.missing, "block", "blocks")));
        if pin.full {
            line = line.warn(", and not fetched: it is full (moot config quota_pin SIZE)");
        }
    }
    if pin.blocks > 0 {
        line = line.faint(format!("  {}, {}", count(pin.blocks, "block", "blocks"), bytes(pin.bytes)));
    }
    line
}
