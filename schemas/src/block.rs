//! A block is a CID and the exact bytes it names; [`Block::decode`] is the only door from outside bytes to values.
//!
//! The encoding is DAG-CBOR as its specification has it, and stricter: no floats, integers within ±(2^53−1), bounded
//! depth, and one form of CID. Bytes that pass are kept and forwarded untouched; a typed value is a view over them.

mod pb;
mod scan;

use bytes::Bytes;
pub use cid::Cid;
use cid::Version;
use multihash::Multihash;
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::error::{Error, Refusal};

/// Multicodec of structures and records.
pub const DAG_CBOR: u64 = 0x71;
/// Multicodec of file bytes.
pub const RAW: u64 = 0x55;
/// Multicodec of UnixFS nodes.
pub const DAG_PB: u64 = 0x70;

const SHA2_256: u64 = 0x12;

/// A CID with the exact bytes it names. Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    cid: Cid,
    bytes: Bytes,
}

/// Counts what is written to it.
struct Count(usize);

impl std::io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Block {
    /// Encodes a value of ours as strict DAG-CBOR. Refuses whatever [`Block::decode`] would refuse (floats, depth …).
    pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Self, Error> {
        let bytes = serde_ipld_dagcbor::to_vec(value).map_err(|error| Refusal::Shape(error.to_string()))?;
        scan::scan(&bytes, |_| ())?;
        Ok(Self { cid: cid_of(DAG_CBOR, &bytes), bytes: bytes.into() })
    }

    /// Bytes that `encode` would make, without making them.
    pub fn size_of<T: Serialize>(value: &T) -> Result<usize, Error> {
        let mut count = Count(0);
        serde_ipld_dagcbor::to_writer(&mut count, value).map_err(|error| Refusal::Shape(error.to_string()))?;
        Ok(count.0)
    }

    /// A `raw` block: the bytes of a file.
    pub fn raw(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { cid: cid_of(RAW, &bytes), bytes }
    }

    /// The one door. Size cap first, then the strict scan (canonical, no floats, integers, depth, links), then hash
    /// and typed decode. Invariant: accepted bytes re-encode to the same bytes.
    pub fn decode<T: DeserializeOwned>(bytes: impl Into<Bytes>, limit: usize) -> Result<(Self, T), Error> {
        let bytes = bytes.into();
        check_size(&bytes, limit)?;
        scan::scan(&bytes, |_| ())?;
        let block = Self { cid: cid_of(DAG_CBOR, &bytes), bytes };
        let value = block.view()?;
        Ok((block, value))
    }

    /// Takes bytes that claim to be `cid`: checks size and CID rule, re-hashes, and scans DAG-CBOR as strictly as
    /// `decode`. Of the other codecs only size and hash are checked.
    pub fn verify(cid: &Cid, bytes: impl Into<Bytes>, limit: usize) -> Result<Self, Error> {
        let bytes = bytes.into();
        check_size(&bytes, limit)?;
        check_cid(cid)?;
        if cid_of(cid.codec(), &bytes) != *cid {
            return Err(Error::Hash(cid.to_string()));
        }
        if cid.codec() == DAG_CBOR {
            scan::scan(&bytes, |_| ())?;
        }
        Ok(Self { cid: *cid, bytes })
    }

    /// A block read back from our own store, hashed when it was written.
    pub fn trusted(cid: Cid, bytes: impl Into<Bytes>) -> Self {
        Self { cid, bytes: bytes.into() }
    }

    /// Typed view of a block that was already scanned; unknown fields are ignored.
    pub fn view<T: DeserializeOwned>(&self) -> Result<T, Error> {
        if self.cid.codec() != DAG_CBOR {
            return Err(Refusal::Shape("the bytes of a file where a structure is expected".into()).into());
        }
        serde_ipld_dagcbor::from_slice(&self.bytes).map_err(|error| Refusal::Shape(error.to_string()).into())
    }

    /// CIDs of all real links (tag 42) in a DAG-CBOR block, of the links of a DAG-PB node, in order of appearance; a
    /// raw block has none.
    pub fn links(&self) -> Result<Vec<Cid>, Error> {
        let mut links = Vec::new();
        match self.cid.codec() {
            // The scanner hands over only bytes that follow the CID rule.
            DAG_CBOR => scan::scan(&self.bytes, |bytes| links.extend(Cid::try_from(bytes)))?,
            DAG_PB => links = pb::links(&self.bytes)?,
            _ => {}
        }
        Ok(links)
    }

    pub fn cid(&self) -> &Cid {
        &self.cid
    }

    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

fn check_size(bytes: &[u8], limit: usize) -> Result<(), Refusal> {
    if bytes.len() <= limit { Ok(()) } else { Err(Refusal::Size { size: bytes.len(), limit }) }
}

/// CIDv1 of `bytes` with the given codec, by sha2-256.
pub fn cid_of(codec: u64, bytes: &[u8]) -> Cid {
    let Ok(hash) = Multihash::wrap(SHA2_256, &Sha256::digest(bytes)) else {
        unreachable!("a multihash has room for 64 bytes and the digest has 32");
    };
    Cid::new_v1(codec, hash)
}

/// The CID rule: v1, sha2-256 of 32 bytes, one of our three codecs. Use on every CID from outside.
pub fn check_cid(cid: &Cid) -> Result<(), Error> {
    let allowed = cid.version() == Version::V1
        && [DAG_CBOR, RAW, DAG_PB].contains(&cid.codec())
        && cid.hash().code() == SHA2_256
        && cid.hash().size() == 32;
    if allowed { Ok(()) } else { Err(Refusal::Link.into()) }
}

/// Parses the text form of a CID under the CID rule: lower-case base32 only.
pub fn parse_cid(text: &str) -> Result<Cid, Error> {
    let wrong = |why: String| Error::Syntax { what: "CID", why };
    // `b`, then 36 bytes at 5 bits a character.
    if text.len() != 59 || !text.starts_with('b') {
        return Err(wrong("59 characters of lower-case base32 are expected".into()));
    }
    let cid = Cid::try_from(text).map_err(|error| wrong(error.to_string()))?;
    check_cid(&cid)?;
    // The decoder may overlook case or stray bits; a CID has one text form here.
    if cid.to_string() == text { Ok(cid) } else { Err(wrong("it is not written in its one canonical form".into())) }
}

/// serde as CID *text* (for references that must not be followed): `#[serde(with = "block::cid_text")]`.
pub mod cid_text {
    use serde::{Deserializer, Serializer};

    use super::{Cid, parse_cid};
    use crate::text;

    pub fn serialize<S: Serializer>(cid: &Cid, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(cid)
    }
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Cid, D::Error> {
        text::deserialize(d, parse_cid)
    }
}

/// serde as CID text or null.
pub mod cid_text_opt {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Cid, cid_text};

    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Text(#[serde(with = "cid_text")] Cid);

    pub fn serialize<S: Serializer>(cid: &Option<Cid>, s: S) -> Result<S::Ok, S::Error> {
        match cid {
            Some(cid) => s.collect_str(cid),
            None => s.serialize_none(),
        }
    }
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Cid>, D::Error> {
        Ok(Option::<Text>::deserialize(d)?.map(|text| text.0))
    }
}

#[cfg(test)]
mod tests;
