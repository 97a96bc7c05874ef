//! An archive as a set of blocks that can be found again: one pass over the file verifies every block and notes where it
//! stands. The order of blocks means nothing, copies of a block count once.
//!
//! Memory: 24 bytes a block at most, and the bytes of commits, rosters and identities; both are limited. Everything
//! else is read from the file when it is needed, and verified again, since a file can change under its reader.

use std::{
    fs::File,
    io::{self, BufReader},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use folkmoot_schemas::{
    Cid, Error,
    block::{Block, DAG_CBOR, RAW},
    car::{self, CarError, Reader},
    limits,
};
use serde::Deserialize;

use super::Listed;

#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("{path} cannot be read: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("it is no archive")]
    Foreign,
    /// One that no reader here takes as a whole.
    #[error("{0}")]
    Refused(String),
}

/// A place in the file whose bytes are not what they should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    pub offset: u64,
    /// The block that stood there, where its name can still be read.
    pub cid: Option<Cid>,
    pub why: String,
}

/// How far a pass over an archive has come, in bytes of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Reading { at: u64, of: u64 },
    Checking { at: u64, of: u64 },
    Storing { at: u64, of: u64 },
}

/// Told now and then.
pub(super) type Progress<'a> = &'a mut dyn FnMut(Step);

/// Blocks between two tellings.
const TELL_EVERY: u64 = 1 << 10;
const BUFFER: usize = 256 * 1024;

/// An indexed archive.
#[derive(Debug)]
pub struct Archive {
    source: Source,
    pub roots: Vec<Cid>,
    pub damaged: Listed<Damage>,
    /// Bytes of the file.
    pub size: u64,
    /// Sections of the file that hold a whole block, copies included.
    pub sections: u64,
    /// Distinct blocks, by name.
    entries: Vec<Entry>,
    /// What each of `entries` turned out to be part of.
    marks: Vec<u8>,
    pub(super) structures: Structures,
}

/// Where an archive is read from, again and again.
#[derive(Debug)]
enum Source {
    File(File, PathBuf),
    Memory(Bytes),
}

/// What is kept in memory, each sorted by CID.
#[derive(Debug, Default)]
pub(super) struct Structures {
    pub(super) charters: Vec<Block>,
    pub(super) identities: Vec<Block>,
    pub(super) ops: Vec<Block>,
    pub(super) commits: Vec<Block>,
    /// Those among the roots.
    pub(super) snapshots: Vec<Block>,
    bytes: usize,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// The first 62 bits of the digest, and the codec in two: that two blocks agree in them takes 2^31 tries on purpose,
    /// and harms only the archive it was made for.
    name: u64,
    /// Where its section begins, and how long it is with its length: 42 and 22 bits.
    place: u64,
}

const LENGTH_BITS: u32 = 22;
// Both fit: offsets below the size of an archive, lengths of a section below 4 MiB.
const _: () = assert!(limits::CAR_IMPORT < 1 << (64 - LENGTH_BITS) && limits::BLOB_ACCEPTED + 4096 < 1 << LENGTH_BITS);

/// A mark: part of what was asked for.
pub(super) const USED: u8 = 1;
/// A mark: part of, or linked by, a repository for members.
pub(super) const MEMBERS: u8 = 2;

impl Archive {
    pub fn open(path: &Path, progress: Progress<'_>) -> Result<Self, ArchiveError> {
        let failed = |source| ArchiveError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        let meta = file.metadata().map_err(failed)?;
        if !meta.is_file() {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        }
        if meta.len() > limits::CAR_IMPORT {
            let (size, most) = (meta.len() >> 20, limits::CAR_IMPORT >> 20);
            return Err(ArchiveError::Refused(format!("the archive has {size} MiB, {most} MiB are read")));
        }
        let input = BufReader::with_capacity(BUFFER, file.try_clone().map_err(failed)?);
        Self::index(input, Source::File(file, path.to_owned()), meta.len(), progress)
    }

