//! `moot verify`: is it true, and who says so? A file, a page's proof, and a record of this home are judged by the same
//! code from the bytes alone; what this home knows besides (a newer version, a newer roster) is said after that.

use std::path::Path;

use folkmoot_node::{
    archive::{self, Archive, Author, Right, Verified},
    home::{Home, HomeError},
    request::{Item, Reply, Request},
};
use folkmoot_schemas::{Audience, Cid, Did};
use serde_json::{Value, json};

use super::import::{damaged, in_words, missing, strangers, unread};
use crate::{
    error::{Error, Result},
    fetch,
    output::{Line, count},
    record::rfc3339,
    session::{Session, answer},
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  moot verify uyv3m2bq4kzjxw5a\n  moot verify https://moot.example.org/e/uyv3m2bq4kzjxw5a\n  moot verify river-street.car\n\nA page is not believed: the proof it offers is fetched and checked here. Files and pages need no home of yours; where there is one, it is asked whether it knows something newer. The exit code is 1 where anything does not hold."
)]
pub(crate) struct Args {
    /// A record of this home (short id, title, URI, CID), the address of a page, or an archive (.car)
    target: String,
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let target = args.target.trim();
    let mut progress = session.out.progress();
    let mut tell = |step| progress.say(|| in_words(step));
    let is_page = target.starts_with("http://") || target.starts_with("https://");
    let page = is_page.then(|| fetch::Page::of(target)).transpose()?;
    let archive = if let Some(page) = &page {
        Archive::in_memory(fetch::proof(page)?)
    } else if is_file(target) {
        Archive::open(Path::new(target), &mut tell)
    } else {
        if matches!(Home::open(&session.dir), Err(HomeError::Absent(_))) {
            return Err(Error::refused(format!("could not verify {target}: there is no such file"))
                .because(format!("nor a home at {} that could know a record of that name", session.dir.display()))
                .hint("give the path of an archive, or the address of a page; both need no home"));
        }
        let request = Request::Proof { target: target.to_owned(), community: session.community.clone() };
        Archive::in_memory(answer!(session.ask(&request)?, Reply::Proof(proof) => proof)?.car)
    };
    let mut verified =
        archive.and_then(|archive| archive::verify(archive, &mut tell)).map_err(|why| unread(target, &why))?;
    drop(progress);
    let other = page.and_then(|page| page.contradicts(&verified));
    verified.wrong.extend(other.map(|why| ("the page".to_owned(), why)));
    let known = Known::of(session, &verified);
    let holds = verified.holds() && known.contradicts.is_none();
    session.out.object(&as_json(&verified, &known, holds));
    if !holds {
        return Err(refusal(target, &verified, &known));
    }
    match &verified.claim {
        Some(_) => say_claim(session, &verified, &known),
        None => say_whole(session, &verified, &known),
    }
    // What is shown of an event is its author's record and these: each is proven like it, by itself.
    for revised in known.item.iter().flat_map(|item| &item.revised) {
        let by = format!("changed since by {}, {}: ", revised.name, revised.right.word());
        session.out.line(Line::new().text(by).strong(&revised.cid));
        run(Args { target: revised.uri.clone() }, session)?;
    }
    if !verified.strangers.is_empty() {
        let blocks = count(verified.strangers.total, "block is", "blocks are");
        session.out.note(Line::new().faint(format!("{blocks} part of nothing it says")));
    }
    Ok(())
}

/// There, or written as only a file is: no id, title or URI of a record ends or begins so.
fn is_file(target: &str) -> bool {
    let written = target.ends_with(".car") || ["/", "./", "../", "~/"].iter().any(|start| target.starts_with(start));
    written || Path::new(target).is_file()
}

/// What this home adds to what an archive says.
#[derive(Debug, Default)]
struct Known {
    /// The version held here.
    item: Option<Item>,
    /// The author's role by the roster held here.
    role: Option<String>,
    /// The roster held here says otherwise.
    contradicts: Option<String>,
}

