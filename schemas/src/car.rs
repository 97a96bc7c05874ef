//! CARv1 with dag-cbor header, read and written as a stream. Every block is verified as it is read, under the limit of
//! its codec.
//!
//! An archive is a header and sections, each behind its length as an unsigned varint; a section is a CID and the bytes it
//! names. The format has no end mark: an archive cut between two sections reads as a shorter one, and only the roots tell.

use std::io::{self, Read, Write};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use unsigned_varint::{decode, encode};

use crate::{
    block::{Block, Cid, DAG_CBOR},
    error::{Error, Refusal},
    limits,
};

/// The longest CID there is: four varints and a digest of 64 bytes.
const CID_MOST: usize = 4 * 10 + 64;
const SECTION: usize = CID_MOST + limits::BLOB_ACCEPTED;

#[derive(Debug, thiserror::Error)]
pub enum CarError {
    /// Nothing in its beginning is of an archive.
    #[error("it is no archive")]
    Foreign,
    #[error("the archive is damaged at byte {offset}: {why}")]
    Damaged { offset: u64, why: String },
    #[error("block {cid} at byte {offset} is not what its name says: {source}")]
    Block { cid: Box<Cid>, offset: u64, source: Error },
    #[error("the archive cannot be read or written")]
    Io(#[from] io::Error),
}

fn damaged(offset: u64, why: impl Into<String>) -> CarError {
    CarError::Damaged { offset, why: why.into() }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    /// Absent in the first bytes of a CARv2, which look like a header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    roots: Option<Vec<Cid>>,
    version: u64,
}

fn is_like_a_header(bytes: &[u8]) -> bool {
    [&b"roots"[..], b"version"].iter().any(|word| bytes.windows(word.len()).any(|at| at == *word))
}

/// Largest block of a codec. Which structure it is, and its narrower limit, is for whoever opens it.
fn limit(codec: u64) -> usize {
    if codec == DAG_CBOR { limits::SNAPSHOT } else { limits::BLOB_ACCEPTED }
}

/// Writes straight through: give it a buffered writer.
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: W,
    offset: u64,
}

impl<W: Write> Writer<W> {
    pub fn new(out: W, roots: &[Cid]) -> Result<Self, CarError> {
        let header = Block::encode(&Header { roots: Some(roots.to_vec()), version: 1 })
            .map_err(|error| damaged(0, format!("the roots cannot be written: {error}")))?;
        let mut writer = Self { out, offset: 0 };
        writer.section(&[header.bytes()])?;
        Ok(writer)
    }

    /// Refuses a block that no reader would take.
    pub fn put(&mut self, block: &Block) -> Result<(), CarError> {
        let (size, limit) = (block.bytes().len(), limit(block.cid().codec()));
        if size > limit {
            let source = Refusal::Size { size, limit }.into();
            return Err(CarError::Block { cid: Box::new(*block.cid()), offset: self.offset, source });
        }
        self.section(&[&block.cid().to_bytes(), block.bytes()])
    }

    pub fn finish(self) -> Result<W, CarError> {
        Ok(self.out)
    }

    fn section(&mut self, parts: &[&[u8]]) -> Result<(), CarError> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let mut buffer = encode::usize_buffer();
        let prefix = encode::usize(length, &mut buffer);
        self.out.write_all(prefix)?;
        for part in parts {
            self.out.write_all(part)?;
        }
        self.offset += (prefix.len() + length) as u64;
        Ok(())
    }
}

/// Reads lengths byte by byte: give it a buffered reader.
#[derive(Debug)]
pub struct Reader<R: Read> {
    input: Counted<R>,
    roots: Vec<Cid>,
}

