//! Records by URI, by short id, by CID, by kind and by what they are about.

use std::{cmp::Reverse, collections::BTreeMap};

use data_encoding::BASE32_NOPAD;
use folkmoot_schemas::{Cid, Did, Record, Uri, block::Block};
use redb::ReadableTable;

use super::{
    Scope, StoreError, View,
    blocks::{Blocks, audience_code},
    index::{self, Times},
    intern::{Name, Numbers},
    reader::{Entry, Lookup},
    repos::{Leaf, Repo, Repos},
    tables::{LOWEST, Tables},
    trees::TREE_NODE,
};

impl View {
    /// Of a person's entries at one path, the one that counts. A tombstone counts like any other.
    pub(super) fn current(
        &self,
        scope: Scope,
        community: u32,
        did: u32,
        collection: u32,
        rkey: &str,
    ) -> Result<Option<(Repo, Leaf)>, StoreError> {
        self.t.first_of(&self.repos_of_person(scope, community, did)?, collection, rkey)
    }

    /// True when the entry of `repo` is the one that counts at its path.
    fn counts(&self, scope: Scope, repo: &Repo, collection: u32, rkey: &str) -> Result<bool, StoreError> {
        if self.repos_of_person(scope, repo.community, repo.did)?.len() == 1 {
            return Ok(true);
        }
        let current = self.current(scope, repo.community, repo.did, collection, rkey)?;
        Ok(current.is_some_and(|(winner, _)| winner.number == repo.number))
    }

    /// One repository's record by its own word; what counts is shown as [`revised`](Self::revised).
    pub(super) fn entry(
        &self,
        community: &Cid,
        repo: &Repo,
        name: &str,
        collection: u32,
        rkey: &str,
        leaf: Leaf,
    ) -> Result<Entry, StoreError> {
        let block = self.t.block_named(leaf.seq, leaf.cid)?;
        let (_, record) = Record::view(&block)?;
        let uri = Uri::new(*community, self.t.key_of(repo.did)?, name, rkey)?;
        let fault = index::fault(&record, &uri.path(), block.bytes().len()).or_else(|| self.overreach(&uri, &record));
        let (created, updated) = self.t.times(repo.number, collection, rkey, leaf.rev)?;
        Ok(Entry {
            uri,
            cid: leaf.cid,
            rev: leaf.rev,
            device: self.t.key_of(repo.device)?,
            audience: repo.audience,
            record,
            block,
            created,
            updated,
            fault,
            kept: false,
            revised: Vec::new(),
        })
    }

    /// Why pages hide what its author's role does not allow. Roles change and records stay, so that this is asked when
    /// reading and not kept in an index.
    fn overreach(&self, uri: &Uri, record: &Record) -> Option<String> {
        let state = &self.roster_in_scope(&uri.community)?.state;
        let role = state.role(&uri.did).or_else(|| state.former.get(&uri.did).map(|former| former.role))?;
        (!record.allowed(role)).then(|| format!("its author is a {}, who may not publish this", role.as_str()))
    }

    pub fn get(&self, uri: &Uri) -> Result<Lookup, StoreError> {
        let Some(roster) = self.roster_in_scope(&uri.community) else { return Ok(Lookup::Absent) };
        let (Some(did), Some(collection)) =
            (self.t.number(Name::Key(&uri.did))?, self.t.number(Name::Collection(&uri.collection))?)
        else {
            return Ok(Lookup::Absent);
        };
        if let Some((repo, leaf)) = self.current(self.scope(), roster.number, did, collection, &uri.rkey)? {
            let entry = self.entry(&uri.community, &repo, &uri.collection, collection, &uri.rkey, leaf)?;
            let entry = self.revised(entry)?;
            return Ok(match entry.record {
                Record::Tombstone(_) => Lookup::Gone(uri.clone()),
                _ => Lookup::Found(Box::new(entry)),
            });
        }
        let short = index::short(&uri.to_string());
        let seen = self.t.shorts().get(&short)?.is_some_and(|row| {
            let (community, person, kind, seen, rkey) = row.value();
            (community, person, kind, rkey) == (roster.number, did, collection, uri.rkey.as_bytes())
                && self.has_seen(seen)
        });
        Ok(if seen { Lookup::Gone(uri.clone()) } else { Lookup::Absent })
    }

    /// What each device of the author has at this path, tombstones too, the one that counts first.
    pub fn standing(&self, uri: &Uri) -> Result<Vec<Entry>, StoreError> {
        let (Some(roster), Some(did), Some(collection)) = (
            self.roster_in_scope(&uri.community),
            self.t.number(Name::Key(&uri.did))?,
            self.t.number(Name::Collection(&uri.collection))?,
        ) else {
            return Ok(Vec::new());
        };
        let mut standing = Vec::new();
        for repo in self.repos_of_person(self.scope(), roster.number, did)? {
            if let Some(leaf) = self.t.leaf(repo.number, collection, &uri.rkey)? {
                let entry = self.entry(&uri.community, &repo, &uri.collection, collection, &uri.rkey, leaf)?;
                standing.push((leaf, entry));
            }
        }
        // Devices that hold the same version come in the order of their keys, as on every node.
        standing.sort_by_key(|(leaf, entry)| (Reverse(leaf.rev), leaf.cid.to_bytes(), entry.device, entry.audience));
        Ok(standing.into_iter().map(|(_, entry)| entry).collect())
    }

