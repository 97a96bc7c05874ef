//! What this device had written when its person was put out, where the removal keeps less of it or another state. Nobody
//! else keeps it, and the person was told that it is stored: it stays aside, shown and served to nobody, and the first
//! commit after they are let in again brings it back.

use folkmoot_schemas::{Audience, Record, Tid, commit::HeadRef};
use redb::ReadableTable;

use super::{
    StoreError,
    advance::History,
    blobs::files,
    blocks::{Blocks, Why, audience_code},
    repos::{Leaf, Repo, Repos},
    tables::Tables,
    write::Change,
    writer::Writer,
};

/// What stands at a path: a record block, or (None) that there is nothing any more.
type Row = (String, Option<u64>);

/// All that stands aside of one repository, and the rev of the head that had it.
pub(super) struct Shelf {
    rev: Tid,
    rows: Vec<Row>,
}

pub(super) trait Shelves: Repos {
    fn shelf_of(&self, community: u32, audience: Audience) -> Result<Option<Shelf>, StoreError> {
        let mut shelf: Option<Shelf> = None;
        let code = audience_code(audience);
        for row in self.shelf().range((community, code, "")..(community, code + 1, ""))? {
            let (key, value) = row?;
            let (seq, rev) = value.value();
            let shelf = match &mut shelf {
                Some(shelf) => shelf,
                None => shelf.insert(Shelf { rev: Tid::from_u64(rev)?, rows: Vec::new() }),
            };
            shelf.rows.push((key.value().2.to_owned(), Some(seq).filter(|seq| *seq != 0)));
        }
        Ok(shelf)
    }

    fn has_shelf(&self, community: u32, audience: Audience) -> Result<bool, StoreError> {
        Ok(self.shelf_rev(community, audience)?.is_some())
    }

    /// Rev of the head that had it.
    fn shelf_rev(&self, community: u32, audience: Audience) -> Result<Option<Tid>, StoreError> {
        let code = audience_code(audience);
        match self.shelf().range((community, code, "")..(community, code + 1, ""))?.next() {
            Some(row) => Ok(Some(Tid::from_u64(row?.1.value().1)?)),
            None => Ok(None),
        }
    }
}
impl<T: Tables> Shelves for T {}

impl Writer<'_> {
    /// Before a tree of this device goes because its person is out. `cut`: where the repository stands still instead.
    pub(super) fn shelve(&mut self, repo: &Repo, cut: Option<&HeadRef>) -> Result<(), StoreError> {
        let Some(tree) = repo.tree() else { return Ok(()) };
        if !self.is_own(repo)? {
            return Ok(());
        }
        let before = self.t.shelf_of(repo.community, repo.audience)?;
        if before.as_ref().is_some_and(|before| before.rev >= tree.head.rev) {
            return Ok(());
        }
        self.clear_shelf(repo.community, repo.audience)?;
        let (code, rev) = (audience_code(repo.audience), tree.head.rev.as_u64());
        for path in self.t.entries(repo.number)?.into_keys() {
            let Some(leaf) = self.t.leaf_at(repo.number, &path)? else { continue };
            for seq in self.with_files(repo, leaf.seq)? {
                self.hold(seq, repo.community, Why::Shelved)?;
            }
            self.t.shelf.insert((repo.community, code, path.as_str()), (leaf.seq, rev))?;
        }
        let changed = match cut {
            Some(cut) => self.t.changed_since(repo.number, cut)?.unwrap_or_default(),
            None => Default::default(),
        };
        for path in changed {
            if self.t.leaf_at(repo.number, &path)?.is_none() {
                self.t.shelf.insert((repo.community, code, path.as_str()), (0, rev))?;
            }
        }
        Ok(())
    }

    /// A record, and those of its files whose bytes are here under its audience.
    fn with_files(&self, repo: &Repo, record: u64) -> Result<Vec<u64>, StoreError> {
        let mut all = vec![record];
        for file in files(&Record::view(&self.t.block_at(record)?)?.1) {
            if let Some(seq) = self.t.seq(&file)?
                && self.t.held_as(seq, repo.community, Why::Reach(repo.audience))?
            {
                all.push(seq);
            }
        }
        Ok(all)
    }

    /// What brings a shelf back into a repository of this device, whatever came into that meanwhile.
    pub(super) fn unshelving(&self, shelf: &Shelf, repo: Option<&Repo>) -> Result<Vec<Change>, StoreError> {
        let held = repo.and_then(|repo| repo.held);
        // A later head of this very device: it was made with all of this at hand.
        if held.is_some_and(|held| held.head.rev >= shelf.rev) {
            return Ok(Vec::new());
        }
        let mut changes = Vec::new();
        for (path, seq) in &shelf.rows {
            let ours = match repo {
                Some(repo) if held.is_some() => self.t.leaf_at(repo.number, path)?,
                _ => None,
            };
            match seq {
                Some(seq) => {
                    let block = self.t.block_at(*seq)?;
                    let (rev, _) = Record::view(&block)?;
                    let theirs = Leaf { seq: *seq, rev, cid: *block.cid() };
                    if ours.is_none_or(|ours| theirs.beats(&ours)) {
                        changes.push(Change::Adopt { path: path.clone(), cid: theirs.cid, rev });
                    }
                }
                None if ours.is_some() => changes.push(Change::Remove { path: path.clone() }),
                None => {}
            }
        }
        Ok(changes)
    }

    /// After it was brought back.
    pub(super) fn clear_shelf(&mut self, community: u32, audience: Audience) -> Result<(), StoreError> {
        let Some(shelf) = self.t.shelf_of(community, audience)? else { return Ok(()) };
        for (path, seq) in shelf.rows {
            self.t.shelf.remove((community, audience_code(audience), path.as_str()))?;
            let Some(seq) = seq else { continue };
            for file in files(&Record::view(&self.t.block_at(seq)?)?.1) {
                if let Some(file) = self.t.seq(&file)?
                    && self.t.held_as(file, community, Why::Shelved)?
                {
                    self.release(file, community, Why::Shelved)?;
                }
            }
            self.release(seq, community, Why::Shelved)?;
        }
        self.dirty = true;
        Ok(())
    }

    /// A file that was here under an audience when a record with it was put aside.
    pub(super) fn is_shelved_file(&self, repo: &Repo, seq: u64) -> Result<bool, StoreError> {
        Ok(self.t.held_as(seq, repo.community, Why::Shelved)? && self.is_own(repo)?)
    }
}
