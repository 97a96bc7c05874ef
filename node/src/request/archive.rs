//! Writing archives, proving single records, and taking in what an archive brings.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use folkmoot_schemas::{
    Audience, Cid, Did,
    block::Block,
    car::{self, CarError},
    charter::Visibility,
    commit::{HeadRef, RepoId},
    limits,
};
use serde::{Deserialize, Serialize};

use super::{
    Failure, Item, Reply,
    handle::{Answer, News, Outcome},
    resolve::Reading,
};
use crate::{
    archive::{self, ExportError, Exported, Held, Here, Taker, What},
    store::{Applied, Batch, RepoUpdate, Scope, reader::Community},
};

/// What is to be exported.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Exports {
    /// A record, as targets are named.
    Record(String),
    /// None: whose home this is. In the named community, else in all.
    Person(Option<Did>),
    Community,
}

/// What was written.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExportedInfo {
    pub what: String,
    /// `public` or `members`: the widest audience it was written for.
    pub audience: String,
    pub roots: Vec<String>,
    pub bytes: u64,
    pub blocks: u64,
    pub repositories: u64,
    pub records: u64,
    pub files: u64,
    /// Links to files that are not here.
    pub lacking: u64,
    /// Repositories with newer commits than are held here.
    pub behind: u64,
}

/// A portion of an archive. The lists say what each block of `car` is; `car` is a whole CARv1 archive.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WireBatch {
    pub community: Cid,
    pub audience: Audience,
    pub charter: Option<Cid>,
    pub identities: Vec<Cid>,
    pub ops: Vec<Cid>,
    pub repos: Vec<WireUpdate>,
    pub loose: Vec<Cid>,
    #[serde(with = "serde_bytes")]
    pub car: Vec<u8>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WireUpdate {
    pub commit: Cid,
    pub put: Vec<(String, Cid)>,
    #[serde(default)]
    pub first: bool,
    pub complete: bool,
}

/// What is held of a community: see [`Held`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HeldInfo {
    pub name: String,
    pub visibility: Visibility,
    pub joined: bool,
    pub heads: Vec<(RepoId, HeadRef)>,
    pub lacking: Vec<(Audience, Cid)>,
    pub snapshots: [Cid; 2],
}

/// What was done with a portion.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TakenInfo {
    pub advanced: Vec<(RepoId, HeadRef)>,
    pub mismatched: Vec<RepoId>,
    pub refused: Vec<(Cid, String)>,
}

/// A record and the archive that proves it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProofInfo {
    pub item: Item,
    /// Of its author, at present; None: no member.
    pub role: Option<String>,
    #[serde(with = "serde_bytes")]
    pub car: Vec<u8>,
}

/// Files of an audience that are named in one answer: it has to fit a frame.
const LACKING: usize = 50_000;
const BUFFER: usize = 256 * 1024;

