//! What concerns one person, found without looking through what does not: their own records, and by the index of what
//! records are about whatever others wrote to those, newest first.

use std::collections::{HashMap, hash_map};

use folkmoot_schemas::{Cid, Did};
use redb::ReadableTable;

use super::{
    StoreError, View, index,
    intern::{Name, Numbers},
    reader::Entry,
    repos::Repos,
    tables::{LOWEST, Tables},
};

/// Rows of the index looked through: one person can write any number of them, which costs little until they are opened.
const ROWS: usize = 100_000;

impl View {
    /// A person's current records of one kind, at most `most`: those with the greatest keys, which for kinds with a TID
    /// are the newest.
    pub fn by_person(
        &self,
        community: &Cid,
        did: &Did,
        collection: &str,
        most: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let mut found = Vec::new();
        let (Some(roster), Some(did), Some(number)) = (
            self.roster_in_scope(community),
            self.t.number(Name::Key(did))?,
            self.t.number(Name::Collection(collection))?,
        ) else {
            return Ok(found);
        };
        for repo in self.repos_of_person(self.scope(), roster.number, did)? {
            let rows = self.t.leaves().range((repo.number, number, LOWEST)..(repo.number, number + 1, LOWEST))?;
            for row in rows.rev().take(most) {
                let (key, _) = row?;
                let rkey = String::from_utf8_lossy(key.value().2);
                found.extend(self.listed(self.scope(), community, repo.number, collection, number, &rkey)?);
            }
        }
        Ok(found)
    }

    /// What members wrote about `subject` (a URI, or the did of somebody they mention) and created at or after `since`
    /// (microseconds), newest first, at most `most`, and of one device `each`. Two subjects of one short id are told
    /// apart by the caller, who knows what the record should say.
    pub fn about_since(
        &self,
        community: &Cid,
        subject: &str,
        collection: &str,
        since: u64,
        bounds: (usize, usize),
    ) -> Result<Vec<Entry>, StoreError> {
        let Some(roster) = self.roster_in_scope(community) else { return Ok(Vec::new()) };
        let state = &roster.state;
        self.about_since_by(community, subject, collection, since, bounds, |did| state.is_member(&state.today(did)))
    }

    /// The same of those whose authors, under the dids they wrote with, are `wanted`.
    pub fn about_since_by(
        &self,
        community: &Cid,
        subject: &str,
        collection: &str,
        since: u64,
        (most, each): (usize, usize),
        wanted: impl Fn(&Did) -> bool,
    ) -> Result<Vec<Entry>, StoreError> {
        let mut found = Vec::new();
        let (Some(roster), Some(number)) =
            (self.roster_in_scope(community), self.t.number(Name::Collection(collection))?)
        else {
            return Ok(found);
        };
        let short = index::short(subject);
        let range =
            (roster.number, &short, number, since, 0, LOWEST)..(roster.number, &short, number + 1, 0, 0, LOWEST);
        // Of each repository: is it wanted, and how much of it was taken.
        let mut of_one: HashMap<u32, (bool, usize)> = HashMap::new();
        for row in self.t.about().range(range)?.rev().take(ROWS) {
            if found.len() >= most {
                break;
            }
            let (key, _) = row?;
            let (_, _, _, _, repo, rkey) = key.value();
            let (wanted, n) = match of_one.entry(repo) {
                hash_map::Entry::Occupied(known) => known.into_mut(),
                hash_map::Entry::Vacant(free) => {
                    let did = self.t.repo_at(repo)?.map(|repo| self.t.key_of(repo.did)).transpose()?;
                    free.insert((did.is_some_and(|did| wanted(&did)), 0))
                }
            };
            if !*wanted || *n >= each {
                continue;
            }
            *n += 1;
            let rkey = String::from_utf8_lossy(rkey);
            found.extend(self.listed(self.scope(), community, repo, collection, number, &rkey)?);
        }
        Ok(found)
    }
}
