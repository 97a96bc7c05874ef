use std::collections::BTreeMap;

use folkmoot_node::request::{Reply, Request, Side, VersionInfo};
use folkmoot_schemas::{
    Block, Record,
    difference::{self, Difference},
    records::{event::Event, revision::Right},
};
use ipld_core::ipld::Ipld;
use serde_json::{Value, json};

use crate::{
    error::Result,
    output::{Line, Output},
    record,
    session::{Session, answer},
    when::reader::WallClock,
};

/// Characters of a line of a text that are shown, and lines of it.
const LINE: usize = 160;
const LINES: usize = 12;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  moot history uyv3m2bq4kzjxw5a\n\nWhat a version changed in the one it was made from is shown as it was and as it is since; --json has the fields as they are stored.\nOf two that were written apart on two devices the later one counts, and the other is set aside; both are here.\nShows the versions whose proof this node kept: at most 32, for 90 days. Others may have seen more."
)]
pub(crate) struct Args {
    /// Short id, whole title, address on our web page, URI or CID
    target: String,
}

/// Who wrote what, when, on which device, and what each version changed. Newest first.
pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let request = Request::History { target: args.target, community: session.community.clone() };
    let (item, versions) = answer!(session.ask(&request)?, Reply::History { item, versions } => (item, versions))?;
    let (out, clock) = (&session.out, WallClock::of(session)?);
    out.line(Line::new().strong(&item.title).faint(format!("  {}  ", item.community_name)).id(&item.short));
    let of = |cid: &String| versions.iter().find(|version| version.cid == *cid);
    for version in &versions {
        let before = version.base.as_ref().and_then(of);
        let changes = changes(before, version);
        out.object(&json!({
            "uri": item.uri,
            "rev": version.rev,
            "cid": version.cid,
            "author": version.author,
            "device": version.by.device,
            "device_name": version.by.name,
            "updated": record::rfc3339(version.by.at),
            "right": version.right,
            "current": version.current,
            "deleted": version.deleted,
            "commit": version.commit,
            "base": version.base,
            "apart": version.apart,
            "changes": changes.iter().map(|c| json!({"field": c.field, "from": c.from, "to": c.to})).collect::<Vec<_>>(),
        }));
        let line = Line::new().text(clock.time(version.by.at)).text("  ").strong(&version.author);
        let line = version.right.map_or(line.clone(), |right| line.text(format!(", {}", right.word())));
        let line = line.faint(on(&version.by));
        out.line(match (version.current, version.deleted) {
            (_, true) => line.warn("  deleted"),
            (true, false) => line.text("  shown now"),
            (false, false) if versions.iter().any(|newer| newer.apart.contains(&version.cid)) => {
                line.text("  set aside")
            }
            (false, false) => line,
        });
        for other in others(version.apart.iter().filter_map(of)) {
            let wrote = if other.deleted { "deleted" } else { "wrote" };
            let (who, at) = (other.by.title(), clock.time(other.by.at));
            out.line(Line::new().warn(format!("  apart from what {who} {wrote} at {at}: neither knew of the other")));
        }
        if !out.json && !version.deleted {
            tell(out, before.and_then(record_of).as_ref(), version);
        }
    }
    out.note(Line::new().faint("the versions whose proof this node kept; others may have seen more"));
    let community = super::post::parse_uri(&item.uri)?.community.to_string();
    clock.remark(session, versions.iter().map(|version| (community.as_str(), version.by.at)));
    Ok(())
}

fn on(side: &Side) -> String {
    format!("  on {}", side.title())
}

/// The newest of each device.
fn others<'v>(apart: impl Iterator<Item = &'v VersionInfo>) -> Vec<&'v VersionInfo> {
    let mut newest: Vec<&VersionInfo> = Vec::new();
    for version in apart {
        if newest.iter().all(|known| known.by.device != version.by.device) {
            newest.push(version);
        }
    }
    newest
}

/// A field that differs from the version before; None: it is not there.
struct Change {
    field: String,
    from: Option<Value>,
    to: Option<Value>,
}

/// Where what it was made from is not here, a version is shown whole.
fn changes(before: Option<&VersionInfo>, version: &VersionInfo) -> Vec<Change> {
    if version.deleted {
        return Vec::new();
    }
    let (mut old, new) = (before.map(fields).unwrap_or_default(), fields(version));
    let mut changes: Vec<Change> = Vec::new();
    for (field, to) in new {
        let from = old.remove(&field);
        if from.as_ref() != Some(&to) {
            changes.push(Change { field, from, to: Some(to) });
        }
    }
    changes.extend(old.into_iter().map(|(field, from)| Change { field, from: Some(from), to: None }));
    changes
}

/// Everything a version says but its kind and rev.
fn fields(version: &VersionInfo) -> BTreeMap<String, Value> {
    let map = folkmoot_schemas::block::parse_cid(&version.cid)
        .and_then(|cid| Block::trusted(cid, version.block.clone()).view::<Ipld>());
    let Ok(Ipld::Map(mut map)) = map else { return BTreeMap::new() };
    // A revision is compared by the event in it.
    if let (Some(_), Some(Ipld::Map(event))) = (version.right, map.remove("event")) {
        map = event;
    }
    map.iter()
        .filter(|(field, _)| !matches!(field.as_str(), "$type" | "rev"))
        .map(|(field, value)| (field.clone(), record::dag_json(value)))
        .collect()
}

fn record_of(version: &VersionInfo) -> Option<Record> {
    Record::open(&version.block).ok().map(|(_, _, record)| record)
}

/// What a version changed, in words. Of a steward's only the part counts that a steward may change.
fn tell(out: &Output, before: Option<&Record>, version: &VersionInfo) {
    let Some(mut record) = record_of(version) else { return };
    let event_of =
        |record: &Record| record.as_event().or_else(|| record.as_revision().map(|revision| &revision.event)).cloned();
    if let (Some(Right::Steward), Some(theirs), Some(was)) =
        (version.right, event_of(&record), before.and_then(event_of))
    {
        record = Event { status: theirs.status, status_note: theirs.status_note, ..was }.into();
    }
    let differences = difference::between(before, &record);
    if differences.is_empty() {
        out.line(Line::new().faint(match before.and_then(Record::as_rsvp).zip(record.as_rsvp()) {
            Some((before, now)) if now.goes_on_from(before) => "  the same, confirmed",
            _ => "  nothing that is shown",
        }));
    }
    let width = differences.iter().map(|one| one.field.chars().count()).max().unwrap_or_default();
    for Difference { field, from, to } in differences {
        let line = Line::new().faint(format!("  {field:<width$}  "));
        let texts = [&from, &to].map(|text| text.as_deref().unwrap_or("nothing"));
        if !texts.iter().any(|text| text.contains('\n')) {
            out.line(match &from {
                Some(_) => line.text(short(texts[0])).faint("  →  ").text(short(texts[1])),
                None => line.text(short(texts[1])),
            });
            continue;
        }
        out.line(Line::new().faint(format!("  {field}")));
        for (sign, text) in [("-", from), ("+", to)] {
            let text = text.unwrap_or_default();
            let mut lines = text.lines().filter(|line| !line.trim().is_empty());
            for shown in lines.by_ref().take(LINES) {
                out.line(Line::new().faint(format!("    {sign} ")).text(short(shown)));
            }
            if lines.next().is_some() {
                out.line(Line::new().faint(format!("    {sign} …")));
            }
        }
    }
}

/// As much of a line as is shown.
fn short(text: &str) -> String {
    match text.char_indices().nth(LINE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
