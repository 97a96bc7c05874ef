//! What an archive holds, before anything of it is stored: which communities, whose repositories, whether their trees
//! are whole, and what is missing. Looks at the archive alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use folkmoot_schemas::{
    Audience, Cid, Did, Error, Record, Tid,
    block::{Block, DAG_CBOR},
    charter::Charter,
    commit::{Commit, HeadRef, RepoId},
    identity::Identity,
    kind::Kind as _,
    mst::{self, Visitor},
    records::profile::Profile,
    roster::{Act, Op},
    snapshot::Snapshot,
};

use super::{
    Archive, ArchiveError, Listed,
    index::{MEMBERS, Progress, Step, USED},
};

/// Commits of one repository that are looked into, the newest first: an archive normally holds one.
const CANDIDATES: usize = 4;
/// Trees may share records, but not so that walking them takes for ever: visits for each block of the archive.
const VISITS: u64 = 4;
/// And this many in any case.
const VISITS_LEAST: u64 = 10_000;

/// A block that something in the archive needs and that is not (wholly) in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    pub cid: Cid,
    /// In words: "a tree node", "a record" …
    pub what: &'static str,
}

#[derive(Debug)]
pub(super) struct Survey {
    pub(super) communities: BTreeMap<Cid, Community>,
    pub(super) identities: BTreeMap<Cid, (Block, Identity)>,
    /// What the roots name and what that needs, as far as it is not here.
    pub(super) missing: Listed<Missing>,
    /// What cannot be taken, and why.
    pub(super) refused: Listed<(Cid, String)>,
    /// Links of records to files the archive lacks.
    pub(super) files_missing: Listed<Missing>,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Roots: commit and record.
    Proof {
        commit: Cid,
        record: Cid,
    },
    Whole,
}

#[derive(Debug, Default)]
pub(super) struct Community {
    pub(super) charter: Option<(Block, Charter)>,
    /// Ancestors first.
    pub(super) ops: Vec<(Block, Op)>,
    pub(super) repos: Vec<Repository>,
    /// CIDs of the snapshots among the roots.
    pub(super) snapshots: Vec<Cid>,
}

/// A repository with a commit in the archive.
#[derive(Debug)]
pub(super) struct Repository {
    pub(super) id: RepoId,
    pub(super) block: Block,
    pub(super) commit: Commit,
    /// Every node and record of its tree is here and may be given to its audience. Or why not.
    pub(super) state: Result<(), String>,
    pub(super) records: u64,
    pub(super) profile: Option<Shown>,
}

/// What stands where a person's profile has its place.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub(super) rev: Tid,
    pub(super) cid: Cid,
    /// None: the profile was deleted, or is none that pages show.
    pub(super) name: Option<String>,
}

impl Repository {
    pub(super) fn head(&self) -> HeadRef {
        self.commit.head(*self.block.cid())
    }
}

impl Survey {
    pub(super) fn new(archive: &mut Archive, progress: Progress<'_>) -> Result<Self, ArchiveError> {
        let mut survey = Self {
            communities: BTreeMap::new(),
            identities: BTreeMap::new(),
            missing: Listed::default(),
            refused: Listed::default(),
            files_missing: Listed::default(),
            kind: Kind::Whole,
        };
        let mut named = Named::default();
        survey.take_roots(archive, &mut named);
        survey.take_charters(archive);
        survey.take_ops(archive);
        survey.take_identities(archive);
        survey.name_roster(&mut named);
        let commits = survey.commits(archive);
        survey.kind = kind(archive, &commits);
        survey.take_repositories(archive, commits, &named, progress)?;
        let named: BTreeSet<Missing> =
            named.0.into_iter().filter(|(cid, _)| !archive.has(cid)).map(|(cid, what)| Missing { cid, what }).collect();
        survey.missing.extend(named);
        Ok(survey)
    }

    fn take_roots(&mut self, archive: &mut Archive, named: &mut Named) {
        for root in archive.roots.clone() {
            named.add(root, "a root");
        }
        for block in archive.structures.snapshots.clone() {
            match Snapshot::open(block.bytes()) {
                Ok((_, snapshot)) => {
                    archive.mark(block.cid(), USED);
                    named.add(snapshot.community, "the charter");
                    snapshot.roster.iter().for_each(|cid| named.add(*cid, "a roster operation"));
                    snapshot.people.values().for_each(|cid| named.add(*cid, "an identity"));
                    snapshot.repos.values().for_each(|cid| named.add(*cid, "a commit"));
                    self.communities.entry(snapshot.community).or_default().snapshots.push(*block.cid());
                }
                Err(why) => self.refused.push((*block.cid(), why.to_string())),
            }
        }
    }

