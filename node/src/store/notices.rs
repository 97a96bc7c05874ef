//! What the person is to be told: facts about their own writing that would otherwise pass in silence. Stored as facts;
//! the words are found when they are shown. Never leaves this machine.

use std::borrow::Cow;

use folkmoot_schemas::{Audience, Cid, Did, Record, Tid, Uri, block::Block, commit::Commit, difference};
use redb::ReadableTable;
use serde::{Deserialize, Serialize};

use super::{
    Store, StoreError,
    advance::{Put, Source, Step},
    index,
    intern::{Name, Numbers},
    repos::{Leaf, Repo, Repos},
    tables::{LOWEST, Tables},
    writer::Writer,
};

/// Kept at most; the oldest give way.
const MOST: usize = 256;
/// A row's size, in bytes: two keys, two revs and a URI of the longest path.
const LONGEST: usize = 2048;

/// One version of a record, by the device that wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    pub device: Did,
    pub rev: Tid,
}

/// What happened. A kind written by a later version of the program is not shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Two devices wrote at one place without knowing of each other; the newer version counts. `deleted`: it deletes.
    Overruled { uri: Uri, lost: Version, won: Version, deleted: bool },
    /// One device deleted what another changed without knowing of that: it is there again. `deleted.rev` is that of the
    /// deletion as far as it is known, else of the device's head.
    Revived { uri: Uri, deleted: Version, won: Version },
    /// This device's repository had gone on from an older state, as after an older copy of the disk was put back. What
    /// it had written in between, up to `head`, was put back from others.
    PutBack { community: String, audience: Audience, device: Did, head: Tid, records: u32, removed: u32 },
}

/// A fact, and when it was noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Microseconds since 1970 by this machine's clock; no two have the same.
    pub at: u64,
    pub what: What,
}

impl Store {
    /// Oldest first.
    pub fn notices(&self) -> Result<Vec<Notice>, StoreError> {
        let (t, _, _open) = self.reading()?;
        told(&*t)
    }

    /// Notes a fact, once.
    pub fn put_notice(&self, what: What, now: u64) -> Result<(), StoreError> {
        self.write(|w| w.tell(what, now))
    }

    /// The person knows. `until`: the time of the newest notice they were shown.
    pub fn dismiss_notices(&self, until: u64) -> Result<(), StoreError> {
        self.write(|w| {
            let before = told(&w.t)?.len();
            w.t.notices.retain_in(..=until, |_, _| false)?;
            w.dirty |= before > 0;
            Ok(())
        })
    }
}

/// did of this home's device, as text.
pub(super) const DEVICE: &str = "device";

fn told(t: &impl Tables) -> Result<Vec<Notice>, StoreError> {
    let mut told = Vec::new();
    for row in t.notices().iter()? {
        let (at, bytes) = row?;
        if let Ok((_, what)) = Block::decode::<What>(bytes.value().to_vec(), LONGEST) {
            told.push(Notice { at: at.value(), what });
        }
    }
    Ok(told)
}

