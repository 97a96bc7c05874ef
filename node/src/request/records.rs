//! Publishing, deleting, reading records.

use folkmoot_schemas::{Audience, Block, Record, records::revision::Right};

use serde::{Deserialize, Serialize};

use super::{
    Failure, Reply,
    failure::could_not,
    handle::{Answer, Outcome},
    resolve::Reading,
};
use crate::{
    publish::{self, Draft},
    store::reader::Entry,
};

/// A record in its block form (with any `rev`; publishing sets the real one).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WireDraft {
    pub rkey: Option<String>,
    pub members_only: bool,
    #[serde(with = "serde_bytes")]
    pub record: Vec<u8>,
    pub again: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PublishedInfo {
    pub uri: String,
    pub short: String,
    pub cid: String,
    pub rev: String,
    pub community: String,
    pub community_name: String,
    pub existed: bool,
    /// A node runs and has announced it (or has it queued for its peers).
    pub sent: bool,
    /// Page on our own gateway, when one runs and the record is public.
    pub url: Option<String>,
}

/// A record with what lists show. `block` are its exact bytes: `Record::open` gives the typed view.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Item {
    /// Of an answer that does not say whose it is, the short id: `did` and `device` are empty then.
    pub uri: String,
    pub short: String,
    pub cid: String,
    pub rev: String,
    pub community: String,
    pub community_name: String,
    pub did: String,
    pub author: String,
    pub device: String,
    pub audience: String,
    /// Microseconds since 1970.
    pub created: u64,
    pub updated: u64,
    pub fault: Option<String>,
    #[serde(with = "serde_bytes")]
    pub block: Vec<u8>,
    pub url: Option<String>,
    /// It is gone elsewhere; a pin keeps this last version here.
    pub kept: bool,
    /// Of an event: who changed it besides its author since its newest version, the last one first.
    #[serde(default)]
    pub revised: Vec<RevisedInfo>,
    /// The record as it is to be shown, where that is not what `block` says.
    #[serde(default, with = "serde_bytes")]
    pub shown: Option<Vec<u8>>,
    /// What this home's person may change of it. None: nothing.
    #[serde(default)]
    pub may: Option<May>,
}

impl Item {
    /// The bytes of the record as it is to be shown.
    pub fn record(&self) -> &[u8] {
        self.shown.as_ref().unwrap_or(&self.block)
    }

    /// CID of the version that is shown: what an answer to an event has seen.
    pub fn shown_cid(&self) -> &str {
        self.revised.first().map_or(&self.cid, |last| &last.cid)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum May {
    /// It is theirs.
    Edit,
    /// By a revision of their own.
    Revise(Right),
}

/// A change by somebody who is not the author.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RevisedInfo {
    pub uri: String,
    pub cid: String,
    pub rev: String,
    pub did: String,
    pub name: String,
    pub right: Right,
    /// Microseconds since 1970.
    pub at: u64,
}

/// Items in one answer.
pub(super) const MOST: usize = 500;
/// Bytes of records in one answer: it has to fit a control frame with what surrounds them.
pub(super) const BUDGET: usize = 4 * 1024 * 1024;

impl Reading<'_> {
    pub(super) fn publish(&self, community: Option<&str>, drafts: Vec<WireDraft>) -> Answer {
        let community = self.community(community)?;
        let drafts = drafts.into_iter().map(draft).collect::<Result<Vec<_>, _>>()?;
        let what = match drafts.as_slice() {
            [one] => format!("publish the {}", one.record.card().kind),
            many => format!("publish {} records", many.len()),
        };
        let desk = &self.desk;
        let published =
            publish::publish(desk.store, desk.me, desk.clock, &community.id, drafts).map_err(could_not(&what))?;
        let infos = published.items.iter().map(|item| PublishedInfo {
            uri: item.uri.to_string(),
            short: item.uri.short_id(),
            cid: item.cid.to_string(),
            rev: item.rev.to_string(),
            community: community.id.to_string(),
            community_name: community.name.clone(),
            existed: item.existed,
            sent: self.sent(),
            url: self.url(&item.uri, item.audience),
        });
        Ok(Outcome::publishing(Reply::Published(infos.collect()), community.id, published))
    }

    /// Somebody is there to be told.
    fn sent(&self) -> bool {
        !self.desk.live.peers.is_empty()
    }

    pub(super) fn delete(&self, target: &str, community: Option<&str>) -> Answer {
        let uri = match self.lookup(target, community)? {
            Ok(entry) => entry.uri,
            Err(gone) => gone,
        };
        let desk = &self.desk;
        let published = publish::delete(desk.store, desk.me, desk.clock, &uri).map_err(could_not("delete it"))?;
        let reply = Reply::Deleted { uri: uri.to_string(), sent: self.sent() };
        Ok(Outcome::publishing(reply, uri.community, published))
    }

    pub(super) fn add_file(&self, bytes: Vec<u8>) -> Answer {
        let file = Block::raw(bytes);
        self.desk.store.put_blob(&file, self.desk.clock.micros())?;
        Ok(Reply::FileAdded(*file.cid()).into())
    }

    pub(super) fn get(&self, target: &str, community: Option<&str>) -> Answer {
        let entry = self.record(target, community)?;
        // Of others, what may be shown is.
        if matches!(entry.record, Record::Admission(_)) {
            self.unveiled(&entry.uri, &entry.record)?;
        }
        Ok(Reply::Item(self.item(&entry)?).into())
    }

    pub(super) fn list(
        &self,
        community: Option<&str>,
        collection: &str,
        before: Option<(u64, String)>,
        limit: u32,
    ) -> Answer {
        let limit = (limit as usize).min(MOST);
        let before = before.as_ref().map(|(created, short)| (*created, short.as_str()));
        let mut entries = Vec::new();
        for community in self.one_or_all(community)? {
            entries.extend(self.view.list(&community.id, collection, before, limit)?);
        }
        entries.sort_by_cached_key(Entry::order);
        entries.truncate(limit);
        Ok(Reply::Items(self.items(&entries)?).into())
    }

    pub(super) fn about(&self, target: &str, community: Option<&str>, collection: &str) -> Answer {
        let (Ok(uri) | Err(uri)) = self.lookup(target, community)?.map(|entry| entry.uri);
        let mut entries = self.view.about(&uri, collection)?;
        entries.truncate(MOST);
        Ok(Reply::Items(self.items(&entries)?).into())
    }

    /// As many as fit one answer; lists are continued by `before`.
    fn items(&self, entries: &[Entry]) -> Result<Vec<Item>, Failure> {
        let mut bytes = 0;
        let mut items = Vec::new();
        for entry in entries {
            bytes += entry.bytes();
            if bytes > BUDGET && !items.is_empty() {
                break;
            }
            items.push(self.item(entry)?);
        }
        Ok(items)
    }
}

fn draft(draft: WireDraft) -> Result<Draft, Failure> {
    let (_, _, record) =
        Record::open(&draft.record).map_err(|why| Failure::refused("this is not a record").because(why.to_string()))?;
    let audience = draft.members_only.then_some(Audience::Members);
    Ok(Draft { audience, rkey: draft.rkey, record, again: draft.again })
}
