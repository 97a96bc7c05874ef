//! Is what a file from elsewhere says signed by whom it names? A store trusts its own rows, since they were judged before
//! they were written; a backup has been where anybody could write to it, and what is in it would be signed anew by
//! whoever restores it. So before a row of it is believed, its signature is.

use std::collections::{BTreeMap, BTreeSet};

use folkmoot_schemas::{
    Cid, Did,
    block::Block,
    charter::Charter,
    commit::{Commit, RepoId},
    identity::Identity,
    mst,
    roster::{Keeps, Op},
};
use redb::ReadableTable;

use super::{
    Rosters, StoreError,
    blocks::{Blocks, cid_of_digest},
    intern::Numbers,
    people::People,
    repos::{Held, Repo, Repos},
    roster,
    tables::{Reading, Tables},
    trees::{TREE_NODE, Trees},
    verify::check_record,
};

/// Every identity, charter, operation and held head of the file, and what stands under it. To be asked once every block
/// is known to be what its CID says.
pub(super) fn attest(t: &Reading) -> Result<(), StoreError> {
    let checking = Checking { t, devices: devices(t)? };
    checking.names()?;
    checking.people()?;
    checking.rosters()?;
    // Only now may they be folded.
    let rosters = roster::load(t)?;
    for row in t.repo_keys().iter()? {
        let number = row?.0.value();
        let repo = t.repo_at(number)?.ok_or_else(|| forged("a repository"))?;
        if let Some(held) = repo.held {
            checking.tree(&repo, &held, &rosters)?;
        }
    }
    checking.places()?;
    checking.rest()
}

fn forged(what: &str) -> StoreError {
    StoreError::Damaged(format!("{what} in it is not signed by whom it names"))
}

/// Devices that some identity document of the file lists, by person.
fn devices(t: &Reading) -> Result<BTreeMap<Did, BTreeSet<Did>>, StoreError> {
    let mut devices: BTreeMap<Did, BTreeSet<Did>> = BTreeMap::new();
    for row in t.identities().iter()? {
        let (digest, seq) = row?;
        let block = named(t, cid_of_digest(digest.value())?, seq.value())?;
        let (_, identity) = Identity::open(block.bytes()).map_err(|_| forged("an identity"))?;
        devices.entry(identity.did).or_default().extend(identity.devices.iter().map(|device| device.key));
    }
    Ok(devices)
}

/// The block of this CID, which has to lie there.
fn named(t: &Reading, cid: Cid, seq: u64) -> Result<Block, StoreError> {
    match t.seq(&cid)? {
        Some(there) if there == seq => t.block_named(seq, cid),
        _ => Err(forged("a block")),
    }
}

struct Checking<'t> {
    t: &'t Reading,
    devices: BTreeMap<Did, BTreeSet<Did>>,
}

