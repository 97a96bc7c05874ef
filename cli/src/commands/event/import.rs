//! `moot event import`: calendar files into events of ours. What is here already follows its file; messages from mail
//! programs call off and answer.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use folkmoot_node::request::{CommunityInfo, Item, Reply, Request, WireDraft};
use folkmoot_schemas::{
    kind::Kind,
    records::{event::Event, post::Post, revision::Revision, rsvp::Rsvp},
};
use serde_json::json;

use super::zone_of;
use crate::{
    commands::show::about,
    error::{Error, Result},
    ics::{self, Context, Reading, Skipped},
    kept, leak,
    output::{Line, count},
    record,
    session::{Session, answer},
};
use known::Known;
use memory::Memory;

mod answers;
mod dates;
mod draft;
mod files;
mod known;
mod memory;
mod plan;
mod replace;
#[cfg(test)]
mod tests;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  moot event import programme.ics\n  moot event import ~/.calendars/club other.ics\n  curl -s https://example.org/calendar.ics | moot event import -\n  moot event import programme.ics --again=\"Summer party\"   # that was deleted here\n\nA second import adds nothing; what changed in the file is changed here, except where you changed it here yourself, and what you deleted here stays away. What cannot be kept is said event by event. Of several words about an event the newest counts, in any order of the files. An answer that came by mail (METHOD:REPLY) becomes the answer of a guest."
)]
pub(crate) struct Args {
    /// Calendar files (.ics), or folders of them; - reads stdin
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Zone of times that name none [default: the calendar's, the community's, this machine's]
    #[arg(long)]
    zone: Option<String>,
    /// Also take what is older than what is here
    #[arg(long)]
    older: bool,
    /// Also bring back what was imported before and deleted here: all of it, or what has this name or UID
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    again: Vec<String>,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Added,
    Changed,
    Unchanged,
    /// It goes: its series stands for it now.
    Replaced,
}

impl Act {
    fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Replaced => "replaced",
        }
    }
}

/// One thing the files ask for, and what becomes of it.
#[derive(Debug)]
struct Step {
    act: Act,
    /// What is not kept, and then what stays as it is here.
    said: Vec<String>,
    /// How many of these say what is not kept.
    lost: usize,
    /// Where it stands: URI and short id.
    held: Option<(String, String)>,
    subject: Subject,
    draft: Option<WireDraft>,
}

