//! What concerns one person, found without looking through what does not: their own records, and by the index of what
//! records are about whatever others wrote to those, newest first.

use std::collections::HashMap;

use folkmoot_schemas::{Cid, Did};
use redb::ReadableTable;

use super::{
    StoreError, View, index,
    intern::{Name, Numbers},
    reader::Entry,
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
    /// (microseconds), newest first, at most `most`, and of one device `each`. Two subjects of one short id are told apart by the
    /// caller, who knows what the record should say.
    pub fn about_since(
        &self,
        community: &Cid,
        subject: &str,
        collection: &str,
        since: u64,
        (most, each): (usize, usize),
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
        let state = &roster.state;
        let mut of_one: HashMap<u32, usize> = HashMap::new();
        for row in self.t.about().range(range)?.rev().take(ROWS) {
            if found.len() >= most {
                break;
            }
            let (key, _) = row?;
            let (_, _, _, _, repo, rkey) = key.value();
            let n = of_one.entry(repo).or_default();
            *n += 1;
            if *n > each {
                continue;
            }
            let rkey = String::from_utf8_lossy(rkey);
            let entry = self.listed(self.scope(), community, repo, collection, number, &rkey)?;
            found.extend(entry.filter(|entry| state.is_member(&state.today(&entry.uri.did))));
        }
        Ok(found)
    }
}
