//! `moot event export`: events as a calendar file, written as our web pages write them.

use std::{collections::HashMap, fs, path::PathBuf};

use folkmoot_gateway::calendar::{self, Calendar};
use folkmoot_node::{
    archive,
    request::{CommunityInfo, Item, Reply, Request},
};
use folkmoot_schemas::{Tid, Uri, kind::Kind, records::event::Event};
use serde_json::json;

use crate::{
    commands::{
        export::{beside, exists},
        post::parse_uri,
    },
    error::{Error, Result},
    output::{Line, count},
    record,
    session::{Session, answer},
};

#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("what").required(true).multiple(false),
    after_help = "Examples:\n  moot event export \"Harbour Gig\" -o gig.ics\n  moot event export --all -o river-street.ics\n  moot event export --all | khal import -\n\nThe same as the calendar on our web pages, without its bounds in time, and with the events that are for members alone: mind whom you give it to. It does not follow later changes; to have those, subscribe to /calendar.ics."
)]
pub(crate) struct Args {
    /// Events: short id, whole title, address on our web page, URI or CID
    #[arg(group = "what", value_name = "EVENT")]
    events: Vec<String>,
    /// All of the community named, else of all communities
    #[arg(long, group = "what")]
    all: bool,
    /// File to write, usually .ics [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file if there is one
    #[arg(long, requires = "output")]
    force: bool,
}

/// An event and where it stands.
struct Chosen {
    item: Item,
    uri: Uri,
    rev: Tid,
    event: Event,
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let mut chosen = if args.all { all(session)? } else { named(session, &args.events)? };
    // As in the feed: in an order that no change of an event changes.
    chosen.sort_by_cached_key(|one| calendar::uid(&one.uri));
    chosen.dedup_by(|a, b| a.uri == b.uri);
    let infos = answer!(session.ask(&Request::Communities)?, Reply::Communities(all) => all)?;
    let communities: HashMap<&str, &CommunityInfo> = infos.iter().map(|info| (info.cid.as_str(), info)).collect();
    let mut names: Vec<&str> = chosen.iter().map(|one| one.item.community_name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let name = match names[..] {
        [one] => one.to_owned(),
        _ => "Folkmoot".to_owned(),
    };
    let items = chosen.iter().map(|one| {
        let describe = communities.get(one.item.community.as_str()).map(|info| &info.describe);
        calendar::Item {
            event: &one.event,
            uri: &one.uri,
            author: one.item.author.clone(),
            url: one.item.url.clone(),
            origin: one.item.url.as_deref().and_then(origin),
            rev: one.rev,
            zone: describe.and_then(|d| d.zone.as_deref()).unwrap_or("UTC"),
            lang: describe.and_then(|d| d.lang.as_deref()),
        }
    });
    let text = Calendar { name: &name, url: None, items: items.collect() }.to_ics();
    write(&args, &text, chosen.len(), session)
}

fn write(args: &Args, text: &str, events: usize, session: &Session) -> Result<()> {
    let Some(output) = &args.output else {
        match session.out.json {
            true => session.out.object(&json!({"file": null, "events": events, "calendar": text})),
            false => session.out.raw(text.as_bytes()),
        }
        return Ok(());
    };
    let failed = |why: std::io::Error| match why.kind() {
        std::io::ErrorKind::AlreadyExists => exists(output),
        _ => Error::refused(format!("could not write {}: {why}", output.display())).hint("choose another place"),
    };
    let path = std::path::absolute(output).map_err(failed)?;
    if !args.force && path.symlink_metadata().is_ok() {
        return Err(exists(output));
    }
    let unfinished = beside(&path, &session.clock.random::<6>())?;
    let done = fs::write(&unfinished, text).and_then(|()| archive::place(&unfinished, &path, args.force));
    if let Err(why) = done {
        fs::remove_file(&unfinished).ok();
        return Err(failed(why));
    }
    session.out.object(&json!({"file": path.display().to_string(), "events": events, "bytes": text.len()}));
    let events = count(events as u64, "event", "events");
    session.out.line(Line::new().strong("written").text(format!("  {events} to ")).id(output.display().to_string()));
    Ok(())
}

fn all(session: &Session) -> Result<Vec<Chosen>> {
    let items = record::list(session, session.named_community.as_deref(), Event::NAME, usize::MAX)?;
    // One with a fault is shown nowhere.
    let chosen: Result<Vec<Option<Chosen>>> =
        items.into_iter().filter(|item| item.fault.is_none()).map(choose).collect();
    Ok(chosen?.into_iter().flatten().collect())
}

fn named(session: &Session, events: &[String]) -> Result<Vec<Chosen>> {
    let mut chosen = Vec::new();
    for target in events {
        let (found, _) = super::find(session, target)?;
        chosen.extend(choose(found.item)?);
    }
    Ok(chosen)
}

fn choose(item: Item) -> Result<Option<Chosen>> {
    let Some(event) = record::open(&item)?.as_event().cloned() else { return Ok(None) };
    let revs = item.revised.iter().map(|one| &one.rev).chain([&item.rev]).map(|rev| rev.parse::<Tid>());
    let revs: Result<Vec<Tid>, _> = revs.collect();
    let rev = revs.ok().and_then(|revs| revs.into_iter().max());
    let rev = rev.ok_or_else(|| Error::bug(format!("the node gave a rev that is none: {}", item.rev)))?;
    Ok(Some(Chosen { uri: parse_uri(&item.uri)?, rev, event, item }))
}

/// `https://moot.example.org` of a page's address.
fn origin(url: &str) -> Option<&str> {
    let host = url.find("://")? + 3;
    let end = url[host..].find('/').map_or(url.len(), |slash| host + slash);
    Some(&url[..end])
}