    /// A small archive, in memory already.
    pub fn in_memory(bytes: impl Into<Bytes>) -> Result<Self, ArchiveError> {
        let bytes = bytes.into();
        Self::index(io::Cursor::new(bytes.clone()), Source::Memory(bytes.clone()), bytes.len() as u64, &mut |_| ())
    }

    fn index(input: impl io::Read, source: Source, size: u64, progress: Progress<'_>) -> Result<Self, ArchiveError> {
        let reader = Reader::new(input).map_err(|why| match why {
            CarError::Io(error) => source.failed(error),
            CarError::Foreign => ArchiveError::Foreign,
            other => ArchiveError::Refused(other.to_string()),
        })?;
        let mut archive = Self {
            source,
            roots: reader.roots().to_vec(),
            damaged: Listed::default(),
            size,
            sections: 0,
            entries: Vec::new(),
            marks: Vec::new(),
            structures: Structures::default(),
        };
        archive.read(reader, progress)?;
        Ok(archive)
    }

    fn read(&mut self, mut reader: Reader<impl io::Read>, progress: Progress<'_>) -> Result<(), ArchiveError> {
        let mut blocks: u64 = 0;
        loop {
            let offset = reader.offset();
            if blocks.is_multiple_of(TELL_EVERY) {
                progress(Step::Reading { at: offset, of: self.size });
            }
            blocks += 1;
            if blocks > limits::CAR_BLOCKS as u64 {
                return Err(ArchiveError::Refused(format!("the archive has more than {} blocks", limits::CAR_BLOCKS)));
            }
            match reader.next_block() {
                Ok(Some(block)) => {
                    self.sections += 1;
                    let place = offset << LENGTH_BITS | (reader.offset() - offset);
                    self.entries.push(Entry { name: name_of(block.cid()), place });
                    self.structures.keep(block, &self.roots)?;
                }
                Ok(None) => break,
                Err(CarError::Block { cid, offset, source }) => {
                    let why = match source {
                        // Whoever shows it names the block beside it.
                        Error::Hash(_) => "its bytes were changed".to_owned(),
                        other => other.to_string(),
                    };
                    self.damaged.push(Damage { offset, cid: Some(*cid), why });
                }
                // Where the next block begins cannot be told any more.
                Err(CarError::Damaged { offset, why }) => {
                    let why = format!("{why}; nothing behind it was read");
                    self.damaged.push(Damage { offset, cid: None, why });
                    break;
                }
                Err(CarError::Foreign) => return Err(ArchiveError::Foreign),
                Err(CarError::Io(source)) => return Err(self.source.failed(source)),
            }
        }
        self.entries.sort_unstable_by_key(|entry| (entry.name, entry.place));
        self.entries.dedup_by_key(|entry| entry.name);
        self.marks = vec![0; self.entries.len()];
        self.structures.settle();
        Ok(())
    }

    /// Distinct blocks.
    pub fn blocks(&self) -> u64 {
        self.entries.len() as u64
    }

    fn find(&self, cid: &Cid) -> Option<usize> {
        self.entries.binary_search_by_key(&name_of(cid), |entry| entry.name).ok()
    }

    pub(super) fn has(&self, cid: &Cid) -> bool {
        self.find(cid).is_some()
    }

    /// None: not in this archive (any more).
    pub(super) fn get(&self, cid: &Cid) -> Result<Option<Block>, ArchiveError> {
        let Some(at) = self.find(cid) else { return Ok(None) };
        let block = self.block_at(self.entries[at].place)?;
        Ok(block.filter(|block| block.cid() == cid))
    }

    fn block_at(&self, place: u64) -> Result<Option<Block>, ArchiveError> {
        let (offset, length) = (place >> LENGTH_BITS, (place & ((1 << LENGTH_BITS) - 1)) as usize);
        let section = self.source.bytes(offset, length)?;
        // Its length was read in the first pass: skip it.
        let prefix = section.iter().position(|byte| byte & 0x80 == 0).map_or(length, |at| at + 1);
        let section = section.slice(prefix..);
        Ok(car::open_section(section, offset).ok())
    }

