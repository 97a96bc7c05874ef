//! Records on their way in and out: drafts for the node, and what it answered, as typed views and as JSON.

use folkmoot_node::request::{Item, PublishedInfo, Reply, Request, WireDraft};
use folkmoot_schemas::{Block, Record, Tid, block::parse_cid};
use ipld_core::ipld::Ipld;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    error::{Error, Result},
    output::Line,
    session::{Session, answer},
};

/// A record and where it stands.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) item: Item,
    pub(crate) record: Record,
}

/// Fetches what `target` names and opens it.
pub(crate) fn find(session: &Session, target: &str) -> Result<Found> {
    let request = Request::Get { target: target.to_owned(), community: session.community.clone() };
    let item = answer!(session.ask(&request)?, Reply::Item(item) => item)?;
    let record = open(&item)?;
    Ok(Found { item, record })
}

/// The same, and refused unless we wrote it: an edit would otherwise become a copy under our own name.
pub(crate) fn find_own(session: &Session, target: &str, act: &str) -> Result<Found> {
    let found = find(session, target)?;
    let me = answer!(session.ask(&Request::Whoami)?, Reply::Whoami(me) => me)?;
    if found.item.did != me.did {
        return Err(Error::refused(format!("could not {act}: it was written by {}", found.item.author))
            .because(&found.item.uri)
            .hint("only its author can change it; you can answer it with moot reply"));
    }
    Ok(found)
}

pub(crate) fn open(item: &Item) -> Result<Record> {
    let (_, _, record) = Record::open(item.record())
        .map_err(|error| Error::refused(format!("could not read {}: {error}", item.short)).because(&item.uri))?;
    Ok(record)
}

/// Checks `record` and makes it ready to send; `noun` is for the error.
pub(crate) fn draft(noun: &str, record: impl Into<Record>) -> Result<WireDraft> {
    let record = record.into();
    let failed = |why: String| Error::refused(format!("could not publish the {noun}: {why}"));
    record.check().map_err(|fault| {
        failed(fault.to_string()).hint("change that and run the command again; nothing was published")
    })?;
    // Publishing sets the real rev.
    let block = Tid::from_u64(0).and_then(|rev| record.encode(rev)).map_err(|error| failed(error.to_string()))?;
    if block.bytes().len() > record.limit() {
        return Err(failed(format!("it is {} bytes long, {} are allowed", block.bytes().len(), record.limit()))
            .hint("shorten it; `moot limits` lists every limit"));
    }
    Ok(WireDraft { rkey: None, members_only: false, record: block.bytes().to_vec(), again: false })
}

/// Is it within the bytes that a record of its kind may have?
pub(crate) fn fits(record: impl Into<Record>) -> bool {
    let record = record.into();
    let block = Tid::from_u64(0).and_then(|rev| record.encode(rev));
    block.is_ok_and(|block| block.bytes().len() <= record.limit())
}

/// The next version of a record of ours, at the same place and for the same audience.
pub(crate) fn redraft(noun: &str, item: &Item, record: impl Into<Record>) -> Result<WireDraft> {
    let rkey = item.uri.rsplit('/').next().map(ToOwned::to_owned);
    Ok(WireDraft { rkey, members_only: item.audience == "members", ..draft(noun, record)? })
}

/// Bytes and drafts of one request: both it and its answer must fit a frame of the control socket.
const BATCH: (usize, usize) = (4 * 1024 * 1024, 5_000);

/// Newest first, up to `limit`, in as many requests as that takes.
pub(crate) fn list(session: &Session, community: Option<&str>, collection: &str, limit: usize) -> Result<Vec<Item>> {
    let (mut all, mut before) = (Vec::<Item>::new(), None);
    while all.len() < limit {
        let ask = u32::try_from(limit - all.len()).unwrap_or(u32::MAX);
        let community = community.map(ToOwned::to_owned);
        let request = Request::List { community, collection: collection.to_owned(), before, limit: ask };
        let items = answer!(session.ask(&request)?, Reply::Items(items) => items)?;
        let Some(last) = items.last() else { break };
        before = Some((last.created, last.short.clone()));
        all.extend(items);
    }
    all.truncate(limit);
    Ok(all)
}