impl Known {
    /// A home that is not there, or does not know the community, adds nothing.
    fn of(session: &Session, verified: &Verified) -> Self {
        let mut known = Self::default();
        let Some(claim) = verified.claim.as_ref().filter(|_| session.home().is_ok()) else { return known };
        let community = Some(claim.author.community.to_string());
        let target = claim.uri.to_string();
        if let Ok(Reply::Item(item)) = session.ask(&Request::Get { target, community: community.clone() }) {
            known.item = Some(item);
        }
        // What stands here was judged when it came.
        let stands = known.item.as_ref().is_some_and(|item| item.cid == claim.cid.to_string() && !item.kept);
        if let Ok(Reply::Members(members)) = session.ask(&Request::Members { community }) {
            let did = claim.author.did.to_string();
            match members.into_iter().find(|member| member.did == did) {
                Some(member) if member.out.is_none() => {
                    if !stands && !member.device_keys.contains(&claim.author.device.to_string()) {
                        known.contradicts =
                            Some("the device that signed it is none of its author's, as this home knows them".into());
                    }
                    known.role = Some(member.role);
                }
                // Who left since is judged by the roster in the archive alone.
                _ if stands || claim.author.right == Right::Former => {}
                Some(_) => known.contradicts = Some("its author is a member no more, by the roster here".into()),
                None => known.contradicts = Some("its author is no member, by the roster this home holds".into()),
            }
        }
        known
    }

    fn is_newest(&self, cid: &Cid) -> Option<bool> {
        self.item.as_ref().map(|item| item.cid == cid.to_string())
    }
}

fn refusal(target: &str, verified: &Verified, known: &Known) -> Error {
    let mut said = Error::refused(format!("could not verify {target}: it does not hold"));
    for damage in verified.damaged.shown.iter().take(LISTED) {
        let block = damage.cid.map(|cid| format!(" (block {cid})")).unwrap_or_default();
        said = said.because(format!("damaged at byte {}: {}{block}", damage.offset, damage.why));
    }
    for (what, why) in verified.wrong.shown.iter().take(LISTED) {
        said = said.because(format!("{what}: {why}"));
    }
    for missing in verified.missing.shown.iter().take(LISTED) {
        said = said.because(format!("missing: {} {}", missing.what, missing.cid));
    }
    let all = verified.damaged.total + verified.wrong.total + verified.missing.total;
    if all > 3 * LISTED as u64 {
        said = said.because(format!("{all} faults in all; --json lists more"));
    }
    said = known.contradicts.iter().fold(said, |said, why| said.because(why));
    said.hint("do not trust it; ask its author, or fetch it again from somebody else")
}

/// Faults of one sort that a person is shown.
const LISTED: usize = 6;

fn say_claim(session: &Session, verified: &Verified, known: &Known) {
    let (out, Some(claim)) = (&session.out, &verified.claim) else { return };
    let card = claim.record.card();
    // The words of an answer are a note to the hosts.
    let text = card.text.filter(|_| claim.record.as_rsvp().is_none());
    let title = card.title.or(card.summary).or(text).unwrap_or_default();
    let title: String = title.lines().next().unwrap_or_default().chars().take(60).collect();
    let author = &claim.author;
    let name = known.item.as_ref().map(|item| item.author.clone()).or_else(|| author.name.clone());
    let name = name.unwrap_or_else(|| author.did.short());
    let head = Line::new().strong("true: ").text(format!("{} ", card.kind));
    let head = if title.is_empty() { head } else { head.strong(title).text(" ") };
    out.line(head.text("by ").strong(name));
    let fact = |label: &str| Line::new().faint(format!("  {label:<9}"));
    out.line(fact("signed").text(when(author.signed.micros())).faint(", as its device says"));
    out.line(fact("by").id(author.did.to_string()));
    out.line(fact("device").text(&author.device_name).text(" ").id(author.device.to_string()));
    out.line(fact("in").text(community(author)).faint(format!("  {}", author.community)));
    out.line(fact("right").text(right(author, known.role.as_deref())));
    out.line(fact("version").text(match (known.is_newest(&claim.cid), &known.item) {
        (Some(true), Some(item)) if item.kept => {
            "the last one known here; it is gone, and your pin keeps it".to_owned()
        }
        (Some(true), _) => "the newest known here".to_owned(),
        (Some(false), Some(item)) if item.rev > claim.rev.to_string() => {
            format!("there is a newer one here: {} of {}", item.cid, rev(&item.rev))
        }
        (Some(false), _) => "newer than what this home holds".to_owned(),
        (None, _) => "not compared: no version of it is held here".to_owned(),
    }));
    out.line(fact("proof").text(format!(
        "commit {}, {}, record {}",
        author.commit,
        count(claim.nodes, "tree node", "tree nodes"),
        claim.cid
    )));
    out.line(fact("uri").id(claim.uri.to_string()));
    if verified.files_missing > 0 {
        let files = count(verified.files_missing, "file", "files");
        out.note(Line::new().faint(format!("{files} it names by hash are not in the proof")));
    }
}

