//! Older versions of records, each with its proof: the commit, the nodes from its root to the record, the record, as one
//! small archive. Kept for `moot history`, for a while, by whoever saw a version replaced; served to nobody, and gone with
//! the record.

use folkmoot_schemas::{Audience, Cid, Did, Record, Tid, Uri, block::Block, car, commit::Commit, mst};
use redb::ReadableTable;
use serde::{Deserialize, Serialize};

use super::{
    Store, StoreError, View,
    advance::{BULK, Step},
    blocks::Blocks,
    index,
    intern::{Name, Numbers},
    notices::{What, is_grave},
    people::People,
    repos::{Repo, Repos},
    tables::{LOWEST, Tables},
    trees::Trees,
    writer::Writer,
};

/// Of one record.
const MOST: usize = 32;
/// 90 days, in microseconds of this machine's clock.
const KEPT: u64 = 90 * 86_400 * 1_000_000;
/// A commit, the nodes of the deepest tree, a record, and what is around them, in bytes.
const LONGEST: usize = 4 * 1024 * 1024;
/// Versions that one transaction lets go of.
const BATCH: usize = 256;

/// As stored: its key in `versions`, when it was put away, and the archive.
#[derive(Serialize, Deserialize)]
struct Kept {
    community: u32,
    did: u32,
    collection: u32,
    #[serde(with = "serde_bytes")]
    rkey: Vec<u8>,
    rev: Tid,
    at: u64,
    #[serde(with = "serde_bytes")]
    car: Vec<u8>,
}

/// An older version, checked as it was read.
#[derive(Debug, Clone)]
pub struct OldVersion {
    pub rev: Tid,
    pub cid: Cid,
    pub device: Did,
    pub audience: Audience,
    /// The commit that signs for it.
    pub commit: Cid,
    pub block: Block,
}

impl Store {
    /// Lets go of what is kept for a time only and is over by `now` (microseconds): older versions, lost heads.
    pub fn expire_kept(&self, now: u64) -> Result<(), StoreError> {
        while self.write(|w| w.expire_versions(now))? {}
        self.write(|w| w.expire_lost(now))
    }
}

impl View {
    /// Older versions of a record that were kept here and whose proof holds, newest first.
    pub fn versions(&self, uri: &Uri) -> Result<Vec<OldVersion>, StoreError> {
        let (Some(roster), Some(did), Some(collection)) = (
            self.roster_in_scope(&uri.community),
            self.t.number(Name::Key(&uri.did))?,
            self.t.number(Name::Collection(&uri.collection))?,
        ) else {
            return Ok(Vec::new());
        };
        let key = |rev| (roster.number, did, collection, uri.rkey.as_bytes(), rev);
        let mut versions = Vec::new();
        for row in self.t.versions().range(key(0)..=key(u64::MAX))?.rev() {
            let (_, id) = row?;
            let Some(kept) = self.t.kept().get(id.value())? else { continue };
            match self.proven(uri, kept.value()) {
                Ok(version) if self.scope().sees(version.audience) => versions.push(version),
                Ok(_) => {}
                Err(why) => tracing::warn!(%uri, %why, "an older version could not be proven"),
            }
        }
        Ok(versions)
    }

    /// Signature, certificate and the way through the tree are all checked anew.
    fn proven(&self, uri: &Uri, kept: &[u8]) -> Result<OldVersion, StoreError> {
        let wrong = |why: &str| StoreError::Refused(why.to_owned());
        let (_, kept) = Block::decode::<Kept>(kept.to_vec(), LONGEST)?;
        let mut reader = car::Reader::new(kept.car.as_slice()).map_err(|why| wrong(&why.to_string()))?;
        let mut blocks = std::collections::HashMap::new();
        while let Some(block) = reader.next_block().map_err(|why| wrong(&why.to_string()))? {
            blocks.insert(*block.cid(), block);
        }
        let root = reader.roots().first().and_then(|cid| blocks.get(cid)).ok_or_else(|| wrong("no commit"))?;
        let (block, commit) = Commit::open(root.bytes())?;
        if commit.did != uri.did || commit.community != uri.community {
            return Err(wrong("the commit is of another repository"));
        }
        let newest = self.t.newest(&commit.did)?.map(|(_, identity)| identity);
        let named = self.t.identity_block(&commit.identity)?;
        let named = named.map(|block| folkmoot_schemas::identity::Identity::view(&block)).transpose()?;
        let of_person = |identity: folkmoot_schemas::identity::Identity| {
            identity.did == commit.did && identity.certifies(&commit.device)
        };
        if !newest.into_iter().chain(named).any(of_person) {
            return Err(wrong("its device is not known to be one of its author's"));
        }
        let cid = mst::find(&commit.data, &uri.path(), |cid| blocks.get(cid).cloned())?;
        let record = cid.and_then(|cid| blocks.get(&cid)).ok_or_else(|| wrong("the commit does not hold it"))?;
        let (rev, _) = Record::view(record)?;
        Ok(OldVersion {
            rev,
            cid: *record.cid(),
            device: commit.device,
            audience: commit.audience,
            commit: *block.cid(),
            block: record.clone(),
        })
    }
}