/// Publishes in one commit; only what would not fit one request takes several. `community`: where, when the drafts
/// themselves say so.
pub(crate) fn publish(
    session: &Session,
    community: Option<&str>,
    drafts: Vec<WireDraft>,
) -> Result<Vec<PublishedInfo>> {
    let community = community.map(ToOwned::to_owned).or_else(|| session.community.clone());
    let all = drafts.len();
    let (mut published, mut drafts) = (Vec::with_capacity(all), drafts.into_iter().peekable());
    while drafts.peek().is_some() {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while let Some(draft) =
            drafts.next_if(|next| batch.is_empty() || (bytes + next.record.len() <= BATCH.0 && batch.len() < BATCH.1))
        {
            bytes += draft.record.len();
            batch.push(draft);
        }
        let request = Request::Publish { community: community.clone(), drafts: batch };
        let reply = session.ask(&request).map_err(|error| match published.len() {
            0 => error,
            done => error.because(format!("{done} of {all} records were published before, and stay")),
        })?;
        published.extend(answer!(reply, Reply::Published(items) => items)?);
    }
    Ok(published)
}

/// Publishes one record and says so: `verb` is e.g. "posted".
pub(crate) fn publish_one(session: &Session, community: Option<&str>, draft: WireDraft, verb: &str) -> Result<()> {
    publish_each(session, community, vec![draft], verb).map(|_| ())
}

/// The same of several, and what became of each.
pub(crate) fn publish_each(
    session: &Session,
    community: Option<&str>,
    drafts: Vec<WireDraft>,
    verb: &str,
) -> Result<Vec<PublishedInfo>> {
    let published = publish(session, community, drafts)?;
    for info in &published {
        session.out.object(info);
        session.out.line(said(session, info, verb));
    }
    Ok(published)
}

/// Says that there was nothing to publish: the newest version says all of it.
pub(crate) fn unchanged(session: &Session, item: &Item) -> Result<()> {
    let line = Line::new().strong("nothing changed").text(": ").id(&item.short).text(" says that already");
    unchanged_but(session, item, line);
    Ok(())
}

/// The same, where what changed is not for publishing: `line` says what.
pub(crate) fn unchanged_but(session: &Session, item: &Item, line: Line) {
    session.out.object(&PublishedInfo {
        uri: item.uri.clone(),
        short: item.short.clone(),
        cid: item.cid.clone(),
        rev: item.rev.clone(),
        community: item.community.clone(),
        community_name: item.community_name.clone(),
        existed: true,
        sent: false,
        url: item.url.clone(),
    });
    session.out.line(line);
}

/// "posted  abcdefghijklmnop  River Street  http://…  (not sent yet)"
pub(crate) fn said(session: &Session, info: &PublishedInfo, verb: &str) -> Line {
    let verb = if info.existed { "already there:" } else { verb };
    let line = Line::new().strong(verb).text(" ").id(&info.short).text(" in ").text(&info.community_name);
    let line = match &info.url {
        Some(url) => line.text("  ").id(url),
        None => line,
    };
    if info.sent { line } else { line.faint(session.not_sent()) }
}

/// What `--json` prints of a record: where it stands, and its fields as DAG-JSON.
pub(crate) fn as_json(item: &Item) -> Value {
    let record = parse_cid(&item.cid)
        .and_then(|cid| Block::trusted(cid, item.record().to_vec()).view::<Ipld>())
        .map_or(Value::Null, |ipld| dag_json(&ipld));
    json!({
        "uri": item.uri,
        "short": item.short,
        "cid": item.cid,
        "rev": item.rev,
        "community": item.community,
        "community_name": item.community_name,
        "did": item.did,
        "author": item.author,
        "device": item.device,
        "audience": item.audience,
        "created": rfc3339(item.created),
        "updated": rfc3339(item.updated),
        "fault": item.fault,
        "kept": item.kept,
        "url": item.url,
        "revised": item.revised.iter().map(|one| json!({
            "uri": one.uri, "cid": one.cid, "did": one.did, "name": one.name, "right": one.right, "at": rfc3339(one.at),
        })).collect::<Vec<_>>(),
        "record": record,
    })
}

/// Microseconds since 1970 in the form programs read.
pub(crate) fn rfc3339(micros: u64) -> Option<String> {
    Timestamp::from_microsecond(i64::try_from(micros).ok()?).ok().map(|t| t.to_string())
}

/// Depth is bounded by the decoder (32).
pub(crate) fn dag_json(ipld: &Ipld) -> Value {
    match ipld {
        Ipld::Null => Value::Null,
        Ipld::Bool(b) => json!(b),
        Ipld::Integer(n) => i64::try_from(*n).map_or(Value::Null, |n| json!(n)),
        Ipld::Float(f) => json!(f),
        Ipld::String(text) => json!(text),
        Ipld::Bytes(bytes) => json!({"/": {"bytes": data_encoding::BASE64_NOPAD.encode(bytes)}}),
        Ipld::List(list) => list.iter().map(dag_json).collect(),
        Ipld::Map(map) => map.iter().map(|(k, v)| (k.clone(), dag_json(v))).collect(),
        Ipld::Link(cid) => json!({"/": cid.to_string()}),
    }
}
