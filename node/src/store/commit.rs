//! Our own commits: read, decided, signed and stored in one write transaction, so that no two can follow the same head.

use std::collections::{BTreeMap, HashMap, HashSet};

use folkmoot_schemas::{
    Audience, Cid, Did, Record, Tid,
    block::Block,
    commit::{Commit, HeadRef, RepoId},
    limits,
    mst::Changes,
    uri,
};
use redb::ReadableTable;

use super::{
    OwnCommit, Store, StoreError,
    advance::{Put as Entry, Source, Step},
    blocks::Blocks,
    intern::{Name, Numbers},
    likeness::likeness,
    people::People,
    repos::{Leaf, Repo, Repos},
    shelf::Shelves,
    trees::Trees,
    write::{Change, Committed, Put},
    writer::Writer,
};

/// How long an equal record counts as the same one, sent twice: 10 minutes, in microseconds.
const TWICE: u64 = 10 * 60 * 1_000_000;
/// How many of the newest records, beside as many as are given, are looked into for an equal one: a post after a large
/// import must not cost reading all that was imported.
const LOOKED_INTO: usize = 500;

/// Stands for the rev where records are compared that differ in it.
const NO_REV: Tid = Tid::MIN;

/// The latest rev that a device whose clock is somewhat right may give now.
pub(super) fn latest(now: u64) -> Tid {
    Tid::new(now.saturating_add(limits::CLOCK_AHEAD * 1_000_000), u16::MAX)
}

impl Store {
    /// A commit of our own: built and signed inside the transaction by the closure-free [`OwnCommit`] plan, so that two
    /// callers can never sign the same `prev`. Durable when this returns.
    pub fn commit_own(&self, plan: OwnCommit<'_>) -> Result<Committed, StoreError> {
        self.write(|w| w.commit_own(plan, Seen::Now))
    }
}

/// What a commit says that its device had seen of the person's other devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    Now,
    /// As the commit before: housekeeping writes no version that could know of others.
    AsBefore,
}

/// The plan worked out: what is written, and what the caller is told.
#[derive(Default)]
struct Work {
    /// By path: the last change of a path counts.
    puts: BTreeMap<String, (Tid, Block, Record)>,
    gone: Vec<String>,
    adopted: BTreeMap<String, Leaf>,
    answers: Vec<Put>,
    last: Option<Tid>,
    /// The newest version, on any device, of what is removed: the commit has to be newer still.
    above: Option<Tid>,
}

