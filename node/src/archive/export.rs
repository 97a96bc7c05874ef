//! Writing archives. Blocks go out as they are read; what is kept meanwhile is one bit for each block of the store.

use std::{
    collections::BTreeMap,
    io::Write,
    sync::{Arc, Mutex, PoisonError},
};

use folkmoot_schemas::{
    Audience, Cid, Did, Uri,
    block::Block,
    car::{CarError, Writer},
    commit::RepoId,
    kind::Kind as _,
    limits,
    records::profile::Profile,
};

use crate::store::{
    Scope, Store, StoreError, View,
    read_archive::{Part, Piece, Proof},
    reader::{Entry, Lookup},
};

#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Car(#[from] CarError),
    /// Nothing of it is here, or nothing this scope may see.
    #[error("{0}")]
    Absent(String),
}

/// What goes into an archive, and how far it may look.
#[derive(Debug, Clone)]
pub enum What {
    /// A record with its proof. Roots: its commit, itself.
    Record(Uri, Scope),
    /// A person's repositories in some communities, with the rosters. Roots: their commits.
    Person(Did, Vec<(Cid, Scope)>),
    /// Everything held of a community. Root: its snapshot.
    Community(Cid, Scope),
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exported {
    pub roots: Vec<Cid>,
    /// Some of it is for members only.
    pub for_members: bool,
    pub bytes: u64,
    pub blocks: u64,
    pub repositories: u64,
    pub records: u64,
    pub files: u64,
    /// Links of records to files that are not here.
    pub lacking: u64,
    /// Repositories of which a newer commit is known than is held: what is held was written.
    pub behind: u64,
}

/// Writes an archive to `out`, which is best buffered.
pub fn export(store: &Store, what: &What, out: impl Write) -> Result<Exported, ExportError> {
    match what {
        What::Record(uri, scope) => record(&store.view(*scope)?, uri, out),
        What::Person(did, communities) => person(store, did, communities, out),
        What::Community(community, scope) => whole(&store.view(*scope)?, community, out),
    }
}

/// The proof of one record as a page offers it: without files, which have addresses of their own. None: it is gone, or
/// its proof is larger than a page may give.
pub fn proof(view: &View, entry: &Entry) -> Result<Option<Vec<u8>>, ExportError> {
    packed(view, entry, &roster_beside(view, &entry.uri.community)?)
}

/// What proofs of one community carry beside the record: charter and roster, where they are not too large.
fn roster_beside(view: &View, community: &Cid) -> Result<Vec<Block>, ExportError> {
    let charter = view.charter(community)?;
    let most = charter.as_ref().map_or(Some(0), |charter| limits::CAR_PROOF_ROSTER.checked_sub(charter.bytes().len()));
    let roster = most.map(|most| view.roster_within(community, most)).transpose()?.flatten();
    Ok(roster.map_or_else(Vec::new, |(ops, identities)| charter.into_iter().chain(identities).chain(ops).collect()))
}

fn packed(view: &View, entry: &Entry, roster: &[Block]) -> Result<Option<Vec<u8>>, ExportError> {
    let Some(proof) = view.proof(entry)? else { return Ok(None) };
    let mut packer = Packer::new(Vec::new(), proof_roots(&proof, entry))?;
    packer.proof(view, entry, proof, roster)?;
    let (bytes, done) = packer.finish()?;
    Ok((done.bytes <= limits::CAR_PROOF as u64).then_some(bytes))
}

/// Communities whose rosters are kept at once.
const ROSTERS: usize = 4;

/// Makes proofs for many who ask: what they carry of a roster is gathered once for each state of the store.
#[derive(Debug, Default)]
pub struct Proofs(Mutex<Gathered>);

#[derive(Debug, Default)]
struct Gathered {
    generation: u64,
    rosters: BTreeMap<Cid, Arc<Vec<Block>>>,
}

impl Proofs {
    /// As [`proof`]. `generation`: the store's, from before the view was taken.
    pub fn proof(&self, generation: u64, view: &View, entry: &Entry) -> Result<Option<Vec<u8>>, ExportError> {
        let community = &entry.uri.community;
        // Replaced whole, so a panic elsewhere leaves nothing half done.
        let mut gathered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if gathered.generation != generation || gathered.rosters.len() > ROSTERS {
            *gathered = Gathered { generation, ..Gathered::default() };
        }
        let roster = match gathered.rosters.get(community) {
            Some(roster) => Arc::clone(roster),
            // The others who ask meanwhile wait for it rather than gather it too.
            None => {
                let roster = Arc::new(roster_beside(view, community)?);
                gathered.rosters.insert(*community, Arc::clone(&roster));
                roster
            }
        };
        drop(gathered);
        packed(view, entry, &roster)
    }
}

fn proof_roots(proof: &Proof, entry: &Entry) -> Vec<Cid> {
    vec![*proof.commit.cid(), entry.cid]
}

fn record(view: &View, uri: &Uri, out: impl Write) -> Result<Exported, ExportError> {
    let found = match view.get(uri)? {
        Lookup::Found(entry) => Some(*entry),
        _ => view.kept(uri)?,
    };
    let Some(entry) = found else {
        return Err(ExportError::Absent(format!("there is no record {uri} to be seen")));
    };
    let proof = view.proof(&entry)?.ok_or_else(|| ExportError::Absent(format!("{uri} has no proof here")))?;
    let mut packer = Packer::new(out, proof_roots(&proof, &entry))?;
    packer.proof(view, &entry, proof, &roster_beside(view, &uri.community)?)?;
    packer.done.lacking = view.pour_files_of(&entry, &mut |piece| packer.put(piece))?;
    packer.finish().map(|(_, done)| done)
}

fn person(store: &Store, did: &Did, communities: &[(Cid, Scope)], out: impl Write) -> Result<Exported, ExportError> {
    let (public, members) = (store.view(Scope::Public)?, store.view(Scope::Members)?);
    let view_of = |scope: &Scope| if *scope == Scope::Public { &public } else { &members };
    let mut communities = communities.to_vec();
    communities.sort_by_key(|(community, _)| *community);
    let (mut roots, mut parts) = (Vec::new(), Vec::new());
    for (community, scope) in &communities {
        let view = view_of(scope);
        for head in view.heads(community)?.into_iter().filter(|head| head.repo.did == *did) {
            if let Some(held) = head.held {
                roots.push(held.cid);
                parts.push((view, *community, head.repo, held != head.known));
            }
        }
    }
    if parts.is_empty() {
        return Err(ExportError::Absent(format!("nothing of {did} is here to be exported")));
    }
    let mut packer = Packer::new(out, roots)?;
    let mut last = None;
    for (view, community, repo, behind) in parts {
        if last.replace(community) != Some(community) {
            packer.roster(view, &community)?;
        }
        packer.repository(view, &community, &repo, behind)?;
    }
    packer.finish().map(|(_, done)| done)
}

fn whole(view: &View, community: &Cid, out: impl Write) -> Result<Exported, ExportError> {
    if view.community(community)?.is_none() {
        return Err(ExportError::Absent(format!("the community {community} has nothing to be seen")));
    }
    let snapshot = view.snapshot_block(community)?;
    let mut packer = Packer::new(out, vec![*snapshot.cid()])?;
    packer.write(&snapshot)?;
    packer.roster(view, community)?;
    for head in view.heads(community)? {
        if let Some(held) = head.held {
            packer.repository(view, community, &head.repo, held != head.known)?;
        }
    }
    packer.finish().map(|(_, done)| done)
}

struct Packer<W: Write> {
    out: Writer<Counting<W>>,
    written: Bits,
    done: Exported,
}

impl<W: Write> Packer<W> {
    fn new(out: W, roots: Vec<Cid>) -> Result<Self, ExportError> {
        let out = Writer::new(Counting { inner: out, count: 0 }, &roots)?;
        Ok(Self { out, written: Bits::default(), done: Exported { roots, ..Exported::default() } })
    }