impl Reading<'_> {
    /// Writes to `path`, which must not exist.
    pub(super) fn export(&self, what: Exports, community: Option<&str>, public: bool, path: &str) -> Answer {
        let (name, what) = self.exported(what, community, public)?;
        let path = PathBuf::from(path);
        let failed = |why: io::Error| {
            Failure::refused(format!("could not write {}: {why}", path.display()))
                .hint("choose another place with -o, or make room there")
        };
        if !path.is_absolute() {
            return Err(Failure::bug(format!("{} is not a whole path", path.display())));
        }
        let done = write_new(&path, what.may_be_for_members(), |file| archive::export(self.desk.store, &what, file));
        let done = done.map_err(|why| match why {
            ExportError::Car(CarError::Io(why)) => failed(why),
            ExportError::Store(error) => error.into(),
            ExportError::Absent(why) => Failure::refused(format!("could not export that: {why}"))
                .hint("`moot community list` and `moot feed` show what is here"),
            ExportError::Car(other) => Failure::bug(other.to_string()),
        })?;
        Ok(Reply::Exported(info(name, done)).into())
    }

    fn exported(&self, what: Exports, community: Option<&str>, public: bool) -> Result<(String, What), Failure> {
        match what {
            Exports::Community => {
                let community = self.community(community)?;
                Ok((community.name.clone(), What::Community(community.id, self.scope_of(community, public)?)))
            }
            Exports::Person(did) => {
                let did = did.unwrap_or(self.desk.me.did);
                let mut name = did.short();
                let mut scopes = Vec::new();
                for one in self.one_or_all(community)? {
                    // One of several that may not be seen is left out; one that was asked for is refused.
                    match self.scope_of(one, public) {
                        Ok(scope) => scopes.push((one.id, scope)),
                        Err(failure) if community.is_some() => return Err(failure),
                        Err(_) => continue,
                    }
                    name = self.view.name(&one.id, &did)?;
                }
                Ok((name, What::Person(did, scopes)))
            }
            Exports::Record(target) => {
                let entry = self.record(&target, community)?;
                self.unveiled(&entry.uri, &entry.record)?;
                let within = self.community(Some(&entry.uri.community.to_string()))?;
                let scope = match (entry.audience, within.visibility) {
                    (Audience::Public, Visibility::Public) => Scope::Public,
                    _ if public => return Err(Failure::refused("this is for members only").hint("leave out --public")),
                    _ => self.scope_of(within, false)?,
                };
                Ok((super::resolve::headline(&entry.record), What::Record(entry.uri, scope)))
            }
        }
    }

    /// How far an export may look: members see what is theirs, unless only the public part was asked for.
    fn scope_of(&self, community: &Community, public: bool) -> Result<Scope, Failure> {
        match (community.visibility, community.joined) {
            (Visibility::Public, joined) => Ok(if public || !joined { Scope::Public } else { Scope::Members }),
            (Visibility::Members, true) if !public => Ok(Scope::Members),
            (Visibility::Members, true) => {
                Err(Failure::refused(format!("{} is for members only: it has no public part", community.name))
                    .hint("leave out --public, and keep the archive among members"))
            }
            (Visibility::Members, false) => {
                Err(Failure::refused(format!("{} is for members only, and this home is no member", community.name))
                    .hint("a member can export it"))
            }
        }
    }

    pub(super) fn holding(&self, community: &Cid) -> Answer {
        let held = Here { store: self.desk.store, now: 0 }.held(community)?;
        Ok(Reply::Holding(held.map(Into::into)).into())
    }

    pub(super) fn take(&self, batch: WireBatch) -> Answer {
        let community = batch.community;
        let applied = self.desk.store.apply(opened(batch)?, self.desk.clock.micros())?;
        let moved = applied.roster_changed || applied.people_changed || !applied.advanced.is_empty();
        let Applied { advanced, mismatched, refused, .. } = applied;
        let outcome = Outcome::from(Reply::Taken(TakenInfo { advanced, mismatched, refused }));
        Ok(if moved { outcome.and(News::Added(community)) } else { outcome })
    }

    pub(super) fn proof(&self, target: &str, community: Option<&str>) -> Answer {
        let entry = self.record(target, community)?;
        self.unveiled(&entry.uri, &entry.record)?;
        let car = archive::proof(&self.view, &entry).map_err(|why| Failure::bug(why.to_string()))?;
        let car = car.ok_or_else(|| {
            let most = limits::CAR_PROOF >> 20;
            Failure::refused(format!("the proof of this record is larger than {most} MiB"))
                .hint("write it to a file: moot export URI -o FILE.car, then moot verify FILE.car")
        })?;
        let role = (self.communities.get(&entry.uri.community)).and_then(|c| c.state.role(&entry.uri.did));
        let role = role.map(|role| role.as_str().to_owned());
        Ok(Reply::Proof(Box::new(ProofInfo { item: self.item(&entry)?, role, car })).into())
    }
}

/// Creates the file, for its owner alone where it holds what is for members; synced when this returns, gone when it fails.
fn write_new<T>(
    path: &Path,
    private: bool,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<T, ExportError>,
) -> Result<T, ExportError> {
    let mode = if private { 0o600 } else { 0o644 };
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(CarError::from)?;
    let mut file = BufWriter::with_capacity(BUFFER, file);
    let written = write(&mut file).and_then(|done| {
        file.flush().and_then(|()| file.get_ref().sync_all()).map_err(CarError::from)?;
        Ok(done)
    });
    if written.is_err() {
        // What is left of it is of no use; a failure to remove it changes nothing about that.
        fs::remove_file(path).ok();
    }
    written
}

