//! Taking an archive in: what the survey found whole is offered, in the order in which it can be judged, to whoever has
//! the store, in portions that fit one request. Every portion is one transaction there; an import that was cut goes on
//! at the next run with what is not held yet.

use std::collections::{BTreeMap, BTreeSet};

use folkmoot_schemas::{
    Audience, Cid, Error,
    block::Block,
    charter::Visibility,
    commit::{Commit, HeadRef, RepoId},
    identity::Identity,
    mst::{self, Visitor},
};

use super::{
    Archive, ArchiveError, Damage, Listed, Missing,
    index::{MEMBERS, Progress, Step, USED},
    survey::{Community, Kind, Repository, Survey},
};
use crate::store::{Applied, Batch, RepoUpdate};

/// Bytes of blocks in one portion: with names and paths it fits a frame of the control socket.
const PORTION: usize = 3 * 1024 * 1024;
/// What a path costs beside its block: text, CID and framing, in bytes.
const PATH_COST: usize = 128;

/// Who has the store: this process, or a running node.
pub trait Taker {
    type Error;
    /// None: a community not known there.
    fn held(&mut self, community: &Cid) -> Result<Option<Held>, Self::Error>;
    fn take(&mut self, batch: Batch) -> Result<Applied, Self::Error>;
}

/// What is held of a community already.
#[derive(Debug, Clone)]
pub struct Held {
    pub name: String,
    pub visibility: Visibility,
    /// Whose home it is belongs to it.
    pub joined: bool,
    pub heads: BTreeMap<RepoId, HeadRef>,
    /// Files that records link and whose bytes have not come, by audience.
    pub lacking: BTreeSet<(Audience, Cid)>,
    /// Over held heads, of the public audience and of all.
    pub snapshots: [Cid; 2],
}

#[derive(Debug, thiserror::Error)]
pub enum ImportError<E> {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The archive proves one record and holds no whole repository.
    #[error("the archive is the proof of one record and holds no whole repository")]
    Proof,
    #[error("{0}")]
    Taker(E),
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Imported {
    /// Distinct blocks of the archive.
    pub blocks: u64,
    pub bytes: u64,
    pub roots: Vec<Cid>,
    pub communities: Vec<CommunityIn>,
    pub damaged: Listed<Damage>,
    /// Named by something in the archive and not in it.
    pub missing: Listed<Missing>,
    /// Part of nothing, and where they stand.
    pub strangers: Listed<(Cid, u64)>,
    /// Not taken, and why.
    pub skipped: Listed<(String, String)>,
}

impl Imported {
    /// Nothing was damaged and nothing was missing.
    pub fn is_whole(&self) -> bool {
        self.damaged.is_empty() && self.missing.is_empty()
    }
}

/// One community's share.
#[derive(Debug, Clone)]
pub struct CommunityIn {
    pub id: Cid,
    pub name: String,
    pub joined: bool,
    /// Repositories that moved to the archive's head.
    pub taken: u64,
    /// Repositories that were as new here, or newer.
    pub known: u64,
    pub records: u64,
    pub files: u64,
    /// Files that records here link, that this archive did not bring, and that a sync may.
    pub lacking: u64,
    /// What is held now is the snapshot the archive was made of. None: its roots name none.
    pub equal: Option<bool>,
    pub snapshots: [Cid; 2],
}

/// Reads the archive twice more: to see what is whole, and to give it away.
pub fn import<T: Taker>(
    mut archive: Archive,
    taker: &mut T,
    progress: Progress<'_>,
) -> Result<Imported, ImportError<T::Error>> {
    let survey = Survey::new(&mut archive, &mut *progress)?;
    if matches!(survey.kind, Kind::Proof { .. }) {
        return Err(ImportError::Proof);
    }
    let Survey { communities, identities, missing, refused, files_missing, .. } = survey;
    let mut imported = Imported {
        blocks: archive.blocks(),
        bytes: archive.size,
        roots: archive.roots.clone(),
        damaged: archive.damaged.clone(),
        missing,
        ..Imported::default()
    };
    imported.missing.total += files_missing.total;
    imported.missing.shown.extend(files_missing.shown);
    imported.skipped.extend(refused.shown.into_iter().map(|(cid, why)| (cid.to_string(), why)));
    let identities: Vec<Block> = identities.into_values().map(|(block, _)| block).collect();
    let mut given = 0;
    for (id, community) in communities {
        let mut giver = Giver {
            archive: &archive,
            identities: &identities,
            taker,
            imported: &mut imported,
            progress: &mut *progress,
            given,
            community: id,
        };
        let share = giver.give(&community)?;
        given = giver.given;
        imported.communities.extend(share);
    }
    imported.strangers = archive.strangers()?;
    Ok(imported)
}

struct Giver<'a, T> {
    archive: &'a Archive,
    identities: &'a [Block],
    taker: &'a mut T,
    imported: &'a mut Imported,
    progress: &'a mut dyn FnMut(Step),
    /// Bytes, for the progress.
    given: u64,
    community: Cid,
}

