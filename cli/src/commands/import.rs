//! `moot import`: takes in an archive. The file is read here; what it brings is judged by whoever has the store.

use std::{io, path::PathBuf};

use folkmoot_node::{
    archive::{self, Archive, ArchiveError, CommunityIn, Held, ImportError, Imported, Step, Taker},
    request::{Reply, Request},
    store::{Applied, Batch},
};
use folkmoot_schemas::Cid;
use serde_json::{Value, json};

use crate::{
    error::{Error, Result},
    output::{Line, Output, bytes, count},
    session::{Session, answer},
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  moot import river-street.car\n\nNothing is believed that the network would not be believed. A second run goes on where the first ended. Damaged and missing blocks are named with their places, and the rest is taken as far as it is whole; the exit code is then 1."
)]
pub(crate) struct Args {
    /// Archive (.car)
    file: PathBuf,
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    session.home()?;
    let mut progress = session.out.progress();
    let mut tell = |step| progress.say(|| in_words(step));
    let name = args.file.display().to_string();
    let archive = Archive::open(&args.file, &mut tell).map_err(|why| unread(&name, &why))?;
    let imported = archive::import(archive, &mut Asking(session), &mut tell).map_err(|why| match why {
        ImportError::Archive(why) => unread(&name, &why),
        ImportError::Taker(error) => error,
        ImportError::Proof => Error::refused("could not import it: it is the proof of one record, not a repository")
            .hint(format!("check it with moot verify {name}")),
    })?;
    drop(progress);
    say(&session.out, &imported);
    if imported.is_whole() {
        return Ok(());
    }
    let (damaged, missing) = (imported.damaged.total, imported.missing.total);
    let mut faults = Vec::new();
    faults.extend((damaged > 0).then(|| count(damaged, "place is damaged", "places are damaged")));
    faults.extend((missing > 0).then(|| count(missing, "block is missing", "blocks are missing")));
    Err(Error::refused(format!("could not import all of it: {}", faults.join(", ")))
        .hint("what was whole is stored; run it again with an undamaged copy, or moot sync"))
}

/// `name`: the file, as it was typed.
pub(super) fn unread(name: &str, why: &ArchiveError) -> Error {
    let said = |why: &str| Error::refused(format!("could not read {name}: {why}"));
    match why {
        ArchiveError::Io { source, .. } => match source.kind() {
            io::ErrorKind::NotFound => said("there is no such file").hint("check its name and its folder"),
            io::ErrorKind::PermissionDenied => said("you may not read it").hint(format!("chmod u+r {name}")),
            io::ErrorKind::IsADirectory => said("it is a folder").hint("give the file itself"),
            _ => said(&source.to_string()).hint("check the disk it is on, or take another copy"),
        },
        ArchiveError::Foreign => said("it is no archive")
            .hint("archives are what moot export writes, and other CARv1 files; calendars go to moot event import"),
        ArchiveError::Refused(why) => said(why).hint("take another copy, or have it written again: moot export"),
    }
}

pub(super) fn in_words(step: Step) -> String {
    let share = |at: u64, of: u64| at.saturating_mul(100) / of.max(1);
    match step {
        Step::Reading { at, of } => format!("reading {} of {}", bytes(at), bytes(of)),
        Step::Checking { at, of } => format!("checking {} %", share(at, of)),
        Step::Storing { at, of } => format!("storing {} of {}", bytes(at), bytes(of)),
    }
}

/// The store behind a session.
struct Asking<'a>(&'a Session);

impl Taker for Asking<'_> {
    type Error = Error;

    fn held(&mut self, community: &Cid) -> Result<Option<Held>> {
        let held = answer!(self.0.ask(&Request::Holding { community: *community })?, Reply::Holding(held) => held)?;
        Ok(held.map(Into::into))
    }

    fn take(&mut self, batch: Batch) -> Result<Applied> {
        let reply = self.0.ask(&Request::Take { batch: batch.into() })?;
        Ok(answer!(reply, Reply::Taken(taken) => taken)?.into())
    }
}