fn info(name: String, done: Exported) -> ExportedInfo {
    let audience = if done.for_members { Audience::Members } else { Audience::Public };
    ExportedInfo {
        what: name,
        audience: audience.to_string(),
        roots: done.roots.iter().map(Cid::to_string).collect(),
        bytes: done.bytes,
        blocks: done.blocks,
        repositories: done.repositories,
        records: done.records,
        files: done.files,
        lacking: done.lacking,
        behind: done.behind,
    }
}

impl From<Batch> for WireBatch {
    fn from(batch: Batch) -> Self {
        let cids = |blocks: &[Block]| blocks.iter().map(|block| *block.cid()).collect();
        let mut all: Vec<Block> = batch.charter.iter().cloned().collect();
        let mut wire = Self {
            community: batch.community,
            audience: batch.audience,
            charter: batch.charter.as_ref().map(|block| *block.cid()),
            identities: cids(&batch.identities),
            ops: cids(&batch.ops),
            repos: Vec::new(),
            loose: cids(&batch.loose),
            car: Vec::new(),
        };
        all.extend([batch.identities, batch.ops, batch.loose].concat());
        for update in batch.repos {
            let commit = *update.commit.cid();
            all.push(update.commit);
            all.extend(update.blocks);
            wire.repos.push(WireUpdate { commit, put: update.put, first: update.first, complete: update.complete });
        }
        wire.car = car::to_vec(&[], &all);
        wire
    }
}

/// The batch of a portion, its blocks verified.
fn opened(wire: WireBatch) -> Result<Batch, Failure> {
    let mut blocks = std::collections::HashMap::new();
    let damaged = |why: CarError| Failure::refused("this portion of an archive is damaged").because(why.to_string());
    let mut reader = car::Reader::new(wire.car.as_slice()).map_err(damaged)?;
    while let Some(block) = reader.next_block().map_err(damaged)? {
        blocks.insert(*block.cid(), block);
    }
    let named = |cids: &[Cid]| cids.iter().filter_map(|cid| blocks.get(cid).cloned()).collect::<Vec<_>>();
    let mut batch = Batch::new(wire.community, wire.audience);
    batch.charter = wire.charter.and_then(|cid| blocks.get(&cid).cloned());
    batch.identities = named(&wire.identities);
    batch.ops = named(&wire.ops);
    batch.loose = named(&wire.loose);
    for update in wire.repos {
        let Some(commit) = blocks.get(&update.commit).cloned() else { continue };
        let given = update.put.iter().filter_map(|(_, cid)| blocks.get(cid).cloned()).collect();
        batch.repos.push(RepoUpdate {
            commit,
            since: None,
            put: update.put,
            gone: Vec::new(),
            blocks: given,
            first: update.first,
            complete: update.complete,
        });
    }
    Ok(batch)
}

impl From<Held> for HeldInfo {
    fn from(held: Held) -> Self {
        Self {
            name: held.name,
            visibility: held.visibility,
            joined: held.joined,
            heads: held.heads.into_iter().collect(),
            lacking: [Audience::Public, Audience::Members]
                .into_iter()
                .flat_map(|of| held.lacking.iter().filter(move |(audience, _)| *audience == of).take(LACKING))
                .copied()
                .collect(),
            snapshots: held.snapshots,
        }
    }
}

impl From<HeldInfo> for Held {
    fn from(info: HeldInfo) -> Self {
        Self {
            name: info.name,
            visibility: info.visibility,
            joined: info.joined,
            heads: info.heads.into_iter().collect(),
            lacking: info.lacking.into_iter().collect(),
            snapshots: info.snapshots,
        }
    }
}

impl From<TakenInfo> for Applied {
    fn from(info: TakenInfo) -> Self {
        let TakenInfo { advanced, mismatched, refused } = info;
        Self { advanced, mismatched, refused, ..Self::default() }
    }
}
