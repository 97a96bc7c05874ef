//! The strict scanner: one pass over untrusted bytes that lets only our subset of canonical DAG-CBOR through. It
//! allocates nothing, and a claimed length is believed only once that many bytes are there.

use super::{DAG_CBOR, DAG_PB, RAW};
use crate::{error::Refusal, limits};

/// Bytes of every CID we allow: version, codec, hash code, digest length, 32 bytes of digest. All varints are short.
pub(super) const CID_LENGTH: usize = 36;

const SHA2_256: u8 = 0x12;
const CID_TAG: u64 = 42;

/// Checks that `bytes` hold exactly one canonical value and hands the 36 bytes of every link to `link`, in order.
pub(super) fn scan<'a>(bytes: &'a [u8], link: impl FnMut(&'a [u8])) -> Result<(), Refusal> {
    let mut scanner = Scanner { rest: bytes, link };
    scanner.value(limits::CBOR_DEPTH)?;
    if scanner.rest.is_empty() { Ok(()) } else { Err(Refusal::Trailing) }
}

struct Scanner<'a, F> {
    rest: &'a [u8],
    link: F,
}

impl<'a, F: FnMut(&'a [u8])> Scanner<'a, F> {
    /// One value; `depth` is how many lists and maps may still be opened, which also bounds the recursion.
    fn value(&mut self, depth: usize) -> Result<(), Refusal> {
        let (major, argument) = self.head()?;
        match major {
            // An argument n stands for n, or for -1 - n.
            0 if argument > limits::INTEGER.unsigned_abs() => Err(Refusal::Integer),
            1 if argument >= limits::INTEGER.unsigned_abs() => Err(Refusal::Integer),
            0 | 1 => Ok(()),
            2 => self.take(argument).map(drop),
            3 => self.text(argument).map(drop),
            4 => self.list(argument, deeper(depth)?),
            5 => self.map(argument, deeper(depth)?),
            6 if argument == CID_TAG => self.link(),
            6 => Err(Refusal::NotCanonical("a tag other than 42")),
            // `head` lets only false, true and null through.
            _ => Ok(()),
        }
    }

    fn list(&mut self, length: u64, depth: usize) -> Result<(), Refusal> {
        for _ in 0..length {
            self.value(depth)?;
        }
        Ok(())
    }

    fn map(&mut self, length: u64, depth: usize) -> Result<(), Refusal> {
        let mut last: Option<&[u8]> = None;
        for _ in 0..length {
            let (major, argument) = self.head()?;
            if major != 3 {
                return Err(Refusal::NotCanonical("a map key that is not text"));
            }
            let key = self.text(argument)?;
            if let Some(last) = last {
                match (last.len(), last).cmp(&(key.len(), key)) {
                    std::cmp::Ordering::Less => {}
                    std::cmp::Ordering::Equal => return Err(Refusal::NotCanonical("a map key twice")),
                    std::cmp::Ordering::Greater => return Err(Refusal::NotCanonical("map keys out of order")),
                }
            }
            last = Some(key);
            self.value(depth)?;
        }
        Ok(())
    }

    fn text(&mut self, length: u64) -> Result<&'a [u8], Refusal> {
        let text = self.take(length)?;
        match std::str::from_utf8(text) {
            Ok(_) => Ok(text),
            Err(_) => Err(Refusal::NotCanonical("text that is not UTF-8")),
        }
    }

    /// What follows tag 42: a byte string of one zero byte and the CID.
    fn link(&mut self) -> Result<(), Refusal> {
        let (major, length) = self.head()?;
        if major != 2 {
            return Err(Refusal::Link);
        }
        match self.take(length)? {
            [0, cid @ ..] if allowed(cid) => {
                (self.link)(cid);
                Ok(())
            }
            _ => Err(Refusal::Link),
        }
    }

    /// The first byte of a value and its argument, which must be in the shortest form.
    fn head(&mut self) -> Result<(u8, u64), Refusal> {
        let (&first, rest) = self.rest.split_first().ok_or(Refusal::Truncated)?;
        self.rest = rest;
        let (major, info) = (first >> 5, first & 0x1f);
        if major == 7 {
            return match info {
                20..=22 => Ok((7, u64::from(info))),
                25..=27 => Err(Refusal::Float),
                31 => Err(Refusal::NotCanonical("an indefinite length")),
                _ => Err(Refusal::NotCanonical("a simple value other than false, true and null")),
            };
        }
        let (argument, shortest) = match info {
            0..=23 => (u64::from(info), 0),
            24 => (u64::from(u8::from_be_bytes(self.array()?)), 24),
            25 => (u64::from(u16::from_be_bytes(self.array()?)), 1 << 8),
            26 => (u64::from(u32::from_be_bytes(self.array()?)), 1 << 16),
            27 => (u64::from_be_bytes(self.array()?), 1 << 32),
            31 => return Err(Refusal::NotCanonical("an indefinite length")),
            _ => return Err(Refusal::NotCanonical("a reserved head")),
        };
        if argument < shortest {
            return Err(Refusal::NotCanonical("a number longer than needed"));
        }
        Ok((major, argument))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        let (array, rest) = self.rest.split_first_chunk::<N>().ok_or(Refusal::Truncated)?;
        self.rest = rest;
        Ok(*array)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Refusal> {
        let length = usize::try_from(length).map_err(|_| Refusal::Truncated)?;
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Refusal::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }
}

fn deeper(depth: usize) -> Result<usize, Refusal> {
    depth.checked_sub(1).ok_or(Refusal::Depth(limits::CBOR_DEPTH))
}

/// The CID rule on raw bytes: CIDv1, one of our codecs, sha2-256 with all its 32 bytes, nothing after it.
fn allowed(cid: &[u8]) -> bool {
    cid.len() == CID_LENGTH
        && cid[0] == 1
        && [DAG_CBOR, RAW, DAG_PB].contains(&u64::from(cid[1]))
        && cid[2] == SHA2_256
        && cid[3] == 32
}