    /// Whether `seen` (bits by audience) names one that this scope sees.
    fn has_seen(&self, seen: u8) -> bool {
        use folkmoot_schemas::Audience::{Members, Public};
        [Public, Members].into_iter().any(|a| self.scope().sees(a) && seen & (1 << audience_code(a)) != 0)
    }

    /// By short id or an unambiguous beginning of one (≥ 4 characters); `community` None: in all.
    /// A beginning that fits one present record and deleted ones names the present one.
    pub fn by_short(&self, community: Option<&Cid>, short: &str) -> Result<Lookup, StoreError> {
        let Some((least, greatest)) = bounds(short) else { return Ok(Lookup::Absent) };
        let (mut found, mut gone) = (Vec::new(), None);
        for row in self.t.shorts().range::<&[u8; 10]>(&least..=&greatest)? {
            let (_, value) = row?;
            let (number, did, collection, seen, rkey) = value.value();
            if !self.has_seen(seen) {
                continue;
            }
            let cid = self.t.community_of(number)?;
            if community.is_some_and(|wanted| *wanted != cid) {
                continue;
            }
            let (did, name) = (self.t.key_of(did)?, self.t.collection_of(collection)?);
            match self.get(&Uri::new(cid, did, &name, &String::from_utf8_lossy(rkey))?)? {
                Lookup::Found(entry) => found.push(entry),
                Lookup::Gone(uri) => gone = Some(uri),
                Lookup::Ambiguous(_) | Lookup::Absent => {}
            }
            if found.len() > 16 {
                break;
            }
        }
        Ok(match (found.len(), found.pop(), gone) {
            (1, Some(entry), _) => Lookup::Found(entry),
            (0, _, Some(uri)) => Lookup::Gone(uri),
            (0, ..) => Lookup::Absent,
            (_, last, _) => Lookup::Ambiguous(found.into_iter().chain(last).map(|entry| entry.uri).collect()),
        })
    }

    /// The current record with this CID, if any.
    pub fn by_cid(&self, cid: &Cid) -> Result<Option<Entry>, StoreError> {
        let Some(seq) = self.t.seq(cid)? else { return Ok(None) };
        for row in self.t.places().range((seq, 0, 0, LOWEST)..(seq + 1, 0, 0, LOWEST))? {
            let (key, _) = row?;
            let (_, number, collection, rkey) = key.value();
            if collection == TREE_NODE.0 {
                continue;
            }
            let rkey = String::from_utf8_lossy(rkey);
            let Some(repo) = self.t.repo_at(number)?.filter(|repo| shows(self.scope(), repo)) else { continue };
            if let Some(leaf) = self.t.leaf(number, collection, &rkey)?
                && self.counts(self.scope(), &repo, collection, &rkey)?
            {
                let (community, name) = (self.t.community_of(repo.community)?, self.t.collection_of(collection)?);
                return Ok(Some(self.revised(self.entry(&community, &repo, &name, collection, &rkey, leaf)?)?));
            }
        }
        Ok(None)
    }

    /// Current records of one kind, newest `created` first, strictly older than `before` = (created, short id); those
    /// created in the same microsecond by short id. Those with a fault are left out.
    pub fn list(
        &self,
        community: &Cid,
        collection: &str,
        before: Option<(u64, &str)>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let mut found = Vec::new();
        let (Some(roster), Some(number)) =
            (self.roster_in_scope(community), self.t.number(Name::Collection(collection))?)
        else {
            return Ok(found);
        };
        // Backwards, so that what comes after `before` stands below it.
        let (time, short) = match before {
            Some((created, short)) => {
                (created, bounds(short).map_or([0; 10], |(_, greatest)| index::inverted(&greatest)))
            }
            None => (u64::MAX, [0xff; 10]),
        };
        let (from, to) = ((roster.number, number, 0, &[0; 10], 0), (roster.number, number, time, &short, 0));
        for row in self.t.by_time().range(from..to)?.rev() {
            if found.len() >= limit {
                break;
            }
            let (key, rkey) = row?;
            let rkey = String::from_utf8_lossy(rkey.value());
            found.extend(self.listed(self.scope(), community, key.value().4, collection, number, &rkey)?);
        }
        Ok(found)
    }

    /// The entry an index row names, if the scope sees it, it is the one that counts and nothing hides it.
    pub(super) fn listed(
        &self,
        scope: Scope,
        community: &Cid,
        repo: u32,
        name: &str,
        collection: u32,
        rkey: &str,
    ) -> Result<Option<Entry>, StoreError> {
        let Some(repo) = self.t.repo_at(repo)?.filter(|repo| shows(scope, repo)) else { return Ok(None) };
        match self.t.leaf(repo.number, collection, rkey)? {
            Some(leaf) if self.counts(scope, &repo, collection, rkey)? => {
                let entry = self.entry(community, &repo, name, collection, rkey, leaf)?;
                Ok(Some(self.revised(entry)?).filter(|entry| entry.fault.is_none()))
            }
            _ => Ok(None),
        }
    }