impl Writer<'_> {
    pub(super) fn commit_own(&mut self, mut plan: OwnCommit<'_>, seen: Seen) -> Result<Committed, StoreError> {
        let refused = |why: &str| Err(StoreError::Refused(why.to_owned()));
        let Some(roster) = self.rosters.get(&plan.community).cloned() else {
            return refused("this community is not known here");
        };
        if !roster.state.is_member(&plan.did) {
            return refused("you are not a member of this community");
        }
        if plan.audience < roster.audience() {
            return refused("this community has no public audience");
        }
        let id = RepoId { did: plan.did, device: plan.device.did(), audience: plan.audience };
        let identity = match self.t.newest(&plan.did)? {
            Some((block, identity)) if identity.certifies(&id.device) => *block.cid(),
            _ => return refused("this device is not one of yours any more"),
        };
        let repo = self.t.repo(roster.number, &id)?;
        let shelf = self.t.shelf_of(roster.number, plan.audience)?;
        match &shelf {
            Some(shelf) => {
                let mut changes = self.unshelving(shelf, repo.as_ref())?;
                changes.append(&mut plan.changes);
                plan.changes = changes;
            }
            // It would replace, on every node, a tree that is only not here.
            None if repo.as_ref().is_some_and(|repo| repo.held.is_none()) => {
                return refused("what this device published here earlier has to be fetched first");
            }
            None => {}
        }
        let newest = self.newest_rev(roster.number, &id)?;
        let given = std::mem::take(&mut plan.changes);
        let work = self.work_out(&plan, given, roster.number, repo.as_ref(), newest)?;
        let held = repo.as_ref().and_then(|repo| repo.held);
        if work.puts.is_empty() && work.gone.is_empty() && work.adopted.is_empty() {
            self.clear_shelf(roster.number, plan.audience)?;
            let Some(held) = held else { return refused("this device has published nothing here yet") };
            return Ok(Committed {
                commit: self.t.block_named(held.commit, held.head.cid)?,
                head: held.head,
                puts: work.answers,
                gone: Vec::new(),
                adopted: 0,
                blocks: Vec::new(),
                wrote: false,
            });
        }
        // No record is newer than the commit above it.
        let above = work.above.max(work.adopted.values().map(|leaf| leaf.rev).max());
        let rev = match work.last {
            Some(last) if above < Some(last) => last,
            last => Tid::next(plan.now, plan.random, last.or(newest), above),
        };

        let mut changes: Changes = work.gone.iter().map(|path| (path.clone(), None)).collect();
        changes.extend(work.puts.iter().map(|(path, (_, block, _))| (path.clone(), Some(*block.cid()))));
        changes.extend(work.adopted.iter().map(|(path, leaf)| (path.clone(), Some(leaf.cid))));
        let mut count = held.map_or(0, |held| held.records);
        let before = match &repo {
            Some(repo) => self.t.leaves_at(repo.number, changes.keys().map(String::as_str))?,
            None => HashMap::new(),
        };
        for (path, put) in &changes {
            count = count + u64::from(put.is_some()) - u64::from(before.contains_key(path.as_str()));
        }
        let before = before.into_iter().map(|(path, leaf)| (path.to_owned(), leaf)).collect();
        let tree = self.t.changed_tree(repo.as_ref(), &changes)??;
        let commit = Commit {
            did: plan.did,
            device: id.device,
            community: plan.community,
            audience: plan.audience,
            rev,
            data: tree.root,
            identity,
            count,
            prev: held.map(|held| held.head),
            seen: match (seen, held) {
                (Seen::AsBefore, Some(held)) => Commit::view(&self.t.block_named(held.commit, held.head.cid)?)?.seen,
                _ => self.seen(roster.number, &id)?,
            },
        };
        let block = commit.seal(plan.device)?;
        let head = HeadRef { rev, cid: *block.cid() };
        let mut repo = match repo {
            Some(repo) => repo,
            None => self.new_repo(roster.number, &id, head)?,
        };
        // More is fetched by those who hear of it.
        let said: usize = work.puts.values().map(|(_, block, _)| block.bytes().len()).sum();
        let blocks = match said <= limits::ANNOUNCE_INLINE {
            true => work.puts.iter().map(|(path, (_, block, _))| (path.clone(), block.clone())).collect(),
            false => Vec::new(),
        };
        let adopted = work.adopted.len() as u64;
        let taken_over = work.adopted.into_iter().map(|(path, leaf)| Entry {
            path,
            cid: leaf.cid,
            rev: leaf.rev,
            source: Source::Stored(leaf.seq),
        });
        let puts = work
            .puts
            .into_iter()
            .map(|(path, (rev, block, record))| Entry {
                path,
                cid: *block.cid(),
                rev,
                source: Source::New(block, Box::new(record)),
            })
            .chain(taken_over)
            .collect();
        self.advance(
            &mut repo,
            Step {
                commit: block.clone(),
                head,
                count: commit.count,
                puts,
                gone: work.gone.clone(),
                before,
                tree,
                own: true,
                now: plan.now,
            },
        )?;
        self.clear_shelf(roster.number, plan.audience)?;
        Ok(Committed { commit: block, head, puts: work.answers, gone: work.gone, adopted, blocks, wrote: true })
    }

    /// Gives every new record its rev and path. All records of a commit take consecutive TIDs; the last is the commit's.
    fn work_out(
        &self,
        plan: &OwnCommit<'_>,
        changes: Vec<Change>,
        community: u32,
        repo: Option<&Repo>,
        newest: Option<Tid>,
    ) -> Result<Work, StoreError> {
        let mut work = Work::default();
        let recent = self.recent(plan.now, &changes, repo)?;
        for change in changes {
            let (rkey, record, again) = match change {
                Change::Put { rkey, record, again } => (rkey, record, again),
                Change::Adopt { path, cid, rev } => {
                    let seq = self.t.seq(&cid)?.ok_or_else(|| StoreError::inconsistent("a record to take over"))?;
                    work.adopted.insert(path, Leaf { seq, rev, cid });
                    continue;
                }
                Change::Back { path, block } => {
                    let (rev, record) = Record::view(&block)?;
                    work.above = work.above.max(Some(rev));
                    work.gone.retain(|gone| *gone != path);
                    work.puts.insert(path, (rev, block, record));
                    continue;
                }
                Change::Remove { path } => {
                    let held = match repo {
                        Some(repo) => self.t.leaf_at(repo.number, &path)?.is_some(),
                        None => false,
                    };
                    let aside = work.adopted.remove(&path);
                    if work.puts.remove(&path).is_some() || aside.is_some() || held {
                        let newest = overruled(self.newest_at(community, plan, &path)?, newest, plan.now)?;
                        work.above = work.above.max(newest).max(aside.map(|leaf| leaf.rev));
                        work.gone.push(path);
                    }
                    continue;
                }
            };
            let fixed = match (rkey, &record) {
                // A tombstone stands where the deleted record stood, so its "rkey" is that whole path.
                (Some(path), Record::Tombstone(_)) => Some(path),
                (None, Record::Tombstone(_)) => {
                    return Err(StoreError::Refused("a tombstone needs the path it stands at".into()));
                }
                (Some(rkey), _) => Some(format!("{}/{rkey}", record.name())),
                (None, _) => record.rkey().map(|rkey| format!("{}/{rkey}", record.name())),
            };
            if fixed.is_none() && !again && !recent.is_empty() {
                let content = record.encode(NO_REV)?;
                if let Some(put) = recent.get(content.cid()) {
                    work.answers.push(put.clone());
                    continue;
                }
            }
            let replaces = match &fixed {
                Some(path) => {
                    let there = overruled(self.newest_at(community, plan, path)?, newest, plan.now)?;
                    there.max(work.adopted.get(path).map(|leaf| leaf.rev))
                }
                None => None,
            };
            let rev = Tid::next(plan.now, plan.random, work.last.or(newest), replaces);
            let path = fixed.unwrap_or_else(|| format!("{}/{rev}", record.name()));
            uri::check_path(&path)?;
            let block = record.encode(rev)?;
            if block.bytes().len() > limits::RECORD {
                return Err(StoreError::Refused(format!("a record of {} bytes is too long", block.bytes().len())));
            }
            work.last = Some(rev);
            work.gone.retain(|gone| *gone != path);
            work.adopted.remove(&path);
            work.answers.push(Put { path: path.clone(), cid: *block.cid(), rev, existed: false });
            work.puts.insert(path, (rev, block, record));
        }
        Ok(work)
    }

    /// The last rev of this device, over both its audiences: a TID is given once, or a public and a members' record
    /// written in one microsecond would share their path. What stands aside counts too.
    fn newest_rev(&self, community: u32, id: &RepoId) -> Result<Option<Tid>, StoreError> {
        let mut newest = None;
        for audience in [Audience::Public, Audience::Members] {
            let repo = self.t.repo(community, &RepoId { audience, ..*id })?;
            newest = newest.max(repo.map(|repo| repo.known.rev)).max(self.t.shelf_rev(community, audience)?);
        }
        Ok(newest)
    }

    /// Heads held of the person's other devices, for the same audience: a public commit says nothing of the rest.
    fn seen(&self, community: u32, id: &RepoId) -> Result<BTreeMap<Did, Tid>, StoreError> {
        let mut seen = BTreeMap::new();
        let Some(did) = self.t.number(Name::Key(&id.did))? else { return Ok(seen) };
        for repo in self.t.repos_of(community, Some(did))?.into_iter().filter(|repo| repo.audience == id.audience) {
            let device = self.t.key_of(repo.device)?;
            if let Some(held) = repo.held.filter(|_| device != id.device) {
                seen.insert(device, held.head.rev);
            }
        }
        Ok(seen)
    }

    /// The greatest rev at a path over all repositories of this person: a new version must be newer than each.
    fn newest_at(&self, community: u32, plan: &OwnCommit<'_>, path: &str) -> Result<Option<Tid>, StoreError> {
        let Some(did) = self.t.number(Name::Key(&plan.did))? else { return Ok(None) };
        let mut newest = None;
        for repo in self.t.repos_of(community, Some(did))? {
            newest = newest.max(self.t.leaf_at(repo.number, path)?.map(|leaf| leaf.rev));
        }
        Ok(newest)
    }

    /// Of this device's newest records of the last minutes at TID paths those that may equal a given one, by their content
    /// with the rev left out.
    fn recent(&self, now: u64, changes: &[Change], repo: Option<&Repo>) -> Result<HashMap<Cid, Put>, StoreError> {
        let mut recent = HashMap::new();
        let Some(repo) = repo else { return Ok(recent) };
        let mut given: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
        for change in changes {
            if let Change::Put { rkey: None, record, again: false } = change
                && record.rkey().is_none()
                && !matches!(record, Record::Tombstone(_))
            {
                given.entry(record.name()).or_default().push(record);
            }
        }
        let from = Tid::new(now.saturating_sub(TWICE), 0).to_string();
        for (name, given) in given {
            let Some(collection) = self.t.number(Name::Collection(name))? else { continue };
            let range =
                (repo.number, collection, from.as_bytes())..(repo.number, collection + 1, super::tables::LOWEST);
            let mut newest = self.t.leaves.range(range)?.rev().take(LOOKED_INTO + given.len()).peekable();
            if newest.peek().is_none() {
                continue;
            }
            let alike = |record: &&Record| Ok(likeness(record.encode(NO_REV)?.bytes(), NO_REV));
            let given: HashSet<u16> = given.iter().map(alike).collect::<Result<_, StoreError>>()?;
            for row in newest {
                let (key, value) = row?;
                let (rkey, (seq, rev, likeness)) = (key.value().2, value.value());
                if !given.contains(&likeness) {
                    continue;
                }
                let Some(tid) = std::str::from_utf8(rkey).ok().and_then(|rkey| rkey.parse::<Tid>().ok()) else {
                    continue;
                };
                let block = self.t.block_at(seq)?;
                let (_, record) = Record::view(&block)?;
                let content = *record.encode(NO_REV)?.cid();
                let put =
                    Put { path: format!("{name}/{tid}"), cid: *block.cid(), rev: Tid::from_u64(rev)?, existed: true };
                // Of several equal ones the oldest, which comes last.
                recent.insert(content, put);
            }
        }
        Ok(recent)
    }
}

/// What stands at a path that is written or removed, given the last rev of this device. A commit has to be newer, and so
/// has every later one: what another device dated into a far future would leave this one nothing newer to give.
fn overruled(there: Option<Tid>, own: Option<Tid>, now: u64) -> Result<Option<Tid>, StoreError> {
    if there.is_some_and(|there| there > latest(now)) && there > own {
        let why = "another device of yours wrote it, dated far into the future: take that device out with `moot device revoke`";
        return Err(StoreError::Refused(why.into()));
    }
    Ok(there)
}