    fn finish(self) -> Result<(W, Exported), ExportError> {
        let Counting { mut inner, count } = self.out.finish()?;
        inner.flush().map_err(CarError::from)?;
        Ok((inner, Exported { bytes: count, ..self.done }))
    }

    fn write(&mut self, block: &Block) -> Result<(), ExportError> {
        self.out.put(block)?;
        self.done.blocks += 1;
        Ok(())
    }

    fn put(&mut self, piece: Piece) -> Result<(), ExportError> {
        self.done.records += u64::from(piece.part == Part::Record);
        if self.written.set(piece.number) {
            self.done.files += u64::from(piece.part == Part::File);
            self.write(&piece.block)?;
        }
        Ok(())
    }

    /// Charter, identities by CID, operations with ancestors first.
    fn roster(&mut self, view: &View, community: &Cid) -> Result<(), ExportError> {
        let (ops, identities) = view.roster(community)?;
        let mut blocks = view.charter(community)?.into_iter().chain(identities).chain(ops);
        blocks.try_for_each(|block| self.once(view, &block))
    }

    fn once(&mut self, view: &View, block: &Block) -> Result<(), ExportError> {
        match view.number(block.cid())? {
            Some(number) if !self.written.set(number) => Ok(()),
            _ => self.write(block),
        }
    }