impl<R: Read> Reader<R> {
    /// Reads the header (≤ 1 MiB). A file whose header has neither of the words a header has is no archive; one that
    /// has them and does not add up is a damaged one.
    pub fn new(input: R) -> Result<Self, CarError> {
        let mut input = Counted { inner: input, offset: 0 };
        // A length that cannot be one is as foreign as what stands behind any other.
        let length = input
            .length()
            .map_err(|error| if let CarError::Damaged { .. } = error { CarError::Foreign } else { error })?;
        let length = length.ok_or(CarError::Foreign)?;
        let header = input.up_to(length.min(limits::CAR_HEADER as u64))?;
        if !is_like_a_header(&header) {
            return Err(CarError::Foreign);
        }
        if length > limits::CAR_HEADER as u64 {
            return Err(damaged(0, "its header is longer than a header may be"));
        }
        if (header.len() as u64) < length {
            return Err(input.ends_early());
        }
        let (_, header) =
            Block::decode::<Header>(header, limits::CAR_HEADER).map_err(|_| damaged(0, "its header cannot be read"))?;
        if header.version != 1 {
            return Err(damaged(0, format!("it is of version {}, only version 1 is read", header.version)));
        }
        let roots = header.roots.ok_or_else(|| damaged(0, "its header names no roots"))?;
        Ok(Self { input, roots })
    }

    /// Bytes read so far: where the next section begins.
    pub fn offset(&self) -> u64 {
        self.input.offset
    }

    pub fn roots(&self) -> &[Cid] {
        &self.roots
    }

    /// The next verified block, or None at a clean end. After `CarError::Block` reading may go on; after `Damaged` it
    /// may not.
    pub fn next_block(&mut self) -> Result<Option<Block>, CarError> {
        let offset = self.input.offset;
        let Some(length) = self.input.length()? else { return Ok(None) };
        if length > SECTION as u64 {
            return Err(damaged(offset, format!("a block claims {length} bytes")));
        }
        if self.input.offset + length > limits::CAR_IMPORT {
            return Err(damaged(offset, "it is longer than an archive may be"));
        }
        open_section(Bytes::from(self.input.take_bytes(length)?), offset).map(Some)
    }
}

/// The verified block of one section without its length; `offset` is for the error. For who reads an archive again at
/// places it noted before.
pub fn open_section(section: Bytes, offset: u64) -> Result<Block, CarError> {
    let mut rest = section.as_ref();
    let cid = Cid::read_bytes(&mut rest).map_err(|_| damaged(offset, "the name of a block cannot be read"))?;
    let bytes = section.slice(section.len() - rest.len()..);
    Block::verify(&cid, bytes, limit(cid.codec())).map_err(|source| CarError::Block {
        cid: Box::new(cid),
        offset,
        source,
    })
}

/// Counts what was read, so that an error can say where.
#[derive(Debug)]
struct Counted<R> {
    inner: R,
    offset: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.offset += count as u64;
        Ok(count)
    }
}

impl<R: Read> Counted<R> {
    /// The length before a section; None at the end of the input.
    fn length(&mut self) -> Result<Option<u64>, CarError> {
        let offset = self.offset;
        let mut varint = encode::u64_buffer();
        for at in 0..varint.len() {
            match self.read_exact(&mut varint[at..=at]) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return if at == 0 { Ok(None) } else { Err(self.ends_early()) };
                }
                read => read?,
            }
            if varint[at] < 0x80 {
                return decode::u64(&varint[..=at])
                    .map(|(length, _)| Some(length))
                    .map_err(|_| damaged(offset, "the length of a block cannot be read"));
            }
        }
        Err(damaged(offset, "the length of a block cannot be read"))
    }

    /// Exactly `length` bytes; memory grows with what arrives, not with what was claimed.
    fn take_bytes(&mut self, length: u64) -> Result<Vec<u8>, CarError> {
        let bytes = self.up_to(length)?;
        if (bytes.len() as u64) < length { Err(self.ends_early()) } else { Ok(bytes) }
    }

    fn up_to(&mut self, length: u64) -> Result<Vec<u8>, CarError> {
        let mut bytes = Vec::new();
        self.by_ref().take(length).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn ends_early(&self) -> CarError {
        damaged(self.offset, "it ends early")
    }
}

/// Whole small archive in memory.
pub fn to_vec(roots: &[Cid], blocks: &[Block]) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Ok(mut writer) = Writer::new(&mut bytes, roots) {
        for block in blocks {
            // Memory takes all that is written; a block that no reader would take is left out.
            let _ = writer.put(block);
        }
    }
    bytes
}

#[cfg(test)]
mod tests;