    pub(super) fn mark(&mut self, cid: &Cid, mark: u8) {
        if let Some(at) = self.find(cid) {
            self.marks[at] |= mark;
        }
    }

    pub(super) fn is_marked(&self, cid: &Cid, mark: u8) -> bool {
        self.find(cid).is_some_and(|at| self.marks[at] & mark != 0)
    }

    /// Blocks that turned out to be part of nothing, with where they stand.
    pub(super) fn strangers(&self) -> Result<Listed<(Cid, u64)>, ArchiveError> {
        let unused = self.entries.iter().zip(&self.marks).filter(|(_, mark)| **mark & USED == 0);
        let mut places: Vec<u64> = unused.map(|(entry, _)| entry.place).collect();
        places.sort_unstable();
        let mut found = Listed { total: places.len() as u64, ..Listed::default() };
        for place in places.into_iter().take(SHOWN) {
            found.shown.extend(self.block_at(place)?.map(|block| (*block.cid(), place >> LENGTH_BITS)));
        }
        Ok(found)
    }
}

impl Source {
    /// A section seen in the first pass.
    fn bytes(&self, offset: u64, length: usize) -> Result<Bytes, ArchiveError> {
        match self {
            Self::File(file, _) => {
                let mut section = vec![0; length];
                file.read_exact_at(&mut section, offset).map_err(|error| self.failed(error))?;
                Ok(section.into())
            }
            Self::Memory(bytes) => Ok(bytes.slice(offset as usize..offset as usize + length)),
        }
    }

    fn failed(&self, source: io::Error) -> ArchiveError {
        match self {
            Self::File(_, path) => ArchiveError::Io { path: path.clone(), source },
            Self::Memory(_) => ArchiveError::Refused(source.to_string()),
        }
    }
}

/// Strangers that are named.
const SHOWN: usize = 100;

fn name_of(cid: &Cid) -> u64 {
    let codec = match cid.codec() {
        DAG_CBOR => 0,
        RAW => 1,
        _ => 2,
    };
    // Every CID here is of 32 bytes; one that is not is found nowhere.
    let first = cid.hash().digest().first_chunk().map_or(u64::MAX, |first| u64::from_be_bytes(*first));
    first & !3 | codec
}

#[derive(Deserialize)]
struct Title {
    #[serde(rename = "$type")]
    name: Option<String>,
}

impl Structures {
    fn keep(&mut self, block: Block, roots: &[Cid]) -> Result<(), ArchiveError> {
        if block.cid().codec() != DAG_CBOR {
            return Ok(());
        }
        let Ok(Title { name: Some(name) }) = block.view() else { return Ok(()) };
        let (kept, most) = match name.as_str() {
            "org.folkmoot.charter" => (&mut self.charters, limits::CHARTER),
            "org.folkmoot.identity" => (&mut self.identities, limits::IDENTITY),
            "org.folkmoot.roster" => (&mut self.ops, limits::ROSTER_OP),
            "org.folkmoot.commit" => (&mut self.commits, limits::COMMIT),
            "org.folkmoot.snapshot" if roots.contains(block.cid()) => (&mut self.snapshots, limits::SNAPSHOT),
            _ => return Ok(()),
        };
        let size = block.bytes().len();
        if size > most {
            return Ok(());
        }
        self.bytes += size;
        if self.bytes > limits::CAR_STRUCTURES {
            let most = limits::CAR_STRUCTURES >> 20;
            let why = format!("the archive has more than {most} MiB of commits, rosters and identities");
            return Err(ArchiveError::Refused(why));
        }
        // Bytes of their own: a slice would keep the buffer it was read into.
        kept.push(Block::trusted(*block.cid(), Bytes::copy_from_slice(block.bytes())));
        Ok(())
    }

    /// The order of the file means nothing.
    fn settle(&mut self) {
        for kept in [&mut self.charters, &mut self.identities, &mut self.ops, &mut self.commits, &mut self.snapshots] {
            kept.sort_unstable_by_key(|block| *block.cid());
            kept.dedup_by_key(|block| *block.cid());
        }
    }
}
