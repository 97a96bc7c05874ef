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
    repos::Repo,
    writer::Writer,
};

/// Community 0 holds what this person added and has not linked yet.
const HERE: u32 = 0;

/// The distinct files a record links. Structures are never followed from records.
pub(super) fn files(record: &Record) -> Vec<Cid> {
    let mut files = record.links();
    files.retain(|cid| cid.codec() != DAG_CBOR && check_cid(cid).is_ok());
    files.sort();
    files.dedup();
    files
}

impl Writer<'_> {
    pub(super) fn upload(&mut self, block: &Block) -> Result<(), StoreError> {
        if block.cid().codec() == DAG_CBOR || block.bytes().len() > limits::BLOB_ACCEPTED {
            return Err(StoreError::Refused("this is not the block of a file".into()));
        }
        let seq = self.put_block(block)?;
        self.hold_once(seq, HERE, Why::Uploaded)?;
        self.dirty = true;
        Ok(())
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
            let cid_key = cid_key(&cid);
            let key = (repo.community, audience_code(repo.audience), &cid_key);
            let count = self.t.links.get(key)?.map_or(0, |n| n.value());
            self.t.links.insert(key, count.saturating_add(1))?;
            if count > 0 {
                continue;
            }
            match self.t.seq(&cid)? {
                Some(seq) if own && self.t.held_as(seq, HERE, Why::Uploaded)? => {
                    self.hold(seq, repo.community, Why::Reach(repo.audience))?;
                    self.release(seq, HERE, Why::Uploaded)?;
                }
                _ => {
                    self.t.missing.insert(key, ())?;
                    lacking.push(cid);
                }
            }
        }
        Ok(())
    }

    /// The counterpart, for a record that left a tree.
    pub(super) fn unlink_files(&mut self, repo: &Repo, record: &Record) -> Result<(), StoreError> {
        for cid in files(record) {
            let cid_key = cid_key(&cid);
            let key = (repo.community, audience_code(repo.audience), &cid_key);
            let count = self.t.links.get(key)?.map_or(0, |n| n.value());
            if count > 1 {
                self.t.links.insert(key, count - 1)?;
                continue;
            }
            self.t.links.remove(key)?;
            let lacked = self.t.missing.remove(key)?.is_some();
            if !lacked && let Some(seq) = self.t.seq(&cid)? {
                self.release(seq, repo.community, Why::Reach(repo.audience))?;
            }
        }
        Ok(())
    }

    /// Takes a file that current records of this audience lack; anything else is not stored.
    pub(super) fn receive_file(
        &mut self,
        community: u32,
        audience: Audience,
        block: &Block,
    ) -> Result<bool, StoreError> {
        let cid_key = cid_key(block.cid());
        let key = (community, audience_code(audience), &cid_key);
        if block.bytes().len() > limits::BLOB_ACCEPTED || self.t.missing.remove(key)?.is_none() {
            return Ok(false);
        }
        let seq = self.put_block(block)?;
        self.hold(seq, community, Why::Reach(audience))?;
        self.dirty = true;
        self.visible = true;
        Ok(true)
    }
}