    fn take_charters(&mut self, archive: &mut Archive) {
        for block in archive.structures.charters.clone() {
            match Charter::open(block.bytes()) {
                Ok((block, charter)) => {
                    let cid = *block.cid();
                    archive.mark(&cid, USED);
                    self.communities.entry(cid).or_default().charter = Some((block, charter));
                }
                Err(why) => self.refused.push((*block.cid(), why.to_string())),
            }
        }
    }

    /// Of communities the archive is about; the others are strangers to it.
    fn take_ops(&mut self, archive: &mut Archive) {
        let mut of: BTreeMap<Cid, BTreeMap<Cid, (Block, Op)>> = BTreeMap::new();
        for block in &archive.structures.ops {
            match Op::open(block.bytes()) {
                Ok((block, op)) => {
                    of.entry(op.community).or_default().insert(*block.cid(), (block, op));
                }
                Err(why) => self.refused.push((*block.cid(), why.to_string())),
            }
        }
        for (community, ops) in of {
            ops.keys().for_each(|cid| archive.mark(cid, USED));
            self.communities.entry(community).or_default().ops = ancestors_first(ops);
        }
    }

    /// Those that operations, charters or commits name, or that are of somebody they name.
    fn take_identities(&mut self, archive: &mut Archive) {
        let mut people: BTreeSet<Did> = BTreeSet::new();
        let mut linked: BTreeSet<Cid> = BTreeSet::new();
        for community in self.communities.values() {
            for founder in community.charter.iter().flat_map(|(_, charter)| &charter.founders) {
                people.insert(founder.did);
                linked.insert(founder.identity);
            }
            for (_, op) in &community.ops {
                people.insert(op.did);
                linked.insert(op.identity);
                if let Act::Add { did, .. } | Act::Join { did, .. } = &op.act {
                    people.insert(*did);
                }
            }
        }
        for commit in archive.structures.commits.iter().filter_map(|block| Commit::view(block).ok()) {
            people.insert(commit.did);
            linked.insert(commit.identity);
        }
        for block in archive.structures.identities.clone() {
            match Identity::open(block.bytes()) {
                Ok((block, identity)) => {
                    if linked.contains(block.cid()) || people.contains(&identity.did) {
                        archive.mark(block.cid(), USED);
                        self.identities.insert(*block.cid(), (block, identity));
                    }
                }
                Err(why) => self.refused.push((*block.cid(), why.to_string())),
            }
        }
    }

    /// What operations need: those they follow, and the identities that certify their devices. Where the roots name the
    /// roster, only what hangs on its heads.
    fn name_roster(&self, named: &mut Named) {
        for (id, community) in &self.communities {
            let Some((_, charter)) = &community.charter else { continue };
            charter.founders.iter().for_each(|founder| named.add(founder.identity, "an identity"));
            for (block, op) in community.ops.iter().rev() {
                // Followers come later in the list, so what needs this one has named it by now.
                if community.snapshots.is_empty() || named.0.contains_key(block.cid()) {
                    named.add(op.identity, "an identity");
                    op.deps.iter().filter(|dep| *dep != id).for_each(|dep| named.add(*dep, "a roster operation"));
                }
            }
        }
    }

    /// By community and repository, those whose signature holds.
    fn commits(&mut self, archive: &Archive) -> BTreeMap<(Cid, RepoId), Vec<(Block, Commit)>> {
        let mut found: BTreeMap<(Cid, RepoId), Vec<(Block, Commit)>> = BTreeMap::new();
        for block in &archive.structures.commits {
            match Commit::open(block.bytes()) {
                Ok((block, commit)) => {
                    found.entry((commit.community, commit.repo())).or_default().push((block, commit));
                }
                Err(why) => self.refused.push((*block.cid(), why.to_string())),
            }
        }
        found
    }