impl Writer<'_> {
    /// Before `step` changes the tree of `repo`: puts away what it replaces, forgets what it deletes.
    pub(super) fn keep_versions(&mut self, repo: &Repo, step: &Step) -> Result<(), StoreError> {
        if repo.held.is_none() {
            return Ok(());
        }
        let is_bulk = (step.puts.len() + step.gone.len()) as u64 >= BULK;
        let mut others = self.t.repos_of(repo.community, Some(repo.did))?;
        others.retain(|other| other.number != repo.number);
        for path in &step.gone {
            // Where another device has a record, this one was overruled and not deleted.
            match self.lives(&others, path)? {
                true if is_bulk => {}
                true => self.keep_version(repo, path, step.now)?,
                false => self.forget_versions(repo, path)?,
            }
        }
        for put in &step.puts {
            let Some(leaf) = self.t.leaf_at(repo.number, &put.path)?.filter(|leaf| leaf.cid != put.cid) else {
                continue;
            };
            if self.deletes(put)? {
                self.forget_versions(repo, &put.path)?;
            } else if !is_bulk && leaf.rev < put.rev {
                self.keep_version(repo, &put.path, step.now)?;
            }
        }
        Ok(())
    }

    /// Puts away the version that stands at `path` in the held tree.
    pub(super) fn keep_version(&mut self, repo: &Repo, path: &str, now: u64) -> Result<(), StoreError> {
        let (Some(held), Some((collection, rkey))) = (repo.held, path.split_once('/')) else { return Ok(()) };
        let Some(collection) = self.t.number(Name::Collection(collection))? else { return Ok(()) };
        let Some(leaf) = self.t.leaf(repo.number, collection, rkey)? else { return Ok(()) };
        let rev = leaf.rev.as_u64();
        let key = (repo.community, repo.did, collection, rkey.as_bytes(), rev);
        let record = self.t.block_named(leaf.seq, leaf.cid)?;
        if self.t.versions.get(key)?.is_some() || is_grave(&Record::view(&record)?.1) {
            return Ok(());
        }
        let commit = self.t.block_named(held.commit, held.head.cid)?;
        let mut blocks = vec![commit.clone()];
        for cid in self.t.way(repo.number, &commit, path)? {
            blocks.push(self.t.node(repo.number, &cid)?);
        }
        blocks.push(record);
        let kept = Kept {
            community: repo.community,
            did: repo.did,
            collection,
            rkey: rkey.as_bytes().to_vec(),
            rev: leaf.rev,
            at: now,
            car: car::to_vec(&[*commit.cid()], &blocks),
        };
        let id = self.t.counters.get("versions")?.map_or(0, |n| n.value()) + 1;
        self.t.counters.insert("versions", id)?;
        self.t.kept.insert(id, Block::encode(&kept)?.bytes().as_ref())?;
        self.t.versions.insert(key, id)?;
        let all = self.versions_at(repo, collection, rkey)?;
        for (rev, id) in all.iter().take(all.len().saturating_sub(MOST)) {
            self.t.versions.remove((repo.community, repo.did, collection, rkey.as_bytes(), *rev))?;
            self.t.kept.remove(id)?;
        }
        self.dirty = true;
        Ok(())
    }

    /// Revs and numbers of what was put away of a record, oldest first.
    fn versions_at(&self, repo: &Repo, collection: u32, rkey: &str) -> Result<Vec<(u64, u64)>, StoreError> {
        let key = |rev| (repo.community, repo.did, collection, rkey.as_bytes(), rev);
        let rows = self.t.versions.range(key(0)..=key(u64::MAX))?;
        rows.map(|row| row.map(|(key, id)| (key.value().4, id.value())).map_err(StoreError::from)).collect()
    }

    /// The record is gone. What its author wrote and a deletion did not know of stays with them.
    fn forget_versions(&mut self, repo: &Repo, path: &str) -> Result<(), StoreError> {
        let Some((collection, rkey)) = path.split_once('/') else { return Ok(()) };
        let Some(collection) = self.t.number(Name::Collection(collection))? else { return Ok(()) };
        let all = self.versions_at(repo, collection, rkey)?;
        if all.is_empty() {
            return Ok(());
        }
        let community = self.t.community_of(repo.community)?;
        let uri = format!("{}{path}", index::prefix(&community, &self.t.key_of(repo.did)?));
        let mut told = Vec::new();
        for notice in self.notices()? {
            if let What::Overruled { uri: of, lost, .. } = notice.what
                && of.to_string() == uri
            {
                told.push(lost.rev.as_u64());
            }
        }
        for (rev, id) in all.into_iter().filter(|(rev, _)| !told.contains(rev)) {
            self.t.versions.remove((repo.community, repo.did, collection, rkey.as_bytes(), rev))?;
            self.t.kept.remove(id)?;
            self.dirty = true;
        }
        Ok(())
    }

    /// A repository goes whole: so do the older versions of what no other device of the person has.
    pub(super) fn drop_versions(&mut self, repo: &Repo, paths: &[String]) -> Result<(), StoreError> {
        let (from, to) = ((repo.community, repo.did, 0, LOWEST, 0), (repo.community, repo.did + 1, 0, LOWEST, 0));
        if self.t.versions.range(from..to)?.next().is_none() {
            return Ok(());
        }
        let mut others = self.t.repos_of(repo.community, Some(repo.did))?;
        others.retain(|other| other.number != repo.number);
        for path in paths {
            if !self.lives(&others, path)? {
                self.forget_versions(repo, path)?;
            }
        }
        Ok(())
    }

    /// True: there may be more.
    fn expire_versions(&mut self, now: u64) -> Result<bool, StoreError> {
        let mut over = Vec::new();
        for row in self.t.kept.iter()? {
            let (id, bytes) = row?;
            let (_, kept) = Block::decode::<Kept>(bytes.value().to_vec(), LONGEST)?;
            // They are numbered as they were put away.
            if kept.at.saturating_add(KEPT) > now || over.len() == BATCH {
                break;
            }
            over.push((id.value(), kept));
        }
        for (id, kept) in &over {
            self.t.kept.remove(id)?;
            let Kept { community, did, collection, rkey, rev, .. } = kept;
            self.t.versions.remove((*community, *did, *collection, rkey.as_slice(), rev.as_u64()))?;
            self.dirty = true;
        }
        Ok(over.len() == BATCH)
    }
}
