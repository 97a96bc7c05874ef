//! What is kept for a time only. Whoever keeps something so registers it with the moment it goes; the sweep lets go of
//! what is due. A further sort is one variant here: its code, what it holds, and how it ends.

use redb::ReadableTable;

use super::{
    StoreError,
    blobs::HERE,
    blocks::{Blocks, Why},
    proofs::{For, ProofId, Proofs},
    repos::Repos,
    tables::Tables,
    writer::Writer,
};

const HOUR: u64 = 3600 * 1_000_000;
/// A file added here and linked by no record, in microseconds.
pub(super) const UPLOAD: u64 = 24 * HOUR;
/// A head of which no further part came.
pub(super) const STAGE: u64 = 24 * HOUR;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Expiring {
    /// The block of a file.
    Upload(u64),
    /// The parts of a repository's head.
    Stage(u32),
    /// Older versions, or what a head lost.
    Proof(ProofId),
}

impl Expiring {
    /// In the plural, for reports.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Upload(_) => "files added and never used",
            Self::Stage(_) => "repositories that never arrived whole",
            Self::Proof(ProofId { purpose: For::Versions, .. }) => "commits kept for older versions of records",
            Self::Proof(ProofId { purpose: For::Lost, .. }) => "lost states that no device took back",
        }
    }

    /// As stored: the numbers stay.
    fn key(self) -> (u8, Vec<u8>) {
        match self {
            Self::Upload(seq) => (0, seq.to_be_bytes().to_vec()),
            Self::Stage(repo) => (1, u64::from(repo).to_be_bytes().to_vec()),
            Self::Proof(id) => {
                let (community, person, purpose, number) = id.key();
                let (community, person) = (community.to_be_bytes(), person.to_be_bytes());
                (2, [&community[..], &person, &[purpose], &number.to_be_bytes()].concat())
            }
        }
    }

    /// None: of a later version, which keeps it.
    fn read(code: u8, which: &[u8]) -> Option<Self> {
        let number = |bytes: &[u8]| Some(u64::from_be_bytes(bytes.try_into().ok()?));
        match code {
            0 => number(which).map(Self::Upload),
            1 => u32::try_from(number(which)?).ok().map(Self::Stage),
            2 => {
                let (community, rest) = which.split_first_chunk()?;
                let (person, rest) = rest.split_first_chunk()?;
                let (purpose, rest) = rest.split_first()?;
                let (community, person) = (u32::from_be_bytes(*community), u32::from_be_bytes(*person));
                ProofId::read((community, person, *purpose, number(rest)?)).map(Self::Proof)
            }
            _ => None,
        }
    }
}

pub(super) trait Expiries: Repos + Proofs {
    /// At most `most` of what goes by `now`.
    fn due(&self, now: u64, most: usize) -> Result<Vec<Expiring>, StoreError> {
        let mut due = Vec::new();
        for row in self.expiring().iter()? {
            let (key, when) = row?;
            let (code, which) = key.value();
            if when.value() <= now {
                due.extend(Expiring::read(code, which));
            }
            if due.len() >= most {
                break;
            }
        }
        Ok(due)
    }

    /// What would be let go: block, community, reason; as often as it is held.
    fn holds_of(&self, what: Expiring) -> Result<Vec<(u64, u32, Why)>, StoreError> {
        match what {
            Expiring::Upload(seq) => Ok(match self.held_as(seq, HERE, Why::Uploaded)? {
                true => vec![(seq, HERE, Why::Uploaded)],
                false => Vec::new(),
            }),
            Expiring::Stage(repo) => {
                let Some(community) = self.repo_at(repo)?.map(|repo| repo.community) else { return Ok(Vec::new()) };
                let staged = self.staged().range((repo, "")..(repo + 1, ""))?;
                let seqs = staged.map(|row| row.map(|(_, value)| value.value().0));
                // Zero says that a path is gone.
                let held = seqs.filter(|seq| !matches!(seq, Ok(0))).map(|seq| Ok((seq?, community, Why::Staged)));
                held.collect()
            }
            Expiring::Proof(id) => {
                Ok(self.blocks_of(id)?.into_iter().map(|seq| (seq, id.community, Why::Kept)).collect())
            }
        }
    }

    /// Is it to go at some time?
    fn expires(&self, what: Expiring) -> Result<bool, StoreError> {
        let (code, which) = what.key();
        Ok(self.expiring().get((code, which.as_slice()))?.is_some())
    }
}
impl<T: Tables> Expiries for T {}

impl Writer<'_> {
    /// Registers, or puts off, the moment it goes.
    pub(super) fn keep_until(&mut self, what: Expiring, when: u64) -> Result<(), StoreError> {
        let (code, which) = what.key();
        self.t.expiring.insert((code, which.as_slice()), when)?;
        self.dirty = true;
        Ok(())
    }

    /// It ended otherwise, or has to stay.
    pub(super) fn stays(&mut self, what: Expiring) -> Result<(), StoreError> {
        let (code, which) = what.key();
        self.t.expiring.remove((code, which.as_slice()))?;
        Ok(())
    }

    /// Lets go of it.
    pub(super) fn expire(&mut self, what: Expiring) -> Result<(), StoreError> {
        match what {
            Expiring::Upload(seq) => {
                if self.t.held_as(seq, HERE, Why::Uploaded)? {
                    self.release(seq, HERE, Why::Uploaded)?;
                }
            }
            Expiring::Stage(repo) => {
                if let Some(repo) = self.t.repo_at(repo)? {
                    self.clear_stage(&repo)?;
                }
            }
            Expiring::Proof(id) => self.drop_proof(id)?,
        }
        self.stays(what)?;
        self.dirty = true;
        Ok(())
    }
}
