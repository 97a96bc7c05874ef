//! Files that records link. A link alone gives no reach, or a stranger could publish the CID of a members' picture and
//! have us serve it: the bytes must have arrived, or been added here, under the audience of a record that links them.

use folkmoot_schemas::{
    Audience, Cid, Record,
    block::{Block, DAG_CBOR, check_cid},
    limits,
};
use redb::ReadableTable;

use super::{
    StoreError,
    blocks::{Blocks, Why, audience_code, cid_key},
    expiring::{self, Expiring},
    quota::Used,
    repos::Repo,
    writer::Writer,
};

/// In place of a community: what this person added and has not linked yet, and what they pinned.
pub(super) const HERE: u32 = 0;

/// The distinct files a record links. Structures are never followed from records.
pub(super) fn files(record: &Record) -> Vec<Cid> {
    let mut files = record.links();
    files.retain(|cid| cid.codec() != DAG_CBOR && check_cid(cid).is_ok());
    files.sort();
    files.dedup();
    files
}

/// What became of a file that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Received {
    Taken,
    /// It is lacking, and stays so for want of room.
    PutOff,
    /// No record of this audience lacks it.
    Unwanted,
}

impl Writer<'_> {
    /// `now` in microseconds: what no record links goes a day later.
    pub(super) fn upload(&mut self, block: &Block, now: u64) -> Result<(), StoreError> {
        if block.cid().codec() == DAG_CBOR || block.bytes().len() > limits::BLOB_ACCEPTED {
            return Err(StoreError::Refused("this is not the block of a file".into()));
        }
        if let Some(excess) = self.node_excess(block.bytes().len() as u64)? {
            return Err(StoreError::OverQuota(excess));
        }
        let seq = self.put_block(block)?;
        self.hold_once(seq, HERE, Why::Uploaded)?;
        self.keep_until(Expiring::Upload(seq), now.saturating_add(expiring::UPLOAD))
    }

    /// Counts the files of a record that came into a tree. Those whose bytes are lacking are added to `lacking`.
    /// `own`: written by this node's person, whose added files may be linked at once.
    pub(super) fn link_files(
        &mut self,
        repo: &Repo,
        record: &Record,
        own: bool,
        lacking: &mut Vec<Cid>,
    ) -> Result<(), StoreError> {
        for cid in files(record) {
            let file = cid_key(&cid);
            let mut people = vec![repo.did];
            if self.t.missing.get((repo.community, audience_code(repo.audience), &file))?.is_some() {
                // Should it be there from now on, then for all of them.
                people.extend(self.t.linkers_of(repo.community, audience_code(repo.audience), &file)?);
                people.sort_unstable();
                people.dedup();
            }
            self.recount_file(repo.community, &people, &file, |w| w.link_file(repo, cid, own, lacking))?;
        }
        Ok(())
    }

    fn link_file(&mut self, repo: &Repo, cid: Cid, own: bool, lacking: &mut Vec<Cid>) -> Result<(), StoreError> {
        let file = cid_key(&cid);
        let audience = audience_code(repo.audience);
        let by = (repo.community, &file, repo.did, audience);
        let count = self.t.linkers.get(by)?.map_or(0, |n| n.value());
        self.t.linkers.insert(by, count.saturating_add(1))?;
        let key = (repo.community, audience, &file);
        let count = self.t.links.get(key)?.map_or(0, |n| n.value());
        self.t.links.insert(key, count.saturating_add(1))?;
        if count > 0 && self.t.missing.get(key)?.is_none() {
            return Ok(());
        }
        match self.t.seq(&cid)? {
            Some(seq) if own && self.t.held_as(seq, HERE, Why::Uploaded)? => {
                self.give_file(repo, key, seq)?;
                self.expire(Expiring::Upload(seq))
            }
            // It came here under this audience, and is put back.
            Some(seq) if self.is_lost_file(repo, seq)? || own && self.is_shelved_file(repo, seq)? => {
                self.give_file(repo, key, seq)
            }
            _ if count > 0 => Ok(()),
            _ => {
                self.t.missing.insert(key, ())?;
                lacking.push(cid);
                Ok(())
            }
        }
    }

    /// Its bytes are here and count as come under this audience.
    fn give_file(&mut self, repo: &Repo, key: (u32, u8, &[u8; 33]), seq: u64) -> Result<(), StoreError> {
        self.t.missing.remove(key)?;
        self.t.deferred_files.remove(key)?;
        self.hold(seq, repo.community, Why::Reach(repo.audience))
    }

    /// The counterpart, for a record that left a tree.
    pub(super) fn unlink_files(&mut self, repo: &Repo, record: &Record) -> Result<(), StoreError> {
        for cid in files(record) {
            let file = cid_key(&cid);
            self.recount_file(repo.community, &[repo.did], &file, |w| w.unlink_file(repo, &file))?;
        }
        Ok(())
    }

    fn unlink_file(&mut self, repo: &Repo, file: &[u8; 33]) -> Result<(), StoreError> {
        let audience = audience_code(repo.audience);
        let by = (repo.community, file, repo.did, audience);
        let count = self.t.linkers.get(by)?.map_or(0, |n| n.value());
        match count {
            2.. => self.t.linkers.insert(by, count - 1)?.map(drop),
            _ => self.t.linkers.remove(by)?.map(drop),
        };
        let key = (repo.community, audience, file);
        let count = self.t.links.get(key)?.map_or(0, |n| n.value());
        if count > 1 {
            self.t.links.insert(key, count - 1)?;
            return Ok(());
        }
        self.t.links.remove(key)?;
        self.t.deferred_files.remove(key)?;
        let lacked = self.t.missing.remove(key)?.is_some();
        let seq = self.t.seq_of(file)?;
        match seq {
            Some(seq) if !lacked => self.release(seq, repo.community, Why::Reach(repo.audience)),
            _ => Ok(()),
        }
    }

    /// Takes a file that current records of this audience lack; anything else is not stored.
    pub(super) fn receive_file(
        &mut self,
        community: u32,
        audience: Audience,
        block: &Block,
    ) -> Result<Received, StoreError> {
        let (file, code) = (cid_key(block.cid()), audience_code(audience));
        let key = (community, code, &file);
        if block.bytes().len() > limits::BLOB_ACCEPTED || self.t.missing.get(key)?.is_none() {
            return Ok(Received::Unwanted);
        }
        if !self.file_fits(community, code, &file, block.bytes().len() as u64)? {
            return Ok(Received::PutOff);
        }
        let people = self.t.linkers_of(community, code, &file)?;
        self.recount_file(community, &people, &file, |w| {
            w.t.missing.remove(key)?;
            w.t.deferred_files.remove(key)?;
            let seq = w.put_block(block)?;
            w.hold(seq, community, Why::Reach(audience))
        })?;
        self.dirty = true;
        self.visible = true;
        Ok(Received::Taken)
    }
}
