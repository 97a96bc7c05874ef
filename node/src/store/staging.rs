//! Parts of a head that is still arriving: a large repository comes as several answers. What is staged is held, is
//! served to nobody, counts against its author's quota, and goes when the head is complete or turns out wrong.

use std::collections::BTreeMap;

use folkmoot_schemas::{Cid, Tid, block::Block, commit::HeadRef};
use redb::ReadableTable;

use super::{
    StoreError,
    blocks::{Stored, Why, cid_of_digest, digest_of},
    expiring::{self, Expiring},
    quota::Excess,
    repos::{Leaf, Repo, Repos},
    tables::LOWEST,
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

    /// Adds entries, each with its path and rev. An answer: there is no room for them, and nothing of them was kept.
    pub(super) fn stage_puts(
        &mut self,
        repo: &Repo,
        stage: &mut Stage,
        puts: &[(&str, Tid, Block)],
    ) -> Result<Option<Excess>, StoreError> {
        let blocks: Vec<&Block> = puts.iter().map(|(_, _, block)| block).collect();
        let stored = self.put_blocks(&blocks)?;
        // What is here already fills nothing more.
        let fresh = stored.iter().zip(&blocks).filter(|(stored, _)| stored.fresh);
        let bytes = fresh.map(|(_, block)| block.bytes().len() as u64).sum();
        let staged = self.staged_by(repo)?.saturating_add(stage.bytes);
        // In this transaction all of it is among the node's blocks already.
        self.tally.bytes -= bytes as i64;
        let excess = self.check_stage(repo, staged, bytes)?;
        self.tally.bytes += bytes as i64;
        if excess.is_some() {
            self.let_go.extend(stored.iter().filter(|stored| stored.fresh).map(|stored| stored.seq));
            return Ok(excess);
        }
        stage.bytes += bytes;
        for ((path, rev, block), Stored { seq, .. }) in puts.iter().zip(stored) {
            let digest = digest_of(block.cid());
            let before = self.t.staged.insert((repo.number, *path), (seq, rev.as_u64(), &digest))?;
            let before = before.map(|row| row.value().0);
            if before == Some(seq) {
                continue;
            }
            self.hold(seq, repo.community, Why::Staged)?;
            if let Some(before) = before.filter(|before| *before != GONE) {
                self.release(before, repo.community, Why::Staged)?;
            }
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
        let mut staged: BTreeMap<u64, u32> = BTreeMap::new();
        for row in self.t.staged.range((repo.number, "")..(repo.number + 1, ""))? {
            let seq = row?.1.value().0;
            if seq != GONE {
                *staged.entry(seq).or_default() += 1;
            }
        }
        // They came one after another and lie side by side: one pass over their holds, instead of a search for each.
        if let (Some((first, _)), Some((last, _))) = (staged.first_key_value(), staged.last_key_value()) {
            let mut shared = Vec::new();
            self.t.holds.retain_in((*first, 0, 0)..(*last + 1, 0, 0), |(seq, community, why), count| {
                let of_it = staged.get(&seq).copied().unwrap_or(0);
                if of_it == 0 || (community, why) != (repo.community, Why::Staged.code()) {
                    return true;
                }
                if count > of_it {
                    shared.push(((seq, community, why), count - of_it));
                }
                count > of_it
            })?;
            for (hold, count) in shared {
                self.t.holds.insert(hold, count)?;
            }
        }
        // What came to stand in a tree has been placed, and what is left may be held by nothing.
        if let (Some((first, _)), Some((last, _))) = (staged.first_key_value(), staged.last_key_value()) {
            let (first, last) = (*first, *last);
            for row in self.t.places.range((first, 0, 0, LOWEST)..(last + 1, 0, 0, LOWEST))? {
                staged.remove(&row?.0.value().0);
            }
        }
        self.let_go.extend(staged.into_keys());
        self.t.staged.retain_in((repo.number, "")..(repo.number + 1, ""), |_, _| false)?;
        self.stays(Expiring::Stage(repo.number))?;
        self.dirty = true;
        Ok(())
    }
}