fn say_whole(session: &Session, verified: &Verified, known: &Known) {
    let out = &session.out;
    let records: u64 = verified.checked.iter().map(|checked| checked.records).sum();
    let mut people: Vec<Did> = verified.checked.iter().map(|checked| checked.author.did).collect();
    people.sort();
    people.dedup();
    out.line(
        Line::new()
            .strong("true: ")
            .text(count(verified.checked.len() as u64, "repository", "repositories"))
            .text(" of ")
            .text(count(people.len() as u64, "person", "people"))
            .text(", ")
            .text(count(records, "record", "records"))
            .faint(format!(", {}", count(verified.blocks, "block", "blocks"))),
    );
    for checked in &verified.checked {
        let author = &checked.author;
        out.line(
            Line::new()
                .text("  ")
                .strong(author.name.as_deref().unwrap_or_default())
                .text(if author.name.is_some() { " " } else { "" })
                .id(author.did.short())
                .text(format!(" on {} in {}: ", author.device_name, community(author)))
                .text(count(checked.records, "record", "records"))
                .text(format!(", signed {}, ", when(author.signed.micros())))
                .faint(right(author, known.role.as_deref())),
        );
    }
}

fn community(author: &Author) -> String {
    let name = author.community_name.as_deref().unwrap_or("a community whose charter is not in the archive");
    match author.audience {
        Audience::Public => format!("{name}, public"),
        Audience::Members => format!("{name}, for members"),
    }
}

fn right(author: &Author, here: Option<&str>) -> String {
    match (author.right, here) {
        (Right::Member(role), Some(here)) if role.as_str() == here => {
            format!("{here} at present, by the archive's roster and ours")
        }
        (Right::Member(role), Some(here)) => {
            format!("{here} at present, by the roster here; {} by the archive's", role.as_str())
        }
        (Right::Member(role), None) => format!("{} at present, by the roster in the archive", role.as_str()),
        (Right::Former, _) => "was a member when it was signed, and is none any more".to_owned(),
        (Right::Unchecked, Some(here)) => format!("{here} at present, by the roster here; the archive lacks it"),
        (Right::Unchecked, None) => {
            "not checked: the archive lacks the roster, and this home does not know it".to_owned()
        }
    }
}

/// As JSON names it. What was not checked is null.
fn role_of(right: Right) -> Option<&'static str> {
    match right {
        Right::Member(role) => Some(role.as_str()),
        Right::Former => Some("former"),
        Right::Unchecked => None,
    }
}

/// "2026-11-24 19:03 UTC"
fn when(micros: u64) -> String {
    match rfc3339(micros) {
        Some(text) => text.get(..16).map_or(text.clone(), |text| format!("{} UTC", text.replace('T', " "))),
        None => "at no time a calendar knows".to_owned(),
    }
}

fn rev(text: &str) -> String {
    text.parse::<folkmoot_schemas::Tid>().map_or_else(|_| text.to_owned(), |rev| when(rev.micros()))
}

fn as_json(verified: &Verified, known: &Known, holds: bool) -> Value {
    let author = |author: &Author| {
        json!({
            "did": author.did.to_string(),
            "name": author.name,
            "device": author.device.to_string(),
            "device_name": author.device_name,
            "community": author.community.to_string(),
            "community_name": author.community_name,
            "audience": author.audience.to_string(),
            "role": role_of(author.right),
            "signed": rfc3339(author.signed.micros()),
            "commit": author.commit.to_string(),
        })
    };
    let mut value = json!({
        "holds": holds,
        "blocks": verified.blocks,
        "bytes": verified.bytes,
        "damaged": damaged(&verified.damaged),
        "missing": missing(&verified.missing),
        "wrong": verified.wrong.shown.iter().map(|(what, why)| json!({"what": what, "why": why})).collect::<Vec<_>>(),
        "strangers": strangers(&verified.strangers),
        "files_missing": verified.files_missing,
        "role_here": known.role,
        "contradicts": known.contradicts,
    });
    if let Some(claim) = &verified.claim {
        value["author"] = author(&claim.author);
        value["uri"] = json!(claim.uri.to_string());
        value["cid"] = json!(claim.cid.to_string());
        value["rev"] = json!(claim.rev.to_string());
        value["kind"] = json!(claim.record.name());
        value["nodes"] = json!(claim.nodes);
        value["newest"] = json!(known.is_newest(&claim.cid));
    } else {
        let one = |checked: &archive::Checked| json!({"author": author(&checked.author), "records": checked.records});
        value["repositories"] = verified.checked.iter().map(one).collect();
    }
    value
}