impl<T: Taker> Giver<'_, T> {
    fn give(&mut self, community: &Community) -> Result<Option<CommunityIn>, ImportError<T::Error>> {
        let id = self.community;
        let before = self.held()?;
        let visibility = match (&before, &community.charter) {
            (Some(held), _) => held.visibility,
            (None, Some((_, charter))) => charter.visibility,
            (None, None) => {
                self.skip(id, "its charter is not in the archive, and it is not known here");
                return Ok(None);
            }
        };
        self.give_roster(community, visibility)?;
        let before = before.map_or_else(BTreeMap::new, |held| held.heads);
        let mut share = CommunityIn {
            id,
            name: String::new(),
            joined: false,
            taken: 0,
            known: 0,
            records: 0,
            files: 0,
            lacking: 0,
            equal: None,
            snapshots: [id; 2],
        };
        self.give_repositories(community, &before, &mut share)?;
        let Some(mut after) = self.held()? else { return Ok(None) };
        // An answer names only so many that are lacking.
        loop {
            let given = self.give_files(&after.lacking)?;
            let Some(then) = self.held()?.filter(|then| given > 0 && then.lacking != after.lacking) else { break };
            share.files += given;
            after = then;
        }
        share.name = after.name;
        share.joined = after.joined;
        share.lacking = after.lacking.len() as u64;
        share.snapshots = after.snapshots;
        if !community.snapshots.is_empty() {
            share.equal = Some(community.snapshots.iter().all(|snapshot| after.snapshots.contains(snapshot)));
        }
        Ok(Some(share))
    }

    fn held(&mut self) -> Result<Option<Held>, ImportError<T::Error>> {
        self.taker.held(&self.community).map_err(ImportError::Taker)
    }

    fn take(&mut self, batch: Batch) -> Result<Applied, ImportError<T::Error>> {
        let bytes = |blocks: &[Block]| blocks.iter().map(|block| block.bytes().len() as u64).sum::<u64>();
        self.given += bytes(&batch.identities) + bytes(&batch.ops) + bytes(&batch.loose);
        self.given += batch.repos.iter().map(|update| bytes(&update.blocks)).sum::<u64>();
        let applied = self.taker.take(batch).map_err(ImportError::Taker)?;
        let of = self.archive.size;
        (self.progress)(Step::Storing { at: self.given.min(of), of });
        for (cid, why) in &applied.refused {
            self.skip(*cid, why);
        }
        Ok(applied)
    }

    fn skip(&mut self, cid: Cid, why: &str) {
        self.imported.skipped.push((cid.to_string(), why.to_owned()));
    }

    /// Charter first, then operations after their ancestors, each with the identity it names; then every identity once
    /// more, for people whom only a later operation made members.
    fn give_roster(&mut self, community: &Community, visibility: Visibility) -> Result<(), ImportError<T::Error>> {
        let identities = self.identities;
        let audience = match visibility {
            Visibility::Public => Audience::Public,
            Visibility::Members => Audience::Members,
        };
        let by_cid: BTreeMap<&Cid, &Block> = identities.iter().map(|block| (block.cid(), block)).collect();
        let named = |cid: &Cid| by_cid.get(cid).map(|block| (*block).clone());
        let mut batch = Batch::new(self.community, audience);
        batch.charter = community.charter.as_ref().map(|(block, _)| block.clone());
        let founders = community.charter.iter().flat_map(|(_, charter)| &charter.founders);
        batch.identities.extend(founders.filter_map(|founder| named(&founder.identity)));
        let (mut bytes, mut carried) = (0, BTreeSet::new());
        for (block, op) in &community.ops {
            bytes += block.bytes().len() + PATH_COST;
            batch.ops.push(block.clone());
            if carried.insert(op.identity)
                && let Some(identity) = named(&op.identity)
            {
                bytes += identity.bytes().len() + PATH_COST;
                batch.identities.push(identity);
            }
            if bytes > PORTION {
                self.take(std::mem::replace(&mut batch, Batch::new(self.community, audience)))?;
                (bytes, carried) = (0, BTreeSet::new());
            }
        }
        self.take(batch)?;
        let mut batch = Batch::new(self.community, audience);
        let mut bytes = 0;
        for identity in identities {
            bytes += identity.bytes().len() + PATH_COST;
            batch.identities.push(identity.clone());
            if bytes > PORTION {
                self.take(std::mem::replace(&mut batch, Batch::new(self.community, audience)))?;
                bytes = 0;
            }
        }
        self.take(batch)?;
        Ok(())
    }

    fn give_repositories(
        &mut self,
        community: &Community,
        before: &BTreeMap<RepoId, HeadRef>,
        share: &mut CommunityIn,
    ) -> Result<(), ImportError<T::Error>> {
        let mut portion = Portion::default();
        let mut records: BTreeMap<Cid, u64> = BTreeMap::new();
        let mut advanced = BTreeSet::new();
        for repo in &community.repos {
            if before.get(&repo.id).is_some_and(|held| !repo.head().beats(held)) {
                share.known += 1;
                continue;
            }
            if let Err(why) = &repo.state {
                self.skip(*repo.block.cid(), why);
                continue;
            }
            records.insert(*repo.block.cid(), repo.records);
            // A portion is of one audience.
            if portion.audience.is_some_and(|audience| audience != repo.id.audience) {
                advanced.extend(self.send(&mut portion)?);
            }
            portion.audience = Some(repo.id.audience);
            let mut feed = Feed {
                giver: self,
                portion: &mut portion,
                repo,
                part: Vec::new(),
                first: true,
                advanced: &mut advanced,
            };
            mst::visit(&repo.commit.data, &mut feed).map_err(|stop| match stop {
                Stop::Import(error) => error,
                Stop::Tree(why) => ImportError::Archive(ArchiveError::Refused(why.to_string())),
            })?;
            feed.end();
        }
        advanced.extend(self.send(&mut portion)?);
        share.taken = advanced.len() as u64;
        share.records = advanced.iter().filter_map(|cid| records.get(cid)).sum();
        Ok(())
    }

    /// Of each commit the document that lists its device: what was given before is not kept of who is out.
    fn witnesses<'u>(&self, commits: impl Iterator<Item = &'u Block>) -> Vec<Block> {
        let mut witnesses = BTreeMap::new();
        for commit in commits.filter_map(|block| Commit::view(block).ok()) {
            let lists = |block: &&Block| {
                Identity::view(block).is_ok_and(|paper| paper.did == commit.did && paper.certifies(&commit.device))
            };
            let speaking = self.identities.iter().filter(lists).min_by_key(|block| *block.cid() != commit.identity);
            witnesses.extend(speaking.map(|block| (*block.cid(), block.clone())));
        }
        witnesses.into_values().collect()
    }

    /// Commits that became heads.
    fn send(&mut self, portion: &mut Portion) -> Result<Vec<Cid>, ImportError<T::Error>> {
        let Portion { audience: Some(audience), repos, .. } = std::mem::take(portion) else { return Ok(Vec::new()) };
        if repos.is_empty() {
            return Ok(Vec::new());
        }
        let last: BTreeMap<RepoId, bool> = repos.iter().map(|(id, update)| (*id, update.complete)).collect();
        let mut batch = Batch::new(self.community, audience);
        batch.identities = self.witnesses(repos.iter().map(|(_, update)| &update.commit));
        batch.repos = repos.into_iter().map(|(_, update)| update).collect();
        let applied = self.take(batch)?;
        for id in &applied.mismatched {
            if last.get(id) == Some(&true) {
                self.imported.skipped.push((id.to_string(), "its tree did not add up".into()));
            }
        }
        Ok(applied.advanced.into_iter().map(|(_, head)| head.cid).collect())
    }

    /// Files that are lacking and in the archive. What the archive holds for members is not given as public: who is in
    /// both has it again from a sync.
    fn give_files(&mut self, lacking: &BTreeSet<(Audience, Cid)>) -> Result<u64, ImportError<T::Error>> {
        let mut files = 0;
        for audience in [Audience::Members, Audience::Public] {
            let mut batch = Batch::new(self.community, audience);
            let mut bytes = 0;
            for (_, cid) in lacking.iter().filter(|(of, _)| *of == audience) {
                let guarded = audience == Audience::Public && self.archive.is_marked(cid, MEMBERS);
                if guarded || !self.archive.is_marked(cid, USED) {
                    continue;
                }
                let Some(block) = self.archive.get(cid)? else { continue };
                bytes += block.bytes().len() + PATH_COST;
                files += 1;
                batch.loose.push(block);
                if bytes > PORTION {
                    self.take(std::mem::replace(&mut batch, Batch::new(self.community, audience)))?;
                    bytes = 0;
                }
            }
            if !batch.loose.is_empty() {
                self.take(batch)?;
            }
        }
        Ok(files)
    }
}

