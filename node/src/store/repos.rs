//! Repositories: their rows, heads and trees.

use std::collections::{BTreeMap, HashMap};

use folkmoot_schemas::{
    Audience, Cid, Tid,
    commit::{HeadRef, RepoId},
    mst::Entries,
};
use redb::ReadableTable;

use super::{
    StoreError,
    blocks::{Blocks, audience_code, audience_of, cid_of_digest, digest_of},
    intern::{Name, Numbers},
    tables::{LOWEST, Tables},
    writer::Writer,
};

/// One row of `repos`.
#[derive(Debug, Clone)]
pub(super) struct Repo {
    pub(super) number: u32,
    pub(super) community: u32,
    pub(super) did: u32,
    pub(super) device: u32,
    pub(super) audience: Audience,
    pub(super) known: HeadRef,
    pub(super) held: Option<Held>,
    /// Of who is out, while the tree at which it stands still is not here: `known` is a cut's word alone.
    pub(super) awaited: bool,
    /// Then: an older tree, from which a delta to that head can start. Shown and counted nowhere, so that replicas that
    /// had different ones are alike.
    pub(super) base: Option<Held>,
}

impl Repo {
    /// The tree that is stored, whatever for.
    pub(super) fn tree(&self) -> Option<Held> {
        self.held.or(self.base)
    }
}

/// Beside the number of records, where the tree is awaited.
const AWAITED: u64 = 1 << 63;

/// The head whose tree is here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    pub(super) head: HeadRef,
    pub(super) commit: u64,
    pub(super) records: u64,
}

/// Where a record stands in a tree, and which it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leaf {
    pub(super) seq: u64,
    pub(super) rev: Tid,
    pub(super) cid: Cid,
}

impl Leaf {
    /// The one order: the greatest rev; at equal rev the smaller CID.
    pub(super) fn beats(&self, other: &Self) -> bool {
        HeadRef { rev: self.rev, cid: self.cid }.beats(&HeadRef { rev: other.rev, cid: other.cid })
    }
}

type Key = (u32, u32, u32, u8);
type Value<'a> = (u32, u64, &'a [u8; 32], u64, &'a [u8; 32], u64, u64);

fn head(rev: u64, digest: &[u8; 32]) -> Result<HeadRef, StoreError> {
    Ok(HeadRef { rev: Tid::from_u64(rev)?, cid: cid_of_digest(digest)? })
}

fn repo((community, did, device, audience): Key, value: Value<'_>) -> Result<Repo, StoreError> {
    let (number, known_rev, known, held_rev, held, commit, records) = value;
    let tree = match commit {
        0 => None,
        _ => Some(Held { head: head(held_rev, held)?, commit, records: records & !AWAITED }),
    };
    let awaited = records & AWAITED != 0;
    Ok(Repo {
        number,
        community,
        did,
        device,
        audience: audience_of(audience),
        known: head(known_rev, known)?,
        held: tree.filter(|_| !awaited),
        awaited,
        base: tree.filter(|_| awaited),
    })
}

pub(super) trait Repos: Blocks {
    fn repo_at(&self, number: u32) -> Result<Option<Repo>, StoreError> {
        let Some(key) = self.repo_keys().get(number)? else { return Ok(None) };
        let key = key.value();
        self.repos().get(key)?.map(|row| repo(key, row.value())).transpose()
    }

    fn repo(&self, community: u32, id: &RepoId) -> Result<Option<Repo>, StoreError> {
        let (Some(did), Some(device)) = (self.number(Name::Key(&id.did))?, self.number(Name::Key(&id.device))?) else {
            return Ok(None);
        };
        let key = (community, did, device, audience_code(id.audience));
        self.repos().get(key)?.map(|row| repo(key, row.value())).transpose()
    }

    /// All repositories of a community; `did` Some: of one person.
    fn repos_of(&self, community: u32, did: Option<u32>) -> Result<Vec<Repo>, StoreError> {
        let range = match did {
            Some(did) => (community, did, 0, 0)..=(community, did, u32::MAX, u8::MAX),
            None => (community, 0, 0, 0)..=(community, u32::MAX, u32::MAX, u8::MAX),
        };
        self.repos()
            .range(range)?
            .map(|row| {
                let (key, value) = row?;
                repo(key.value(), value.value())
            })
            .collect()
    }