fn say(out: &Output, imported: &Imported) {
    out.object(&as_json(imported));
    for share in &imported.communities {
        say_share(out, share);
    }
    if imported.communities.is_empty() {
        out.line(Line::new().strong("imported nothing"));
    }
    for damage in imported.damaged.shown.iter().take(LISTED) {
        let line = Line::new().warn("  damaged ").text(format!("at byte {}: {}", damage.offset, damage.why));
        out.note(match &damage.cid {
            Some(cid) => line.faint(format!("  {cid}")),
            None => line,
        });
    }
    for missing in imported.missing.shown.iter().take(LISTED) {
        out.note(Line::new().warn("  missing ").text(missing.what).text(" ").id(missing.cid.to_string()));
    }
    for (what, why) in imported.skipped.shown.iter().take(LISTED) {
        out.note(Line::new().warn("  skipped ").id(what).text(": ").text(why));
    }
    for (cid, offset) in imported.strangers.shown.iter().take(LISTED) {
        out.note(Line::new().faint(format!("  part of nothing, at byte {offset}: ")).id(cid.to_string()));
    }
    for (total, what) in [
        (imported.damaged.total, "damaged"),
        (imported.missing.total, "missing"),
        (imported.skipped.total, "skipped"),
        (imported.strangers.total, "part of nothing"),
    ] {
        if total > LISTED as u64 {
            out.note(Line::new().faint(format!("  … {what}: {total} in all; --json lists more")));
        }
    }
}

/// Findings of one sort that a person is shown.
const LISTED: usize = 8;

fn say_share(out: &Output, share: &CommunityIn) {
    let line = Line::new().strong("imported ").text(&share.name);
    let mut what = Vec::new();
    if share.taken > 0 {
        what.push(count(share.taken, "repository", "repositories"));
        what.push(count(share.records, "record", "records"));
    }
    what.extend((share.files > 0).then(|| count(share.files, "file", "files")));
    what.extend(
        (share.known > 0).then(|| format!("{} here already", count(share.known, "repository", "repositories"))),
    );
    let line = if what.is_empty() { line } else { line.text(": ").text(what.join(", ")) };
    out.line(if share.joined { line } else { line.faint("  (not joined)") });
    let snapshot = Line::new().faint("  snapshot  ").id(share.snapshot().to_string());
    out.line(match share.equal {
        Some(true) => snapshot.faint("  as in the archive"),
        Some(false) => snapshot.faint("  not the archive's: something is newer here, or was not taken"),
        None => snapshot,
    });
    if share.lacking > 0 {
        let files = count(share.lacking, "file is", "files are");
        out.note(
            Line::new()
                .warn("  not whole: ")
                .text(format!("{files} still lacking; moot sync fetches what others hold")),
        );
    }
}

fn as_json(imported: &Imported) -> Value {
    let share = |share: &CommunityIn| {
        json!({
            "community": share.id.to_string(),
            "name": share.name,
            "joined": share.joined,
            "repositories": share.taken,
            "known": share.known,
            "records": share.records,
            "files": share.files,
            "lacking": share.lacking,
            "snapshot": share.snapshots[0].to_string(),
            "snapshot_members": share.snapshots[1].to_string(),
            "as_archived": share.equal,
        })
    };
    json!({
        "whole": imported.is_whole(),
        "bytes": imported.bytes,
        "blocks": imported.blocks,
        "roots": imported.roots.iter().map(Cid::to_string).collect::<Vec<_>>(),
        "communities": imported.communities.iter().map(share).collect::<Vec<_>>(),
        "damaged": damaged(&imported.damaged),
        "missing": missing(&imported.missing),
        "skipped": {
            "total": imported.skipped.total,
            "shown": imported.skipped.shown.iter().map(|(what, why)| json!({"what": what, "why": why})).collect::<Vec<_>>(),
        },
        "strangers": strangers(&imported.strangers),
    })
}

pub(super) fn damaged(found: &archive::Listed<archive::Damage>) -> Value {
    let one = |d: &archive::Damage| json!({"offset": d.offset, "cid": d.cid.map(|cid| cid.to_string()), "why": d.why});
    json!({"total": found.total, "shown": found.shown.iter().map(one).collect::<Vec<_>>()})
}

pub(super) fn missing(found: &archive::Listed<archive::Missing>) -> Value {
    let one = |m: &archive::Missing| json!({"cid": m.cid.to_string(), "what": m.what});
    json!({"total": found.total, "shown": found.shown.iter().map(one).collect::<Vec<_>>()})
}

pub(super) fn strangers(found: &archive::Listed<(Cid, u64)>) -> Value {
    let one = |(cid, offset): &(Cid, u64)| json!({"cid": cid.to_string(), "offset": offset});
    json!({"total": found.total, "shown": found.shown.iter().map(one).collect::<Vec<_>>()})
}