    /// Records whose `Kind::about` is `uri` (replies, updates, answers), oldest first.
    pub fn about(&self, uri: &Uri, collection: &str) -> Result<Vec<Entry>, StoreError> {
        self.about_in(self.scope(), uri, collection)
    }

    /// The same, of those whose authors `by` accepts; what others wrote is not even looked at.
    pub fn about_by(&self, uri: &Uri, name: &str, by: impl Fn(&Did) -> bool) -> Result<Vec<Entry>, StoreError> {
        self.about_of(self.scope(), uri, name, by)
    }

    pub(super) fn about_in(&self, scope: Scope, uri: &Uri, name: &str) -> Result<Vec<Entry>, StoreError> {
        self.about_of(scope, uri, name, |_| true)
    }

    fn about_of(
        &self,
        scope: Scope,
        uri: &Uri,
        name: &str,
        by: impl Fn(&Did) -> bool,
    ) -> Result<Vec<Entry>, StoreError> {
        let (mut found, mut accepted) = (Vec::new(), BTreeMap::new());
        let (Some(roster), Some(number)) =
            (self.roster_in_scope(&uri.community), self.t.number(Name::Collection(name))?)
        else {
            return Ok(found);
        };
        for (repo, rkey) in self.about_rows(roster.number, uri, number)? {
            let accepted = match accepted.get(&repo) {
                Some(known) => *known,
                None => {
                    let author = self.t.repo_at(repo)?.map(|repo| self.t.key_of(repo.did)).transpose()?;
                    *accepted.entry(repo).or_insert(author.is_some_and(|did| by(&did)))
                }
            };
            if !accepted {
                continue;
            }
            let entry = self.listed(scope, &uri.community, repo, name, number, &rkey)?;
            found.extend(entry.filter(|entry| entry.record.about().as_ref() == Some(uri)));
        }
        Ok(found)
    }

    /// Repository and rkey of what the index says is about `uri`, oldest first.
    pub(super) fn about_rows(
        &self,
        community: u32,
        uri: &Uri,
        collection: u32,
    ) -> Result<Vec<(u32, String)>, StoreError> {
        let short = index::short(&uri.to_string());
        let range = (community, &short, collection, 0, 0, LOWEST)..(community, &short, collection + 1, 0, 0, LOWEST);
        let rows = self.t.about().range(range)?;
        rows.map(|row| {
            let (key, _) = row?;
            let (_, _, _, _, repo, rkey) = key.value();
            Ok((repo, String::from_utf8_lossy(rkey).into_owned()))
        })
        .collect()
    }

    /// Number of records of a community in this scope. An entry that another device of its author overrules counts
    /// until that device removes it.
    pub fn count(&self, community: &Cid) -> Result<u64, StoreError> {
        let Some(roster) = self.roster_in_scope(community) else { return Ok(0) };
        let repos = self.t.repos_of(roster.number, None)?;
        let held = repos.iter().filter(|repo| self.scope().sees(repo.audience)).filter_map(|repo| repo.held);
        Ok(held.map(|held| held.records).sum())
    }

    /// A block reachable in this scope in this community.
    pub fn block(&self, community: &Cid, cid: &Cid) -> Result<Option<Block>, StoreError> {
        use folkmoot_schemas::Audience::{Members, Public};
        let (Some(roster), Some(seq)) = (self.roster_in_scope(community), self.t.seq(cid)?) else { return Ok(None) };
        for audience in [Public, Members] {
            if self.scope().sees(audience) && self.t.reaches(seq, Some(roster.number), audience)? {
                return Ok(Some(self.t.block_named(seq, *cid)?));
            }
        }
        Ok(None)
    }

    /// Any block of the public audience of any public community: `/b/<cid>`, `/ipfs/<cid>`.
    pub fn public_block(&self, cid: &Cid) -> Result<Option<Block>, StoreError> {
        match self.t.seq(cid)? {
            Some(seq) if self.t.reaches(seq, None, folkmoot_schemas::Audience::Public)? => {
                Ok(Some(self.t.block_named(seq, *cid)?))
            }
            _ => Ok(None),
        }
    }
}

fn shows(scope: Scope, repo: &Repo) -> bool {
    repo.held.is_some() && scope.sees(repo.audience)
}

/// Least and greatest short id that begins like this. None: no beginning of one.
fn bounds(short: &str) -> Option<([u8; 10], [u8; 10])> {
    if !(4..=16).contains(&short.len()) || !short.is_ascii() {
        return None;
    }
    let fill = |with: &str| {
        let text = short.to_ascii_uppercase() + &with.repeat(16 - short.len());
        BASE32_NOPAD.decode(text.as_bytes()).ok()?.try_into().ok()
    };
    Some((fill("A")?, fill("7")?))
}
