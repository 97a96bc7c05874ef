//! Parts of a head that is still arriving: a large repository comes as several answers. What is staged is held, is
//! served to nobody, counts against its author's quota, and goes when the head is complete or turns out wrong.

use folkmoot_schemas::{Cid, Tid, commit::HeadRef};
use redb::ReadableTable;

use super::{
    StoreError,
    blocks::{Blocks, Why, cid_of_digest, digest_of},
    expiring::{self, Expiring},
    quota::Excess,
    repos::{Leaf, Repo, Repos},
    writer::Writer,
};

/// In place of a block: the path is gone. Blocks count from 1.
const GONE: u64 = 0;

/// What is staged of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stage {
    pub(super) bytes: u64,
    /// The `since` all parts share.
    pub(super) since: Option<(Tid, Cid)>,
}

impl Stage {
    pub(super) fn since_is(&self, since: Option<&HeadRef>) -> bool {
        self.since == since.map(|head| (head.rev, head.cid))
    }
}

impl Writer<'_> {
    pub(super) fn stage(&self, repo: u32) -> Result<Option<Stage>, StoreError> {
        let Some(row) = self.t.stages.get(repo)? else { return Ok(None) };
        let (bytes, rev, digest) = row.value();
        let since = if rev == 0 { None } else { Some((Tid::from_u64(rev)?, cid_of_digest(digest)?)) };
        Ok(Some(Stage { bytes, since }))
    }

    /// Adds one entry's block. An answer: there is no room for it, and nothing was kept.
    pub(super) fn stage_put(
        &mut self,
        repo: &Repo,
        stage: &mut Stage,
        path: &str,
        rev: Tid,
        block: &folkmoot_schemas::block::Block,
    ) -> Result<Option<Excess>, StoreError> {
        let digest = digest_of(block.cid());
        let before = self.t.staged.get((repo.number, path))?.map(|row| {
            let (seq, _, digest) = row.value();
            (seq, *digest)
        });
        if before.is_some_and(|(_, staged)| staged == digest) {
            return Ok(None);
        }
        // What is here already fills nothing more.
        if self.t.seq(block.cid())?.is_none() {
            let size = block.bytes().len() as u64;
            let staged = self.staged_by(repo)?.saturating_add(stage.bytes);
            if let Some(excess) = self.check_stage(repo, staged, size)? {
                return Ok(Some(excess));
            }
            stage.bytes += size;
        }
        let seq = self.put_block(block)?;
        self.hold(seq, repo.community, Why::Staged)?;
        self.t.staged.insert((repo.number, path), (seq, rev.as_u64(), &digest))?;
        if let Some((seq, _)) = before.filter(|(seq, _)| *seq != GONE) {
            self.release(seq, repo.community, Why::Staged)?;
        }
        self.dirty = true;
        Ok(None)
    }

    /// Bytes staged for this member in their other repositories of the same community.
    fn staged_by(&self, repo: &Repo) -> Result<u64, StoreError> {
        let mut bytes = 0;
        for other in self.t.repos_of(repo.community, Some(repo.did))? {
            if other.number != repo.number {
                bytes += self.stage(other.number)?.map_or(0, |stage| stage.bytes);
            }
        }
        Ok(bytes)
    }

    /// Notes that the head being staged lacks `path`.
    pub(super) fn stage_gone(&mut self, repo: &Repo, path: &str) -> Result<(), StoreError> {
        let before = self.t.staged.insert((repo.number, path), (GONE, 0, &[0; 32]))?.map(|row| row.value().0);
        if let Some(seq) = before.filter(|seq| *seq != GONE) {
            self.release(seq, repo.community, Why::Staged)?;
        }
        self.dirty = true;
        Ok(())
    }

    /// `now` in microseconds: without a further part it goes a day later.
    pub(super) fn save_stage(&mut self, repo: &Repo, stage: Stage, now: u64) -> Result<(), StoreError> {
        let (rev, digest) = stage.since.map_or((0, [0; 32]), |(rev, cid)| (rev.as_u64(), digest_of(&cid)));
        self.t.stages.insert(repo.number, (stage.bytes, rev, &digest))?;
        self.keep_until(Expiring::Stage(repo.number), now.saturating_add(expiring::STAGE))
    }

    /// Paths with what is put there; None: gone.
    pub(super) fn staged_entries(&self, repo: u32) -> Result<Vec<(String, Option<Leaf>)>, StoreError> {
        self.t
            .staged
            .range((repo, "")..(repo + 1, ""))?
            .map(|row| {
                let (key, value) = row?;
                let (seq, rev, digest) = value.value();
                if seq == GONE {
                    return Ok((key.value().1.to_owned(), None));
                }
                let leaf = Leaf { seq, rev: Tid::from_u64(rev)?, cid: cid_of_digest(digest)? };
                Ok((key.value().1.to_owned(), Some(leaf)))
            })
            .collect()
    }

    pub(super) fn clear_stage(&mut self, repo: &Repo) -> Result<(), StoreError> {
        if self.t.stages.remove(repo.number)?.is_none() {
            return Ok(());
        }
        for leaf in self.staged_entries(repo.number)?.into_iter().filter_map(|(_, leaf)| leaf) {
            self.release(leaf.seq, repo.community, Why::Staged)?;
        }
        self.t.staged.retain_in((repo.number, "")..(repo.number + 1, ""), |_, _| false)?;
        self.stays(Expiring::Stage(repo.number))?;
        self.dirty = true;
        Ok(())
    }
}
