//! Older versions of records, each with its proof: the commit, the nodes from its root to the record, the record. Kept
//! for a while by whoever saw a version replaced, and gone with the record. No node gets them from another; they are read
//! by `moot history` and, as far as their authors still answer for them, by the page of what was changed in an event.
//! What one commit replaced is one proof (`proofs`).

use std::collections::{BTreeMap, HashSet};

use folkmoot_schemas::{Audience, Cid, Did, Record, Tid, Uri, block::Block, commit::Commit, limits, mst};
use redb::ReadableTable;

use super::{
    StoreError, View,
    advance::{BULK, Step},
    blocks::Blocks,
    index,
    intern::{Name, Numbers},
    notices::{What, is_grave},
    people::People,
    proofs::{For, ProofId, Proofs},
    repos::{Repo, Repos},
    tables::{LOWEST, Tables},
    trees::Trees,
    writer::Writer,
};

/// 90 days, in microseconds of this machine's clock.
const KEPT: u64 = 90 * 86_400 * 1_000_000;

/// An older version, checked as it was read.
#[derive(Debug, Clone)]
pub struct OldVersion {
    pub rev: Tid,
    pub cid: Cid,
    pub device: Did,
    pub audience: Audience,
    /// The commit that signs for it.
    pub commit: Cid,
    pub signed: Tid,
    /// What it says its device had seen of the person's others.
    pub seen: BTreeMap<Did, Tid>,
    pub block: Block,
}

impl View {
    /// Older versions of a record that were kept here and whose proof holds, newest first.
    pub fn versions(&self, uri: &Uri) -> Result<Vec<OldVersion>, StoreError> {
        self.newest_versions(uri, usize::MAX)
    }

    /// The newest `most` of them: proving one takes time.
    pub fn newest_versions(&self, uri: &Uri, most: usize) -> Result<Vec<OldVersion>, StoreError> {
        let mut proofs = self.proofs_of_versions(uri)?;
        proofs.truncate(most);
        self.proven(uri, proofs)
    }

    /// Of those, what its author still answers for: a member's, for this audience, from a device they have. What somebody
    /// wrote with a phone they had stolen is no word of its owner's once that device is retired.
    pub fn vouched_versions(&self, uri: &Uri, audience: Audience) -> Result<Vec<OldVersion>, StoreError> {
        let Some(answers) = self.answering(uri, audience)? else { return Ok(Vec::new()) };
        let mut proofs = Vec::new();
        for id in self.proofs_of_versions(uri)? {
            if self.claimed(id)?.is_some_and(|commit| answers(&commit)) {
                proofs.push(id);
            }
        }
        self.proven(uri, proofs)
    }