/// Updates on their way, of one audience.
#[derive(Default)]
struct Portion {
    audience: Option<Audience>,
    repos: Vec<(RepoId, RepoUpdate)>,
    bytes: usize,
}

/// One tree, cut into parts where it does not fit a portion.
struct Feed<'g, 'a, T: Taker> {
    giver: &'g mut Giver<'a, T>,
    portion: &'g mut Portion,
    repo: &'g Repository,
    part: Vec<(String, Block)>,
    first: bool,
    advanced: &'g mut BTreeSet<Cid>,
}

enum Stop<E> {
    Import(ImportError<E>),
    Tree(Error),
}

impl<E> From<Error> for Stop<E> {
    fn from(error: Error) -> Self {
        Self::Tree(error)
    }
}

impl<T: Taker> Feed<'_, '_, T> {
    fn close(&mut self, complete: bool) {
        let part = std::mem::take(&mut self.part);
        let update = RepoUpdate {
            commit: self.repo.block.clone(),
            since: None,
            put: part.iter().map(|(path, block)| (path.clone(), *block.cid())).collect(),
            gone: Vec::new(),
            blocks: part.into_iter().map(|(_, block)| block).collect(),
            first: std::mem::replace(&mut self.first, false),
            complete,
        };
        self.portion.bytes += update.commit.bytes().len();
        self.portion.repos.push((self.repo.id, update));
    }