    fn repository(&mut self, view: &View, community: &Cid, repo: &RepoId, behind: bool) -> Result<(), ExportError> {
        self.done.repositories += 1;
        self.done.for_members |= repo.audience == Audience::Members;
        self.done.behind += u64::from(behind);
        self.done.lacking += view.pour(community, repo, &mut |piece| self.put(piece))?;
        Ok(())
    }

    /// Charter and roster, at least the author's identity, then commit, nodes from the root down, record; and the same of
    /// the author's profile, where this commit signs for it too: whoever checks the proof learns a name.
    fn proof(&mut self, view: &View, entry: &Entry, proof: Proof, roster: &[Block]) -> Result<(), ExportError> {
        let community = &entry.uri.community;
        roster.iter().try_for_each(|block| self.once(view, block))?;
        let charter = view.charter(community)?;
        let identity = view.identity(&entry.uri.did)?.map(|(block, _)| block);
        for block in charter.iter().chain(&identity).chain([&proof.commit]).chain(&proof.nodes).chain([&entry.block]) {
            self.once(view, block)?;
        }
        if let Some((profile, nodes)) = profile_beside(view, entry, &proof.commit)? {
            nodes.iter().chain([&profile]).try_for_each(|block| self.once(view, block))?;
        }
        self.done.repositories = 1;
        self.done.for_members = entry.audience == Audience::Members;
        self.done.records = 1;
        Ok(())
    }
}

/// The author's profile and the nodes that lead to it, where it stands in the tree of this very commit.
fn profile_beside(view: &View, entry: &Entry, commit: &Block) -> Result<Option<(Block, Vec<Block>)>, ExportError> {
    let Ok(uri) = Uri::new(entry.uri.community, entry.uri.did, Profile::NAME, "self") else { return Ok(None) };
    let Lookup::Found(profile) = view.get(&uri)? else { return Ok(None) };
    if (profile.device, profile.audience) != (entry.device, entry.audience) {
        return Ok(None);
    }
    let proof = view.proof(&profile)?.filter(|proof| proof.commit.cid() == commit.cid());
    Ok(proof.map(|proof| (profile.block, proof.nodes)))
}

/// One bit for each block of a store. Their numbers rise from 1 with every block that was ever added.
#[derive(Default)]
struct Bits(Vec<u64>);

impl Bits {
    /// True the first time.
    fn set(&mut self, number: u64) -> bool {
        let (word, bit) = ((number / 64) as usize, 1 << (number % 64));
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        let fresh = self.0[word] & bit == 0;
        self.0[word] |= bit;
        fresh
    }
}

struct Counting<W> {
    inner: W,
    count: u64,
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.count += written as u64;
        Ok(written)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

impl What {
    /// Something in it may be for members only.
    pub fn may_be_for_members(&self) -> bool {
        match self {
            Self::Record(_, scope) | Self::Community(_, scope) => *scope == Scope::Members,
            Self::Person(_, communities) => communities.iter().any(|(_, scope)| *scope == Scope::Members),
        }
    }
}
