//! What becomes of repositories when the roster or an identity changes: those of who is out stand still at the heads the
//! roster names, the same on every replica whatever it saw before, and those of retired devices go.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use folkmoot_schemas::{
    Cid, Did,
    block::Block,
    commit::{Commit, HeadRef, RepoId},
    identity::Identity,
    roster::Keeps,
};
use redb::ReadableTable;

use super::{
    StoreError,
    blocks::{Blocks, digest_of},
    intern::{Name, Numbers},
    notices::DEVICE,
    people::{People, speaks_for},
    repos::{Repo, Repos},
    roster::Roster,
    writer::Writer,
};

/// Names of metas: `home::meta`.
const ME: &str = "me";
const IDENTITY: &str = "identity";

impl Writer<'_> {
    /// Drops the repositories of this community's non-members but for those that stand still at a head, and those of
    /// devices that members do not list: in this community whoever came back may have retired one meanwhile, and
    /// everywhere those of `renewed` members. Of the latter, what this device itself wrote stays, and while it is out all
    /// that its person's devices wrote, so that nothing is lost should the person let it in again.
    pub(super) fn drop_outsiders(&mut self, roster: &Roster, renewed: &BTreeSet<Did>) -> Result<(), StoreError> {
        for repo in self.t.repos_of(roster.number, None)? {
            let id = self.t.repo_id(&repo)?;
            match roster.state.keeps(&id) {
                Keeps::All => self.stand(&repo)?,
                Keeps::Until(head) => self.stand_still(repo, &id, head)?,
                Keeps::Nothing => {
                    self.shelve(&repo, None)?;
                    self.drop_repo(&repo)?;
                }
            }
        }
        let members: BTreeSet<Did> = roster.state.members.keys().copied().collect();
        self.drop_unlisted(roster, &members)?;
        let others: Vec<Arc<Roster>> = self.rosters.values().filter(|r| r.number != roster.number).cloned().collect();
        for other in others {
            self.drop_unlisted(&other, renewed)?;
        }
        Ok(())
    }

    /// Who is out has nothing to say any more: what is kept of them was decided with the cut.
    fn drop_unlisted(&mut self, roster: &Roster, people: &BTreeSet<Did>) -> Result<(), StoreError> {
        for did in people.iter().filter(|did| roster.state.is_member(did)) {
            let (Some(number), Some((_, identity))) = (self.t.number(Name::Key(did))?, self.t.newest(did)?) else {
                continue;
            };
            if self.is_put_out(did, &identity)? {
                continue;
            }
            for repo in self.t.repos_of(roster.number, Some(number))? {
                if !identity.certifies(&self.t.key_of(repo.device)?) && !self.is_own(&repo)? {
                    self.drop_repo(&repo)?;
                }
            }
        }
        Ok(())
    }

    /// This is a device of `did` that was in and is not in `newest` any more. One that was never in, as where a backup is
    /// restored, goes by what the others keep.
    fn is_put_out(&self, did: &Did, newest: &Identity) -> Result<bool, StoreError> {
        let (Some(me), Some(device)) = (self.meta_did(ME)?, self.meta_did(DEVICE)?) else { return Ok(false) };
        if me != *did || newest.certifies(&device) {
            return Ok(false);
        }
        let own = self.t.meta.get(IDENTITY)?.map(|row| Identity::open(row.value())).transpose()?;
        Ok(own.is_some_and(|(_, own)| own.did == *did && own.certifies(&device)))
    }

    /// What a cut said of a repository does not matter any more: what is known is what is here. Else a cut could name a
    /// head that is nowhere, after which no other is newer.
    fn stand(&mut self, repo: &Repo) -> Result<(), StoreError> {
        match repo.base {
            Some(base) => {
                self.place(&Repo { known: base.head, held: repo.base, awaited: false, base: None, ..repo.clone() })
            }
            None if repo.awaited => self.drop_repo(repo),
            None => Ok(()),
        }
    }

    /// Makes `head` the newest that is known of a repository. A later tree is taken back whole: which of its records
    /// the earlier one held is for a peer to say that has it. Until the tree at `head` is here nothing is shown, or
    /// replicas that had seen different ones would differ for as long as nobody brings it; an earlier tree stays as
    /// the base of a delta.
    fn stand_still(&mut self, repo: Repo, id: &RepoId, head: HeadRef) -> Result<(), StoreError> {
        let tree = repo.tree();
        if tree.is_some_and(|tree| tree.head.beats(&head)) {
            self.shelve(&repo, Some(&head))?;
            self.drop_repo(&repo)?;
            let fresh = self.new_repo(repo.community, id, head)?;
            return self.place(&Repo { awaited: true, ..fresh });
        }
        if repo.known != head {
            self.clear_stage(&repo)?;
        }
        let (held, base) = if tree.is_some_and(|tree| tree.head == head) { (tree, None) } else { (None, tree) };
        if let Some(held) = held.filter(|_| repo.held.is_none() || repo.known != head) {
            let commit = Commit::view(&self.t.block_named(held.commit, held.head.cid)?)?;
            if let Some(block) = self.t.witness(&commit, Some(repo.number))? {
                self.note_witness(&repo, block.cid())?;
            }
        }
        let awaited = held.is_none();
        let same = repo.known == head && repo.awaited == awaited;
        if same { Ok(()) } else { self.place(&Repo { known: head, held, awaited, base, ..repo }) }
    }

    /// Stores a row by which something is shown or hidden.
    fn place(&mut self, repo: &Repo) -> Result<(), StoreError> {
        let spots = match repo.tree() {
            Some(_) => {
                let paths: Vec<String> = self.t.entries(repo.number)?.into_keys().collect();
                self.spots(repo, paths.iter().map(String::as_str))?
            }
            None => Vec::new(),
        };
        self.keep(&spots)?;
        self.save_repo(repo)?;
        self.go_along(&spots)?;
        self.dirty = true;
        self.visible = true;
        Ok(())
    }

    /// The document that lists the device of a commit at which a repository stands still: one that is here, else one of
    /// `given`, which is kept then. Whoever wrote the cut vouches for no more than a CID.
    pub(super) fn take_witness(
        &mut self,
        roster: &Roster,
        commit: &Commit,
        repo: Option<u32>,
        given: &[Block],
    ) -> Result<Option<Cid>, StoreError> {
        if let Some(block) = self.t.witness(commit, repo)? {
            return Ok(Some(*block.cid()));
        }
        let opened = given.iter().filter_map(|block| Identity::open(block.bytes()).ok());
        let speaking = opened.filter(|(_, identity)| speaks_for(identity, commit));
        let Some((block, identity)) = speaking.min_by_key(|(block, _)| *block.cid() != commit.identity) else {
            return Ok(None);
        };
        let cid = *block.cid();
        self.keep_identities(roster, BTreeMap::from([(cid, (block, identity))]), &BTreeSet::from([cid]))?;
        Ok(Some(cid))
    }

    /// Notes it beside the repository: the newest document may leave the device out some day.
    pub(super) fn note_witness(&mut self, repo: &Repo, witness: &Cid) -> Result<(), StoreError> {
        self.t.witnesses.insert(repo.number, &digest_of(witness))?;
        Ok(())
    }
}