    /// Are there such, by what their commits say, whose proofs are not looked at.
    pub fn has_vouched_versions(&self, uri: &Uri, audience: Audience) -> Result<bool, StoreError> {
        let Some(answers) = self.answering(uri, audience)? else { return Ok(false) };
        for id in self.proofs_of_versions(uri)? {
            if self.claimed(id)?.is_some_and(|commit| answers(&commit)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// By whose commits an author speaks today. None: they are out, and nothing of theirs but what the cut left stands.
    fn answering(&self, uri: &Uri, audience: Audience) -> Result<Option<impl Fn(&Commit) -> bool>, StoreError> {
        let member = self.roster_in_scope(&uri.community).is_some_and(|roster| roster.state.is_member(&uri.did));
        let newest = if member { self.t.newest(&uri.did)? } else { None };
        Ok(newest.map(|(_, identity)| {
            move |commit: &Commit| commit.audience == audience && identity.certifies(&commit.device)
        }))
    }

    /// Newest first.
    fn proofs_of_versions(&self, uri: &Uri) -> Result<Vec<ProofId>, StoreError> {
        let (Some(roster), Some(person), Some(collection)) = (
            self.roster_in_scope(&uri.community),
            self.t.number(Name::Key(&uri.did))?,
            self.t.number(Name::Collection(&uri.collection))?,
        ) else {
            return Ok(Vec::new());
        };
        let key = |rev| (roster.number, person, collection, uri.rkey.as_bytes(), rev);
        let rows = self.t.older().range(key(0)..=key(u64::MAX))?.rev();
        rows.map(|row| {
            let number = row?.1.value().0;
            Ok(ProofId { community: roster.number, person, purpose: For::Versions, number })
        })
        .collect()
    }

    /// The commit of a proof, unverified.
    fn claimed(&self, id: ProofId) -> Result<Option<Commit>, StoreError> {
        let Some(proof) = self.t.proof(id)? else { return Ok(None) };
        Ok(self.t.block_in(id, &proof.head.cid)?.and_then(|block| Commit::view(&block).ok()))
    }

    fn proven(&self, uri: &Uri, proofs: Vec<ProofId>) -> Result<Vec<OldVersion>, StoreError> {
        let mut versions = Vec::new();
        for id in proofs {
            match self.version_in(uri, id) {
                Ok(version) if self.scope().sees(version.audience) => versions.push(version),
                Ok(_) => {}
                Err(why) => tracing::debug!(%uri, %why, "an older version could not be proven"),
            }
        }
        Ok(versions)
    }

    /// Bytes, signature, certificate and the way through the tree are all checked anew.
    fn version_in(&self, uri: &Uri, id: ProofId) -> Result<OldVersion, StoreError> {
        let wrong = |why: &str| StoreError::Refused(why.to_owned());
        let proof = self.t.proof(id)?.ok_or_else(|| wrong("it has no proof"))?;
        let root = self.t.block_in(id, &proof.head.cid)?.ok_or_else(|| wrong("no commit"))?;
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
        let mut failure = None;
        let node = |cid: &Cid| self.t.block_in(id, cid).map_err(|error| failure = Some(error)).ok().flatten();
        let cid = mst::find(&commit.data, &uri.path(), node);
        if let Some(error) = failure {
            return Err(error);
        }
        let record = match cid? {
            Some(cid) => self.t.block_in(id, &cid)?,
            None => None,
        };
        let record = record.ok_or_else(|| wrong("the commit does not hold it"))?;
        let (rev, _) = Record::view(&record)?;
        Ok(OldVersion {
            rev,
            cid: *record.cid(),
            device: commit.device,
            audience: commit.audience,
            commit: *block.cid(),
            signed: commit.rev,
            seen: commit.seen,
            block: record,
        })
    }
}

impl Writer<'_> {
    /// Before `step` changes the tree of `repo`: puts away what it replaces, forgets what it deletes.
    pub(super) fn keep_versions(&mut self, repo: &Repo, step: &Step) -> Result<(), StoreError> {
        if repo.tree().is_none() {
            return Ok(());
        }
        let is_bulk = (step.puts.len() + step.gone.len()) as u64 >= BULK;
        let mut others = self.t.repos_of(repo.community, Some(repo.did))?;
        others.retain(|other| other.number != repo.number);
        // Then what it replaces may bear the later date, and was not lost: a date is the author's word alone.
        let follows = Commit::view(&step.commit)?.prev == repo.tree().map(|tree| tree.head);
        let mut replaced: Vec<&str> = Vec::new();
        for path in &step.gone {
            // Where another device has a record, this one was overruled and not deleted.
            match self.lives(&others, path)? {
                true => replaced.push(path),
                false => self.forget_versions(repo, path)?,
            }
        }
        for put in &step.puts {
            let Some(leaf) = step.before.get(&put.path).filter(|leaf| leaf.cid != put.cid) else {
                continue;
            };
            if self.deletes(put)? {
                self.forget_versions(repo, &put.path)?;
            } else if leaf.rev < put.rev || follows {
                replaced.push(&put.path);
            }
        }
        if is_bulk { Ok(()) } else { self.put_versions_away(repo, &replaced, step.now) }
    }

    /// Puts away what stands at `paths` in the held tree, with one proof.
    pub(super) fn put_versions_away(&mut self, repo: &Repo, paths: &[&str], now: u64) -> Result<(), StoreError> {
        let Some(held) = repo.tree() else { return Ok(()) };
        let commit = self.t.block_named(held.commit, held.head.cid)?;
        let (mut proof, mut nodes) = (None, HashSet::new());
        for path in paths {
            let Some((collection, rkey)) = path.split_once('/') else { continue };
            let Some(collection) = self.t.number(Name::Collection(collection))? else { continue };
            let Some(leaf) = self.t.leaf(repo.number, collection, rkey)? else { continue };
            let rev = leaf.rev.as_u64();
            let key = (repo.community, repo.did, collection, rkey.as_bytes(), rev);
            if self.t.older.get(key)?.is_some() || is_grave(&Record::view(&self.t.block_named(leaf.seq, leaf.cid)?)?.1)
            {
                continue;
            }
            let id = match proof {
                Some(id) => id,
                None => self.new_proof(repo, &held, For::Versions, now.saturating_add(KEPT))?,
            };
            proof = Some(id);
            for cid in self.t.way(&commit, path)? {
                if nodes.insert(cid) {
                    self.prove(id, self.t.node_seq(&cid)?)?;
                }
            }
            self.prove(id, leaf.seq)?;
            self.t.older.insert(key, (id.number, leaf.seq))?;
            self.t.older_of.insert((id.number, collection, rkey.as_bytes(), rev), ())?;
            let all = self.versions_at(repo, collection, rkey)?;
            for rev in all.iter().take(all.len().saturating_sub(limits::VERSIONS)) {
                self.forget_version(repo, collection, rkey, *rev)?;
            }
            // It may be the oldest itself.
            if self.t.proof(id)?.is_none() {
                (proof, nodes) = (None, HashSet::new());
            }
        }
        Ok(())
    }

    /// Revs of what was put away of a record, oldest first.
    fn versions_at(&self, repo: &Repo, collection: u32, rkey: &str) -> Result<Vec<u64>, StoreError> {
        let key = |rev| (repo.community, repo.did, collection, rkey.as_bytes(), rev);
        let rows = self.t.older.range(key(0)..=key(u64::MAX))?;
        rows.map(|row| Ok(row?.0.value().4)).collect()
    }

    fn forget_version(&mut self, repo: &Repo, collection: u32, rkey: &str, rev: u64) -> Result<(), StoreError> {
        let key = (repo.community, repo.did, collection, rkey.as_bytes(), rev);
        let Some((number, seq)) = self.t.older.remove(key)?.map(|row| row.value()) else { return Ok(()) };
        self.t.older_of.remove((number, collection, rkey.as_bytes(), rev))?;
        let id = ProofId { community: repo.community, person: repo.did, purpose: For::Versions, number };
        if self.t.older_of.range((number, 0, LOWEST, 0)..(number + 1, 0, LOWEST, 0))?.next().is_none() {
            return self.drop_proof(id);
        }
        self.unprove(id, seq)
    }

    /// All that a proof is for: it goes.
    pub(super) fn forget_rows(&mut self, id: ProofId) -> Result<(), StoreError> {
        let of = || (id.number, 0, LOWEST, 0)..(id.number + 1, 0, LOWEST, 0);
        let mut rows = Vec::new();
        for row in self.t.older_of.range(of())? {
            let (key, _) = row?;
            let (_, collection, rkey, rev) = key.value();
            rows.push((collection, rkey.to_vec(), rev));
        }
        for (collection, rkey, rev) in rows {
            self.t.older.remove((id.community, id.person, collection, rkey.as_slice(), rev))?;
        }
        self.t.older_of.retain_in(of(), |_, ()| false)?;
        Ok(())
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
        for rev in all.into_iter().filter(|rev| !told.contains(rev)) {
            self.forget_version(repo, collection, rkey, rev)?;
        }
        Ok(())
    }

    /// A repository goes whole: so do the older versions of what no other device of the person has.
    pub(super) fn drop_versions(&mut self, repo: &Repo, paths: &[String]) -> Result<(), StoreError> {
        let (from, to) = ((repo.community, repo.did, 0, LOWEST, 0), (repo.community, repo.did + 1, 0, LOWEST, 0));
        if self.t.older.range(from..to)?.next().is_none() {
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
}