    fn end(mut self) {
        self.close(true);
    }
}

impl<T: Taker> Visitor for Feed<'_, '_, T> {
    type Error = Stop<T::Error>;

    fn node(&mut self, cid: &Cid) -> Result<Option<Block>, Self::Error> {
        self.giver.archive.get(cid).map_err(|error| Stop::Import(error.into()))
    }

    fn entry(&mut self, path: String, cid: Cid) -> Result<(), Self::Error> {
        // What was here in the survey and is not now makes the tree not add up; that is found out where it is stored.
        let Some(block) = self.giver.archive.get(&cid).map_err(|error| Stop::Import(error.into()))? else {
            return Ok(());
        };
        let cost = path.len() + PATH_COST + block.bytes().len();
        if self.portion.bytes + cost > PORTION {
            if !self.part.is_empty() {
                self.close(false);
            }
            self.advanced.extend(self.giver.send(self.portion).map_err(Stop::Import)?);
            self.portion.audience = Some(self.repo.id.audience);
        }
        self.portion.bytes += cost;
        self.part.push((path, block));
        Ok(())
    }
}

impl CommunityIn {
    /// The snapshot a home like this one calls its own.
    pub fn snapshot(&self) -> Cid {
        self.snapshots[usize::from(self.joined)]
    }
}