    /// Members' repositories first: what stands in them is not to come out by a public one.
    fn take_repositories(
        &mut self,
        archive: &mut Archive,
        commits: BTreeMap<(Cid, RepoId), Vec<(Block, Commit)>>,
        named: &Named,
        progress: Progress<'_>,
    ) -> Result<(), ArchiveError> {
        let mut visits = allowance(archive);
        let mut commits: Vec<_> = commits.into_iter().collect();
        commits.sort_by_key(|((community, id), _)| (id.audience == Audience::Public, *community, *id));
        for ((community, id), mut candidates) in commits {
            candidates.sort_by(|(a, first), (b, second)| {
                let by_root = named.0.contains_key(b.cid()).cmp(&named.0.contains_key(a.cid()));
                let newer = first.head(*a.cid()).beats(&second.head(*b.cid()));
                by_root.then(if newer { std::cmp::Ordering::Less } else { std::cmp::Ordering::Greater })
            });
            let mut taken: Option<Repository> = None;
            for (block, commit) in candidates.into_iter().take(CANDIDATES) {
                let wanted = named.0.contains_key(block.cid());
                if taken.as_ref().is_some_and(|taken| taken.state.is_ok()) {
                    break;
                }
                let look = Look::into(archive, &commit, &mut visits, &mut *progress)?;
                if wanted || taken.is_none() {
                    self.missing.extend(look.missing);
                    self.files_missing.extend(look.files_missing);
                }
                if wanted || look.state.is_ok() {
                    archive.mark(block.cid(), USED);
                }
                if taken.is_none() || look.state.is_ok() {
                    let Seen { state, records, profile, .. } = look;
                    taken = Some(Repository { id, block, commit, state, records, profile });
                }
            }
            self.communities.entry(community).or_default().repos.extend(taken);
        }
        Ok(())
    }
}

/// What the roots name, and as what.
#[derive(Default)]
struct Named(BTreeMap<Cid, &'static str>);

impl Named {
    fn add(&mut self, cid: Cid, what: &'static str) {
        self.0.insert(cid, what);
    }
}

fn kind(archive: &Archive, commits: &BTreeMap<(Cid, RepoId), Vec<(Block, Commit)>>) -> Kind {
    let is_commit = |cid: &Cid| commits.values().flatten().any(|(block, _)| block.cid() == cid);
    match archive.roots.as_slice() {
        [commit, record] if is_commit(commit) && !is_commit(record) => Kind::Proof { commit: *commit, record: *record },
        _ => Kind::Whole,
    }
}

fn allowance(archive: &Archive) -> u64 {
    archive.blocks().saturating_mul(VISITS).max(VISITS_LEAST)
}

/// One look into a tree.
struct Look<'a, 'p> {
    archive: &'a mut Archive,
    commit: &'a Commit,
    visits: &'a mut u64,
    progress: &'a mut (dyn FnMut(Step) + 'p),
    missing: Vec<Missing>,
    files_missing: Vec<Missing>,
    records: u64,
    profile: Option<Shown>,
    /// Why the tree cannot be taken although everything may be here.
    fault: Option<String>,
}

/// What it showed.
struct Seen {
    missing: Vec<Missing>,
    files_missing: Vec<Missing>,
    records: u64,
    profile: Option<Shown>,
    state: Result<(), String>,
}

/// Findings of one tree that are kept.
const FOUND: usize = 1_000;

impl<'a, 'p> Look<'a, 'p> {
    fn into(
        archive: &'a mut Archive,
        commit: &'a Commit,
        visits: &'a mut u64,
        progress: &'a mut (dyn FnMut(Step) + 'p),
    ) -> Result<Seen, ArchiveError> {
        let (missing, files_missing) = (Vec::new(), Vec::new());
        let (profile, fault) = (None, None);
        let mut look = Self { archive, commit, visits, progress, missing, files_missing, records: 0, profile, fault };
        let walked = mst::visit(&commit.data, &mut look);
        let Self { missing, files_missing, records, profile, fault, .. } = look;
        let state = match walked {
            Err(Stop::Archive(error)) => return Err(error),
            Err(Stop::Tree(why)) => Err(why.to_string()),
            Ok(()) if !missing.is_empty() => Err(match missing.len() {
                1 => "1 of its blocks is missing".to_owned(),
                n => format!("{n} of its blocks are missing"),
            }),
            Ok(()) if records != commit.count => {
                Err(format!("its commit counts {} records, its tree has {records}", commit.count))
            }
            Ok(()) => fault.map_or(Ok(()), Err),
        };
        Ok(Seen { missing, files_missing, records, profile, state })
    }

    fn lacks(&mut self, cid: &Cid, what: &'static str) {
        if self.missing.len() < FOUND {
            self.missing.push(Missing { cid: *cid, what });
        }
    }

    fn spend(&mut self) -> Result<(), Stop> {
        let Some(left) = self.visits.checked_sub(1) else {
            let why = "the trees of the archive name the same blocks too often";
            return Err(Stop::Archive(ArchiveError::Refused(why.into())));
        };
        *self.visits = left;
        if left.is_multiple_of(1 << 10) {
            let of = self.archive.blocks();
            (self.progress)(Step::Checking { at: (allowance(self.archive) - left).min(of), of });
        }
        Ok(())
    }

    fn is_for_members(&self) -> bool {
        self.commit.audience == Audience::Members
    }
}