#[derive(Debug)]
enum Subject {
    Event {
        key: String,
        event: Box<Event>,
    },
    /// `to`: the event in words.
    Answer {
        key: String,
        to: String,
        rsvp: Box<Rsvp>,
    },
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let (files, passed_over) = files::all(&args.files)?;
    let community = session.pick_community(None)?;
    let context = Context { zone: zone_of(session, &community, args.zone.as_deref())?, now: session.clock.seconds() };
    let (mut reading, mut unread) = (Reading::default(), 0);
    for path in &files {
        match files::load(path).and_then(|text| ics::read(&text, &context)) {
            Ok(read) => reading.and(read)?,
            // Of one file there is nothing else to do; among several the others are as good as before.
            Err(error) if files.len() == 1 => return Err(error),
            Err(error) => {
                unread += 1;
                session
                    .out
                    .note(Line::new().warn("not read  ").strong(path.display().to_string()).text(format!(": {error}")));
            }
        }
    }
    let all_again = args.again.iter().any(String::is_empty);
    if all_again && unread > 0 {
        return Err(Error::refused("could not import: not every file was read, and --again brings back all that was deleted here")
            .hint("to bring back one thing give its name behind an equals sign, --again=\"Summer party\"; nothing was imported"));
    }
    reading.said.extend(passed_over);
    let mut known = Known::read(session, &community)?;
    let mut noted = Memory::read(session, &community)?;
    let mut memory = noted.clone();
    memory.bring(&mut reading);
    if !all_again {
        for unknown in known.miss(memory.made(), context.now, &args.again) {
            reading.said.push(format!("nothing that was imported and deleted here is called {unknown}"));
        }
    }
    let is_in_use = |item: &Item| {
        for kind in [Rsvp::NAME, Post::NAME, Event::NAME, Revision::NAME] {
            if !about(session, item, kind)?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    };
    let plan::Planned { mut steps, waiting } = plan::plan(&mut reading, &known, args.older, &is_in_use)?;
    memory.wait(waiting);
    let refused = hold_back(session, &mut steps, &mut reading)?;
    // One commit, unless it is very long: either all of the calendar is there or nothing.
    let drafts: Vec<WireDraft> = steps.iter_mut().filter_map(|step| step.draft.take()).collect();
    if !drafts.is_empty() && !args.dry_run {
        let published = record::publish(session, Some(&community.cid), drafts)?;
        let new = steps.iter_mut().filter(|step| matches!(step.act, Act::Added | Act::Changed));
        new.zip(published).for_each(|(step, info)| step.held = Some((info.uri, info.short)));
    }
    if !args.dry_run {
        memory.note(&known, &steps);
        // First, or what is taken away now would look as if a person had deleted it, were this cut off.
        memory.write(&mut noted, session, &community)?;
        take_away(session, &community, &steps)?;
    }
    // What is published before one that cannot be is noted and told.
    let mut failed = None;
    if !reading.answers.is_empty() {
        // What was just published is what they answer.
        let wrote = steps.iter().any(|step| matches!(step.act, Act::Added | Act::Changed | Act::Replaced));
        if wrote && !args.dry_run {
            known = Known::read(session, &community)?;
            known.miss(memory.made(), context.now, &[]);
        }
        let mut guests = answers::guests(session, &community, &known)?;
        for answered in answers::in_order(&reading.answers) {
            let planned = answers::answer(&known, (&mut guests, &mut memory), answered, args.older);
            let done = planned.and_then(|planned| match planned {
                Ok(step) if !args.dry_run => answers::publish(session, &community, step),
                planned => Ok(planned),
            });
            match done {
                Ok(Ok(step)) => steps.push(step),
                Ok(Err(why)) => {
                    let (key, name) = (answered.uid.clone(), format!("the answer of {}", answered.guest));
                    reading.skipped.push(Skipped { key, name, why });
                }
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
    }
    if !args.dry_run {
        memory.write(&mut noted, session, &community)?;
    }
    steps.iter().for_each(|step| tell(session, step));
    sum_up(session, &steps, &reading, args.dry_run);
    if let Some(error) = failed {
        return Err(error);
    }
    match (unread, refused.is_empty()) {
        (0, true) => Ok(()),
        (n, true) => Err(Error::refused(format!("could not read {}", count(n, "file", "files")))
            .because("what the others hold was imported")
            .hint("each of them is named above, with the reason")),
        (n, false) => {
            let events = count(refused.len() as u64, "event", "events");
            let files = if n > 0 { format!(", and not read {}", count(n, "file", "files")) } else { String::new() };
            let rest = if args.dry_run { "" } else { "; the rest was" };
            let error = Error::refused(format!("could not import {events}{files}{rest}"));
            let address =
                "take the street out of the file, or publish the address: moot event edit EVENT --show-place public";
            Err(refused.into_iter().fold(error, Error::because).hint(address))
        }
    }
}

/// Takes out what would tell an address that is kept back here, with all that the files say of its UID: a series that stays
/// as it is takes over no dates. Names it, each with the reason.
fn hold_back(session: &Session, steps: &mut Vec<Step>, reading: &mut Reading) -> Result<Vec<String>> {
    let (mut uids, mut named) = (BTreeSet::new(), Vec::new());
    for step in steps.iter() {
        let Subject::Event { key, event } = &step.subject else { continue };
        let Some(why) = names_street(session, step)? else { continue };
        named.push(format!("{}  {}: {why}", event.name, event.when_words()));
        let (key, name) = (key.clone(), event.name.clone());
        uids.insert(ics::key::parts(&key).0.to_owned());
        reading.skipped.push(Skipped { key, name, why });
    }
    let is_held = |step: &Step| match &step.subject {
        Subject::Event { key, .. } => uids.contains(ics::key::parts(key).0),
        Subject::Answer { .. } => false,
    };
    steps.retain(|step| !is_held(step));
    Ok(named)
}

/// Deletes what was replaced. Where that fails half-way, the next import goes on with it.
fn take_away(session: &Session, community: &CommunityInfo, steps: &[Step]) -> Result<()> {
    let replaced = steps.iter().filter(|step| step.act == Act::Replaced);
    for (uri, _) in replaced.filter_map(|step| step.held.clone()) {
        let request = Request::Delete { target: uri, community: Some(community.cid.clone()) };
        answer!(session.ask(&request)?, Reply::Deleted { uri, .. } => uri)?;
    }
    Ok(())
}

fn tell(session: &Session, step: &Step) {
    let (uri, short) = step.held.clone().unzip();
    let line = match &step.subject {
        Subject::Event { key, event } => {
            session.out.object(&json!({
                "uid": key,
                "uri": uri,
                "short": short,
                "name": event.name,
                "start": event.start,
                "action": step.act.word(),
                "said": step.said,
            }));
            let line = Line::new().text(step.act.word()).text("  ").strong(&event.name).text("  ");
            let line = line.text(event.when_words());
            let line = match &event.recur {
                Some(rule) => line.text(", ").text(rule.in_words()),
                None => line,
            };
            match event.status_words() {
                Some(status) => line.warn(format!("  {}", status.to_lowercase())),
                None => line,
            }
        }
        Subject::Answer { key, to, rsvp } => {
            session.out.object(&json!({
                "uid": key,
                "uri": uri,
                "short": short,
                "guest": rsvp.guest_name,
                "status": rsvp.status,
                "count": rsvp.count,
                "occurrence": rsvp.occurrence,
                "action": step.act.word(),
                "said": step.said,
            }));
            let line =
                Line::new().text(step.act.word()).text("  ").strong(rsvp.guest_name.as_deref().unwrap_or_default());
            let line = line.text(": ").text(rsvp.status.words());
            let line = if rsvp.count > 1 { line.text(format!(", {} people", rsvp.count)) } else { line };
            line.text("  ").text(to)
        }
    };
    // A second import of a long calendar is one line, and those for what it left alone.
    if step.act == Act::Unchanged && step.said.is_empty() {
        return;
    }
    session.out.line(line.text("  ").id(short.unwrap_or_default()));
    for said in &step.said {
        session.out.line(Line::new().text("    ").faint(said));
    }
}

fn sum_up(session: &Session, steps: &[Step], reading: &Reading, dry_run: bool) {
    let out = &session.out;
    for skipped in &reading.skipped {
        out.object(&json!({"uid": skipped.key, "name": skipped.name, "action": "skipped", "said": [skipped.why]}));
        out.line(Line::new().warn("not imported  ").strong(&skipped.name).text(format!(": {}", skipped.why)));
    }
    let of = |event: bool, act: Act| {
        steps.iter().filter(|s| matches!(s.subject, Subject::Event { .. }) == event && s.act == act).count()
    };
    let [added, changed, unchanged, replaced] =
        [Act::Added, Act::Changed, Act::Unchanged, Act::Replaced].map(|act| of(true, act));
    let [new, other, same] = [Act::Added, Act::Changed, Act::Unchanged].map(|act| of(false, act));
    let cut = incomplete(steps).count();
    out.object(&json!({
        "summary": true,
        "added": added,
        "changed": changed,
        "unchanged": unchanged,
        "replaced": replaced,
        "skipped": reading.skipped.len(),
        "not_whole": cut,
        "answers": {"added": new, "changed": other, "unchanged": same},
        "said": reading.said,
        "dry_run": dry_run,
    }));
    for said in &reading.said {
        out.line(said.as_str());
    }
    let would = if dry_run { " (nothing was done)" } else { "" };
    let skipped = reading.skipped.len();
    if !reading.answers.is_empty() {
        let answers = count((new + other + same) as u64, "answer of a guest", "answers of guests");
        let line = Line::new().strong(answers).text(format!(": {new} added, {other} changed, {same} unchanged"));
        if added + changed + unchanged + replaced == 0 {
            out.line(line.text(format!(", {skipped} not imported{would}")));
            return;
        }
        out.line(line.text(would));
    }
    let events = count((added + changed + unchanged) as u64, "event", "events");
    let line = Line::new().strong(events).text(format!(": {added} added, {changed} changed, {unchanged} unchanged"));
    let line = match replaced {
        0 => line,
        _ => line.text(format!(", {} replaced", count(replaced as u64, "other", "others"))),
    };
    out.line(line.text(format!(", {skipped} not imported{would}")));
    if cut > 0 {
        out.line(format!("{cut} could not be kept whole:"));
        for (what, n) in losses(steps) {
            out.line(Line::new().text("    ").faint(format!("{what}  ({})", count(n as u64, "event", "events"))));
        }
    }
}

/// Of what is new or changed here now, that of which something is missing.
fn incomplete(steps: &[Step]) -> impl Iterator<Item = &Step> {
    steps.iter().filter(|step| matches!(step.act, Act::Added | Act::Changed) && step.lost > 0)
}

/// What is missing, the most frequent first: nobody reads the lines of a long calendar one by one.
fn losses(steps: &[Step]) -> Vec<(&str, usize)> {
    const SHOWN: usize = 12;
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    for said in incomplete(steps).flat_map(|step| step.said.iter().take(step.lost)) {
        *counted.entry(said).or_default() += 1;
    }
    let mut losses: Vec<(&str, usize)> = counted.into_iter().collect();
    losses.sort_by_key(|(_, n)| Reverse(*n));
    losses.truncate(SHOWN);
    losses
}

/// A calendar knows nothing of an address that is kept back here: in words what of the event would tell it.
fn names_street(session: &Session, step: &Step) -> Result<Option<String>> {
    let (Some(_), Some((uri, _)), Subject::Event { event, .. }) = (&step.draft, &step.held, &step.subject) else {
        return Ok(None);
    };
    match kept::read(session, uri)? {
        kept if kept.is_empty() => Ok(None),
        kept => leak::told(session, event, record::find(session, uri)?.record.as_event(), &kept),
    }
}