impl Checking<'_> {
    /// What a number stands for has no other one.
    fn names(&self) -> Result<(), StoreError> {
        for row in self.t.names().iter()? {
            let (number, name) = row?;
            if self.t.numbers().get(name.value())?.is_none_or(|back| back.value() != number.value()) {
                return Err(forged("a name"));
            }
        }
        Ok(())
    }

    fn people(&self) -> Result<(), StoreError> {
        for row in self.t.people().iter()? {
            let did = self.t.key_of(row?.0.value())?;
            if self.t.newest(&did)?.is_none_or(|(_, identity)| identity.did != did) {
                return Err(forged("an identity"));
            }
        }
        let me = self.key("me")?;
        if let Some(own) = self.t.meta().get("identity")?
            && !Identity::open(own.value()).is_ok_and(|(_, own)| me.is_none_or(|me| own.did == me))
        {
            return Err(forged("the identity of its owner"));
        }
        Ok(())
    }

    fn key(&self, name: &str) -> Result<Option<Did>, StoreError> {
        let row = self.t.meta().get(name)?;
        Ok(row.and_then(|row| std::str::from_utf8(row.value()).ok()?.parse().ok()))
    }

    fn rosters(&self) -> Result<(), StoreError> {
        for row in self.t.charters().iter()? {
            let (number, seq) = row?;
            let block = named(self.t, self.t.community_of(number.value())?, seq.value())?;
            Charter::open(block.bytes()).map_err(|_| forged("a charter"))?;
        }
        for row in self.t.ops().iter()? {
            let (key, seq) = row?;
            let (community, digest) = key.value();
            let block = named(self.t, cid_of_digest(digest)?, seq.value())?;
            match Op::open(block.bytes()) {
                Ok((_, op)) if op.community == self.t.community_of(community)? => {}
                _ => return Err(forged("an operation of a roster")),
            }
        }
        Ok(())
    }

    /// The commit is the repository's, by a device of its person, and signs just this tree.
    fn tree(&self, repo: &Repo, held: &Held, rosters: &Rosters) -> Result<(), StoreError> {
        let id = self.t.repo_id(repo)?;
        let community = self.t.community_of(repo.community)?;
        let block = named(self.t, held.head.cid, held.commit)?;
        let (_, commit) = Commit::open(block.bytes()).map_err(|_| forged("a commit"))?;
        let by_own = match rosters.get(&community).ok_or_else(|| forged("a community"))?.state.keeps(&id) {
            Keeps::All => self.lists(&id)?,
            // What somebody left behind may be by a device whose document never came here.
            Keeps::Until(_) | Keeps::Nothing => true,
        };
        if commit.community != community || commit.repo() != id || commit.rev != held.head.rev || !by_own {
            return Err(forged("a commit"));
        }
        let mut entries = mst::Entries::new();
        self.t.walk(repo.number, None, |path, leaf| {
            let block = named(self.t, leaf.cid, leaf.seq)?;
            let collection = path.split_once('/').map_or("", |(collection, _)| collection);
            match check_record(&commit, collection, &block) {
                Ok((rev, _)) if rev == leaf.rev => {}
                _ => return Err(forged("a record")),
            }
            entries.insert(path, leaf.cid);
            Ok(true)
        })?;
        let tree = mst::build(&entries)?;
        if tree.root != commit.data || entries.len() as u64 != commit.count || held.records != commit.count {
            return Err(forged("a record"));
        }
        Ok(())
    }

    /// What stands among the places is given to others: it has to be in the tree of its repository.
    fn places(&self) -> Result<(), StoreError> {
        let mut nodes = BTreeSet::new();
        for row in self.t.repo_keys().iter()? {
            let Some(repo) = self.t.repo_at(row?.0.value())? else { continue };
            for cid in self.t.node_cids(&repo)? {
                nodes.insert((self.t.node_seq(&cid)?, repo.number));
            }
        }
        for row in self.t.places().iter()? {
            let (key, _) = row?;
            let (seq, repo, collection, rkey) = key.value();
            let stands = match collection == TREE_NODE.0 {
                true => nodes.remove(&(seq, repo)),
                false => self.t.leaves().get((repo, collection, rkey))?.is_some_and(|row| row.value().0 == seq),
            };
            if !stands {
                return Err(forged("a place"));
            }
        }
        if nodes.is_empty() { Ok(()) } else { Err(forged("a node of a tree")) }
    }

    /// By the newest document. What the device that made the backup wrote stays after a newer one dropped it.
    fn lists(&self, id: &RepoId) -> Result<bool, StoreError> {
        let newest = self.t.newest(&id.did)?.is_some_and(|(_, identity)| identity.certifies(&id.device));
        let listed = || self.devices.get(&id.did).is_some_and(|devices| devices.contains(&id.device));
        Ok(newest || (self.key("device")? == Some(id.device) && listed()))
    }

    /// What pins keep, and what was on its way.
    fn rest(&self) -> Result<(), StoreError> {
        for row in self.t.pin_last().iter()? {
            let (_, commit) = row?.1.value();
            Commit::open(self.t.block_at(commit)?.bytes()).map_err(|_| forged("a commit"))?;
        }
        for row in self.t.staged().iter()? {
            let (_, value) = row?;
            let (seq, _, digest) = value.value();
            named(self.t, cid_of_digest(digest)?, seq)?;
        }
        Ok(())
    }
}