    fn repo_id(&self, repo: &Repo) -> Result<RepoId, StoreError> {
        Ok(RepoId { did: self.key_of(repo.did)?, device: self.key_of(repo.device)?, audience: repo.audience })
    }

    fn leaf(&self, repo: u32, collection: u32, rkey: &str) -> Result<Option<Leaf>, StoreError> {
        let Some(row) = self.leaves().get((repo, collection, rkey.as_bytes()))? else { return Ok(None) };
        self.leaf_of(row.value()).map(Some)
    }

    fn leaf_of(&self, (seq, rev, _): (u64, u64, u16)) -> Result<Leaf, StoreError> {
        Ok(Leaf { seq, rev: Tid::from_u64(rev)?, cid: self.cid_at(seq)? })
    }

    /// The leaf at `collection/rkey`.
    fn leaf_at(&self, repo: u32, path: &str) -> Result<Option<Leaf>, StoreError> {
        let Some((collection, rkey)) = path.split_once('/') else { return Ok(None) };
        match self.number(Name::Collection(collection))? {
            Some(collection) => self.leaf(repo, collection, rkey),
            None => Ok(None),
        }
    }

    /// What stands at these paths, as far as anything does. Given in path order they cost one search for each stretch in
    /// which nothing stands, however many of them lie there.
    fn leaves_at<'p>(
        &self,
        repo: u32,
        paths: impl IntoIterator<Item = &'p str>,
    ) -> Result<HashMap<&'p str, Leaf>, StoreError> {
        let mut found = HashMap::new();
        let mut numbered: Option<(&str, Option<u32>)> = None;
        // Of the collection looked through: where the last search began, and the first key there; None: there is none.
        let mut free: Option<(u32, &str, Option<Vec<u8>>)> = None;
        for path in paths {
            let Some((name, rkey)) = path.split_once('/') else { continue };
            let number = match numbered {
                Some((last, number)) if last == name => number,
                _ => self.number(Name::Collection(name))?,
            };
            numbered = Some((name, number));
            let Some(collection) = number else { continue };
            if let Some((of, from, first)) = &free
                && *of == collection
                && *from <= rkey
                && first.as_ref().is_none_or(|first| rkey.as_bytes() < first.as_slice())
            {
                continue;
            }
            let range = (repo, collection, rkey.as_bytes())..(repo, collection + 1, LOWEST);
            let mut first = None;
            if let Some(row) = self.leaves().range(range)?.next() {
                let (key, value) = row?;
                let at = key.value().2;
                if at == rkey.as_bytes() {
                    found.insert(path, self.leaf_of(value.value())?);
                    continue;
                }
                first = Some(at.to_vec());
            }
            free = Some((collection, rkey, first));
        }
        Ok(found)
    }

    /// Whether one repository's entry at a path counts before another's: by the one order, and of equal entries by
    /// device and audience, which are the same on every node.
    fn precedes(&self, (repo, leaf): (&Repo, &Leaf), (other, theirs): (&Repo, &Leaf)) -> Result<bool, StoreError> {
        if (leaf.rev, leaf.cid) != (theirs.rev, theirs.cid) {
            return Ok(leaf.beats(theirs));
        }
        let ours = (self.key_of(repo.device)?, repo.audience);
        Ok(ours < (self.key_of(other.device)?, other.audience))
    }

    /// Of these repositories' entries at a path, the one that counts.
    fn first_of(&self, repos: &[Repo], collection: u32, rkey: &str) -> Result<Option<(Repo, Leaf)>, StoreError> {
        let mut best: Option<(&Repo, Leaf)> = None;
        for repo in repos {
            let Some(leaf) = self.leaf(repo.number, collection, rkey)? else { continue };
            let first = match &best {
                Some((other, theirs)) => self.precedes((repo, &leaf), (other, theirs))?,
                None => true,
            };
            if first {
                best = Some((repo, leaf));
            }
        }
        Ok(best.map(|(repo, leaf)| (repo.clone(), leaf)))
    }

    /// Collections of a repository in path order, with their numbers.
    fn collections(&self, repo: u32) -> Result<BTreeMap<String, u32>, StoreError> {
        let mut found = BTreeMap::new();
        let mut from = 0;
        while let Some(row) = self.leaves().range((repo, from, LOWEST)..(repo + 1, 0, LOWEST))?.next() {
            let number = row?.0.value().1;
            // The slash makes the order of names the order of paths: "a.b/…" stands after "a.b.c/…".
            found.insert(format!("{}/", self.collection_of(number)?), number);
            from = number + 1;
        }
        Ok(found)
    }

    /// Calls `each` with every path and leaf in path order, from strictly after `after`, until it answers false.
    fn walk(
        &self,
        repo: u32,
        after: Option<&str>,
        mut each: impl FnMut(String, Leaf) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        for (prefix, number) in self.collections(repo)? {
            let rest = after.and_then(|after| after.strip_prefix(prefix.as_str()));
            if rest.is_none() && after.is_some_and(|after| prefix.as_str() < after) {
                continue;
            }
            let from = rest.unwrap_or_default().as_bytes();
            for row in self.leaves().range((repo, number, from)..(repo, number + 1, LOWEST))? {
                let (key, value) = row?;
                let rkey = key.value().2;
                if rest.is_some() && rkey == from {
                    continue;
                }
                let path = format!("{prefix}{}", String::from_utf8_lossy(rkey));
                if !each(path, self.leaf_of(value.value())?)? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Calls `each` with at most `most` paths and leaves of a collection, from the last, until it answers false.
    fn walk_back(
        &self,
        repo: u32,
        prefix: &str,
        collection: u32,
        most: usize,
        mut each: impl FnMut(String, Leaf) -> bool,
    ) -> Result<(), StoreError> {
        let rows = self.leaves().range((repo, collection, LOWEST)..(repo, collection + 1, LOWEST))?;
        for row in rows.rev().take(most) {
            let (key, value) = row?;
            let path = format!("{prefix}{}", String::from_utf8_lossy(key.value().2));
            if !each(path, self.leaf_of(value.value())?) {
                break;
            }
        }
        Ok(())
    }

    /// The whole tree as a map.
    fn entries(&self, repo: u32) -> Result<Entries, StoreError> {
        let mut entries = Entries::new();
        self.walk(repo, None, |path, leaf| {
            entries.insert(path, leaf.cid);
            Ok(true)
        })?;
        Ok(entries)
    }
}
impl<T: Tables> Repos for T {}

impl Writer<'_> {
    pub(super) fn save_repo(&mut self, repo: &Repo) -> Result<(), StoreError> {
        let key = (repo.community, repo.did, repo.device, audience_code(repo.audience));
        let awaited = if repo.awaited { AWAITED } else { 0 };
        let (held_rev, held, commit, records) = match repo.tree() {
            Some(tree) => (tree.head.rev.as_u64(), digest_of(&tree.head.cid), tree.commit, tree.records | awaited),
            None => (0, [0; 32], 0, awaited),
        };
        let known = digest_of(&repo.known.cid);
        self.t.repos.insert(key, (repo.number, repo.known.rev.as_u64(), &known, held_rev, &held, commit, records))?;
        self.t.repo_keys.insert(repo.number, key)?;
        Ok(())
    }

    /// A repository of which nothing is held, with a head we know of. Not saved yet.
    pub(super) fn new_repo(&mut self, community: u32, id: &RepoId, known: HeadRef) -> Result<Repo, StoreError> {
        let last = self.t.counters.get("repos")?.map_or(0, |n| n.value());
        let number = u32::try_from(last + 1).map_err(|_| StoreError::Refused("the store is full".into()))?;
        self.t.counters.insert("repos", u64::from(number))?;
        let did = self.intern(Name::Key(&id.did))?;
        let device = self.intern(Name::Key(&id.device))?;
        Ok(Repo {
            number,
            community,
            did,
            device,
            audience: id.audience,
            known,
            held: None,
            awaited: false,
            base: None,
        })
    }
}
