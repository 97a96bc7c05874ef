use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read},
    path::PathBuf,
};

use folkmoot_node::request::{CommunityInfo, Item, Reply, Request};
use folkmoot_schemas::{kind::Kind, records::event::Event};
use serde_json::json;

use super::{imported, zone_of};
use crate::{
    error::{Error, Result},
    ics::{self, Context, Entry, FILE},
    output::{Line, count},
    record,
    session::{Session, answer},
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  moot event import programme.ics\n  curl -s https://example.org/calendar.ics | moot event import -\n\nA second import adds nothing; what changed in the file is changed here, except where you changed it here yourself. What cannot be kept is said event by event."
)]
pub(crate) struct Args {
    /// Calendar file (.ics); - reads stdin
    file: PathBuf,
    /// Zone of times that name none [default: the calendar's, the community's, this machine's]
    #[arg(long)]
    zone: Option<String>,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Added,
    Changed,
    Unchanged,
}

impl Act {
    fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
        }
    }
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let text = load(&args.file)?;
    let community = session.pick_community(None)?;
    let zone = zone_of(session, &community, args.zone.as_deref())?;
    let reading = ics::read(&text, &Context { zone, now: session.clock.seconds() })?;
    let known = imported(session, &community)?;

    let (mut acts, mut drafts) = (Vec::new(), Vec::new());
    for entry in &reading.entries {
        let (act, draft, left) = match known.get(&entry.key) {
            None => (Act::Added, Some(record::draft("event", entry.event.clone())?), None),
            Some((item, old)) => match imported::merge(old, &entry.event) {
                (None, left) => (Act::Unchanged, None, left),
                (Some(next), left) => (Act::Changed, Some(record::redraft("event", item, next)?), left),
            },
        };
        acts.push((act, left));
        drafts.extend(draft.filter(|_| !args.dry_run));
    }
    // One commit, unless it is very long: either all of the calendar is there or nothing.
    let published =
        if drafts.is_empty() { Vec::new() } else { record::publish(session, Some(&community.cid), drafts)? };

    let mut published = published.into_iter();
    for (entry, (act, left)) in reading.entries.iter().zip(&acts) {
        let uri = match act {
            Act::Unchanged => known.get(&entry.key).map(|(item, _)| (item.uri.clone(), item.short.clone())),
            _ if args.dry_run => None,
            _ => published.next().map(|info| (info.uri, info.short)),
        };
        tell(session, entry, *act, left.as_deref(), uri);
    }
    for skipped in &reading.skipped {
        session
            .out
            .object(&json!({"uid": skipped.key, "name": skipped.name, "action": "skipped", "said": [skipped.why]}));
        session.out.line(Line::new().warn("not imported  ").strong(&skipped.name).text(format!(": {}", skipped.why)));
    }
    let n = |act| acts.iter().filter(|(a, _)| *a == act).count();
    let (added, changed, unchanged) = (n(Act::Added), n(Act::Changed), n(Act::Unchanged));
    session.out.object(&json!({
        "summary": true,
        "added": added,
        "changed": changed,
        "unchanged": unchanged,
        "skipped": reading.skipped.len(),
        "said": reading.said,
        "dry_run": args.dry_run,
    }));
    for said in &reading.said {
        session.out.line(said.as_str());
    }
    let events = count(reading.entries.len() as u64, "event", "events");
    let would = if args.dry_run { " (nothing was done)" } else { "" };
    session.out.line(Line::new().strong(events).text(format!(
        ": {added} added, {changed} changed, {unchanged} unchanged, {} not imported{would}",
        reading.skipped.len()
    )));
    Ok(())
}

/// `left`: what of the file was left out for the sake of what was changed here.
fn tell(session: &Session, entry: &Entry, act: Act, left: Option<&str>, uri: Option<(String, String)>) {
    let (uri, short) = uri.unzip();
    session.out.object(&json!({
        "uid": entry.key,
        "uri": uri,
        "short": short,
        "name": entry.event.name,
        "start": entry.event.start,
        "action": act.word(),
        "said": entry.said.iter().map(String::as_str).chain(left).collect::<Vec<_>>(),
    }));
    // A second import of a long calendar is one line, and those for what it left alone.
    if act == Act::Unchanged && left.is_none() {
        return;
    }
    let line =
        Line::new().text(act.word()).text("  ").strong(&entry.event.name).text("  ").text(entry.event.when_words());
    let line = match &entry.event.recur {
        Some(rule) => line.text(", ").text(rule.in_words()),
        None => line,
    };
    session.out.line(line.text("  ").id(short.unwrap_or_default()));
    let losses = entry.said.iter().filter(|_| act != Act::Unchanged).map(String::as_str);
    for said in losses.chain(left) {
        session.out.line(Line::new().text("    ").faint(said));
    }
}

fn load(path: &PathBuf) -> Result<String> {
    let failed = |error: io::Error| {
        Error::refused(format!("could not read {}: {error}", path.display()))
            .hint("give the path of an .ics file, or - for stdin")
    };
    let mut bytes = Vec::new();
    let limit = FILE as u64 + 1;
    if path.as_os_str() == "-" {
        io::stdin().lock().take(limit).read_to_end(&mut bytes).map_err(failed)?;
    } else {
        File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)).map_err(failed)?;
    }
    String::from_utf8(bytes).map_err(|_| {
        Error::refused(format!("could not read {}: it is not UTF-8 text", path.display()))
            .hint("convert it first, e.g. iconv -f latin1 -t utf-8")
    })
}

/// Our own events in this community that came from a calendar file, by their key.
fn imported(session: &Session, community: &CommunityInfo) -> Result<HashMap<String, (Item, Event)>> {
    let me = answer!(session.ask(&Request::Whoami)?, Reply::Whoami(me) => me)?.did;
    let mut known = HashMap::new();
    for item in
        record::list(session, Some(&community.cid), Event::NAME, usize::MAX)?.into_iter().filter(|i| i.did == me)
    {
        let record = record::open(&item)?;
        if let Some(event) = record.as_event()
            && let Some(source) = event.source.as_ref().filter(|s| s.kind == "ics")
            && let Some(uid) = &source.uid
        {
            known.insert(uid.clone(), (item, event.clone()));
        }
    }
    Ok(known)
}
