//! `moot export`: a record with its proof, a person, or a community as one file.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::mpsc::{RecvTimeoutError, sync_channel},
    thread,
    time::Duration,
};

use folkmoot_node::{
    archive,
    request::{ExportedInfo, Exports, Reply, Request},
};
use folkmoot_schemas::Did;
use serde_json::json;

use crate::{
    error::{Error, Result},
    output::{Line, Output, bytes, count},
    session::{Session, answer},
};

#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("what").required(true),
    after_help = "Examples:\n  moot export --all -o river-street.car\n  moot export --all --public -o for-everybody.car\n  moot export --person -o me.car\n  moot export uyv3m2bq4kzjxw5a -o gig.car\n\nThe file is a CARv1 archive, which IPFS tools read. `moot import` takes it in elsewhere, `moot verify` checks it. Without --public a member's archive holds what is for members, too."
)]
pub(crate) struct Args {
    /// A record with its proof: short id, whole title, address on our web page, URI or CID
    #[arg(group = "what")]
    target: Option<String>,
    /// All that a person wrote, in the community named or in all: name, did or its end [default: you]
    #[arg(long, group = "what", value_name = "WHO", num_args = 0..=1)]
    person: Option<Option<String>>,
    /// The whole community
    #[arg(long, group = "what")]
    all: bool,
    /// Only what anybody may see
    #[arg(long)]
    public: bool,
    /// File to write, usually .car
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Replace the file if there is one
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let path = std::path::absolute(&args.output)
        .map_err(|why| Error::refused(format!("could not use {}: {why}", args.output.display())))?;
    if !args.force && path.symlink_metadata().is_ok() {
        return Err(exists(&args.output));
    }
    let (what, community) = match (args.target, args.person) {
        (Some(target), _) => (Exports::Record(target), session.named_community.clone()),
        (None, Some(who)) => {
            let did = who.map(|who| did_of(&who, session)).transpose()?;
            (Exports::Person(did), session.named_community.clone())
        }
        (None, None) => (Exports::Community, session.community.clone()),
    };
    let unfinished = beside(&path, &session.clock.random::<6>())?;
    let whole = unfinished.to_str().ok_or_else(|| Error::refused("could not use a path that is not UTF-8"))?;
    let request = Request::Export { what, community, public: args.public, path: whole.to_owned() };
    let done = watched(&session.out, &unfinished, || session.ask(&request));
    let done = answer!(done?, Reply::Exported(done) => done)?;
    if let Err(why) = archive::place(&unfinished, &path, args.force) {
        fs::remove_file(&unfinished).ok();
        return Err(match why.kind() {
            std::io::ErrorKind::AlreadyExists => exists(&args.output),
            _ => Error::refused(format!("could not write {}: {why}", args.output.display())),
        });
    }
    say(session, &path, &done);
    Ok(())
}

/// A did, else a member's name or the end of their did.
fn did_of(who: &str, session: &Session) -> Result<Did> {
    if let Ok(did) = who.parse() {
        return Ok(did);
    }
    let request = Request::Member { community: session.community.clone(), who: who.to_owned() };
    let member = answer!(session.ask(&request)?, Reply::Member(member) => member)?;
    member.did.parse().map_err(Error::ours)
}

pub(super) fn exists(path: &Path) -> Error {
    Error::refused(format!("could not write {}: there is a file already", path.display()))
        .hint("choose another name, or replace it with --force")
}

/// Where the file grows: in the same folder, or it could not simply be renamed.
pub(super) fn beside(path: &Path, random: &[u8; 6]) -> Result<PathBuf> {
    let Some(name) = path.file_name() else {
        return Err(Error::refused(format!("could not write {}: it names no file", path.display())));
    };
    let mark = data_encoding::HEXLOWER.encode(random);
    Ok(path.with_file_name(format!(".{}.{mark}.part", name.to_string_lossy())))
}

/// Shows how the file grows while somebody, perhaps another process, writes it.
fn watched<T>(out: &Output, path: &Path, work: impl FnOnce() -> T) -> T {
    let mut progress = out.progress();
    let (done, ended) = sync_channel::<()>(1);
    let path = path.to_owned();
    let watching = thread::spawn(move || {
        while ended.recv_timeout(Duration::from_millis(200)) == Err(RecvTimeoutError::Timeout) {
            if let Ok(meta) = path.metadata() {
                progress.say(|| format!("{} written", bytes(meta.len())));
            }
        }
    });
    let value = work();
    drop(done);
    // It only draws; whether it panicked changes nothing.
    let _ = watching.join();
    value
}

fn say(session: &Session, path: &Path, done: &ExportedInfo) {
    let out = &session.out;
    out.object(&json!({
        "file": path.display().to_string(),
        "what": done.what,
        "audience": done.audience,
        "roots": done.roots,
        "bytes": done.bytes,
        "blocks": done.blocks,
        "repositories": done.repositories,
        "records": done.records,
        "files": done.files,
        "lacking": done.lacking,
        "behind": done.behind,
    }));
    let size = format!("{}, {}", bytes(done.bytes), count(done.blocks, "block", "blocks"));
    let line = Line::new().strong("exported ").text(&done.what).text(" to ").id(path.display().to_string());
    out.line(line.faint(format!("  {size}")));
    let contents = [
        (done.repositories, count(done.repositories, "repository", "repositories")),
        (done.records, count(done.records, "record", "records")),
        (done.files, count(done.files, "file", "files")),
    ];
    let contents: Vec<String> = contents.into_iter().filter(|(n, _)| *n > 0).map(|(_, text)| text).collect();
    out.line(Line::new().faint("  ").text(contents.join(", ")));
    for root in done.roots.iter().take(4) {
        out.line(Line::new().faint("  root  ").id(root));
    }
    if done.audience == "members" {
        out.note(Line::new().warn("  for members: ").text("it holds what is not public; keep it among them"));
    }
    if done.lacking > 0 {
        let files = count(done.lacking, "link to a file", "links to files");
        out.note(Line::new().warn("  not whole: ").text(format!("{files} that this home does not hold")));
    }
    if done.behind > 0 {
        let behind = count(done.behind, "repository has", "repositories have");
        out.note(
            Line::new().warn("  not the newest: ").text(format!("{behind} newer commits; `moot sync` fetches them")),
        );
    }
}