impl Writer<'_> {
    pub(super) fn notices(&self) -> Result<Vec<Notice>, StoreError> {
        told(&self.t)
    }

    pub(super) fn deletes(&self, put: &Put) -> Result<bool, StoreError> {
        Ok(is_grave(&*self.record_of(put)?))
    }

    fn record_of<'p>(&self, put: &'p Put) -> Result<Cow<'p, Record>, StoreError> {
        Ok(match &put.source {
            Source::New(_, record) => Cow::Borrowed(record),
            Source::Stored(seq) => Cow::Owned(self.record(*seq, put.cid)?),
        })
    }

    pub(super) fn meta_did(&self, name: &str) -> Result<Option<Did>, StoreError> {
        Ok(self.t.meta.get(name)?.and_then(|row| std::str::from_utf8(row.value()).ok()?.parse().ok()))
    }

    pub(super) fn tell(&mut self, what: What, now: u64) -> Result<(), StoreError> {
        let what = self.joined(what)?;
        let told = told(&self.t)?;
        if told.iter().any(|notice| notice.what == what) {
            return Ok(());
        }
        tracing::info!(?what, "the person is to be told");
        let newest = told.last().map_or(0, |notice| notice.at);
        self.t.notices.insert(now.max(newest + 1), Block::encode(&what)?.bytes().as_ref())?;
        if let Some(oldest) = told.first().filter(|_| told.len() >= MOST) {
            self.t.notices.remove(oldest.at)?;
        }
        self.dirty = true;
        Ok(())
    }

    /// Before `step` is made in a repository of another device of this home's person: where it and this device wrote
    /// without knowing of each other.
    pub(super) fn compare_devices(&mut self, repo: &Repo, step: &Step) -> Result<(), StoreError> {
        let (Some(me), Some(device)) = (self.meta_did("me")?, self.meta_did(DEVICE)?) else { return Ok(()) };
        if step.own || self.t.number(Name::Key(&me))? != Some(repo.did) {
            return Ok(());
        }
        let repos = self.t.repos_of(repo.community, Some(repo.did))?;
        let Some(number) = self.t.number(Name::Key(&device))?.filter(|number| *number != repo.device) else {
            return Ok(());
        };
        let Some(own) = repos.iter().find(|own| own.device == number && own.audience == repo.audience) else {
            return Ok(());
        };
        let community = self.t.community_of(repo.community)?;
        let prefix = index::prefix(&community, &me);
        let other = self.t.key_of(repo.device)?;
        let seen = Commit::view(&step.commit)?.seen.get(&device).map_or(0, |rev| rev.as_u64());
        let mut removed = None;
        for put in &step.puts {
            let Some((collection, rkey)) = put.path.split_once('/') else { continue };
            let theirs = Leaf { seq: 0, rev: put.rev, cid: put.cid };
            let uri = || -> Result<Uri, StoreError> { Ok(format!("{prefix}{}", put.path).parse()?) };
            let won = |leaf: &Leaf, device: Did| Version { device, rev: leaf.rev };
            let Some(ours) = self.t.leaf_at(own.number, &put.path)? else {
                // Deleted here, with no version left anywhere, and not to the other's knowledge.
                if self.deletes(put)? || self.lives(&repos, &put.path)? {
                    continue;
                }
                let removed = match &removed {
                    Some(removed) => removed,
                    None => removed.insert(self.removed_since(own.number, seen)?),
                };
                let Some(collection) = self.t.number(Name::Collection(collection))? else { continue };
                if let Some(rev) = removed.get(&(collection, rkey.as_bytes().to_vec())) {
                    let deleted = Version { device, rev: Tid::from_u64(*rev)? };
                    self.tell(What::Revived { uri: uri()?, deleted, won: won(&theirs, other) }, step.now)?;
                }
                continue;
            };
            if ours.cid == theirs.cid || ours.rev.as_u64() <= seen {
                continue;
            }
            let (our_record, their_record) = (self.record(ours.seq, ours.cid)?, self.record_of(put)?);
            let (newer, older, newer_record, older_record) = match theirs.beats(&ours) {
                true => (won(&theirs, other), won(&ours, device), &*their_record, &our_record),
                false => (won(&ours, device), won(&theirs, other), &our_record, &*their_record),
            };
            if difference::nothing_is_missing(older_record, newer_record) {
                continue;
            }
            let what = match (is_grave(newer_record), is_grave(older_record)) {
                (true, true) => continue,
                (false, true) => What::Revived { uri: uri()?, deleted: older, won: newer },
                (deleted, false) => What::Overruled { uri: uri()?, lost: older, won: newer, deleted },
            };
            self.tell(what, step.now)?;
        }
        Ok(())
    }

    /// Is this the repository of this home's own device?
    pub(super) fn is_own(&self, repo: &Repo) -> Result<bool, StoreError> {
        match self.meta_did(DEVICE)? {
            Some(device) => Ok(self.t.number(Name::Key(&device))? == Some(repo.device)),
            None => Ok(false),
        }
    }

    /// What is put back of one head may come in several parts, and is told once.
    fn joined(&mut self, what: What) -> Result<What, StoreError> {
        let What::PutBack { community, audience, device, head, records, removed } = what else { return Ok(what) };
        let (mut records, mut removed) = (records, removed);
        for notice in told(&self.t)? {
            if let What::PutBack { community: c, audience: a, device: d, head: h, records: r, removed: n } = notice.what
                && (&c, a, d, h) == (&community, audience, device, head)
            {
                self.t.notices.remove(notice.at)?;
                (records, removed) = (records + r, removed + n);
            }
        }
        Ok(What::PutBack { community, audience, device, head, records, removed })
    }

    fn record(&self, seq: u64, cid: Cid) -> Result<Record, StoreError> {
        use super::blocks::Blocks;
        Ok(Record::view(&self.t.block_named(seq, cid)?)?.1)
    }

    /// Some device has a record there.
    pub(super) fn lives(&self, repos: &[Repo], path: &str) -> Result<bool, StoreError> {
        for repo in repos {
            if let Some(leaf) = self.t.leaf_at(repo.number, path)?
                && !is_grave(&self.record(leaf.seq, leaf.cid)?)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Paths that commits after `rev` touched and that are not there now, with the newest of these commits.
    fn removed_since(&self, repo: u32, rev: u64) -> Result<std::collections::HashMap<(u32, Vec<u8>), u64>, StoreError> {
        let mut removed = std::collections::HashMap::new();
        for row in self.t.changes.range((repo, rev.saturating_add(1), 0, LOWEST)..(repo + 1, 0, 0, LOWEST))? {
            let (key, _) = row?;
            let (_, rev, collection, rkey) = key.value();
            if self.t.leaves.get((repo, collection, rkey))?.is_none() {
                removed.insert((collection, rkey.to_vec()), rev);
            }
        }
        Ok(removed)
    }
}

pub(super) fn is_grave(record: &Record) -> bool {
    matches!(record, Record::Tombstone(_))
}