enum Stop {
    Archive(ArchiveError),
    /// Not the shape of a tree.
    Tree(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Tree(error)
    }
}

impl From<ArchiveError> for Stop {
    fn from(error: ArchiveError) -> Self {
        Self::Archive(error)
    }
}

impl Visitor for Look<'_, '_> {
    type Error = Stop;

    fn node(&mut self, cid: &Cid) -> Result<Option<Block>, Stop> {
        self.spend()?;
        let node = self.archive.get(cid)?;
        match &node {
            Some(_) => self.archive.mark(cid, USED),
            None => self.lacks(cid, "a tree node"),
        }
        Ok(node)
    }

    fn entry(&mut self, path: String, cid: Cid) -> Result<(), Stop> {
        self.spend()?;
        self.records += 1;
        let Some(block) = self.archive.get(&cid)? else {
            self.lacks(&cid, "a record");
            return Ok(());
        };
        if self.is_for_members() {
            self.archive.mark(&cid, USED | MEMBERS);
        } else if self.archive.is_marked(&cid, MEMBERS) {
            self.fault.get_or_insert(format!("{path} would show publicly what the archive holds for members"));
        } else {
            self.archive.mark(&cid, USED);
        }
        let Ok((rev, record)) = Record::view(&block) else {
            self.fault.get_or_insert(format!("{path} is no record"));
            return Ok(());
        };
        if path.strip_prefix(Profile::NAME) == Some("/self") {
            let name = match &record {
                Record::Profile(profile) => profile.check().is_ok().then(|| profile.name.clone()),
                _ => None,
            };
            self.profile = Some(Shown { rev, cid, name });
        }
        for file in record.links().into_iter().filter(|file| file.codec() != DAG_CBOR) {
            if !self.archive.has(&file) {
                if self.files_missing.len() < FOUND {
                    self.files_missing.push(Missing { cid: file, what: "a file" });
                }
            } else if self.is_for_members() {
                self.archive.mark(&file, USED | MEMBERS);
            } else {
                self.archive.mark(&file, USED);
            }
        }
        Ok(())
    }
}

/// Operations such that each comes after those it depends on; those in a circle, which hashes do not allow, are left out.
fn ancestors_first(mut ops: BTreeMap<Cid, (Block, Op)>) -> Vec<(Block, Op)> {
    let mut waiting: HashMap<Cid, usize> = HashMap::new();
    let mut followers: HashMap<Cid, Vec<Cid>> = HashMap::new();
    for (cid, (_, op)) in &ops {
        let deps: BTreeSet<&Cid> = op.deps.iter().filter(|dep| ops.contains_key(*dep)).collect();
        waiting.insert(*cid, deps.len());
        deps.into_iter().for_each(|dep| followers.entry(*dep).or_default().push(*cid));
    }
    let mut ready: BTreeSet<Cid> = waiting.iter().filter(|(_, n)| **n == 0).map(|(cid, _)| *cid).collect();
    let mut sorted = Vec::with_capacity(ops.len());
    while let Some(cid) = ready.pop_first() {
        sorted.extend(ops.remove(&cid));
        for follower in followers.remove(&cid).unwrap_or_default() {
            if let Some(left) = waiting.get_mut(&follower) {
                *left -= 1;
                if *left == 0 {
                    ready.insert(follower);
                }
            }
        }
    }
    sorted
}
