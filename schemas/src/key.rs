//! Keys and signatures: Ed25519 with `verify_strict`, named by `did:key`.
//!
//! A signature covers `"folkmoot/<kind>/1" || 0x00 || payload`, so none can be passed off as another kind.

use std::{
    cell::{Cell, RefCell},
    fmt,
    str::FromStr,
};

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_bytes::ByteArray;
use zeroize::Zeroizing;

use crate::{error::Error, text};

/// `z` is multibase's letter for base58btc.
const PREFIX: &str = "did:key:z";
/// Multicodec of an Ed25519 public key, as a varint.
const ED25519_PUB: [u8; 2] = [0xed, 0x01];

/// Keys a thread remembers to be sound. Finding that out takes ten microseconds, and the same few people and devices
/// stand in record after record.
const REMEMBERED: usize = 256;

thread_local! {
    /// Each at the place its first byte names.
    static SOUND: RefCell<Vec<[u8; 32]>> = RefCell::new(vec![[0; 32]; REMEMBERED]);
    static TRUSTING: Cell<bool> = const { Cell::new(false) };
}

/// Reads what was checked when it was stored: keys in it are taken as they are. A roster of a hundred people is read by
/// every command, and checking their keys took longer than all the rest of it.
pub fn trusting<T>(read: impl FnOnce() -> T) -> T {
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            TRUSTING.set(self.0);
        }
    }
    let _before = Before(TRUSTING.replace(true));
    read()
}

/// `did:key:z6Mk…`: the public key of a person (root key) or of a device. Weak keys cannot be constructed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Did([u8; 32]);

impl Did {
    /// Refuses bytes that are no point, not canonical, or of small order.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, Error> {
        if TRUSTING.get() {
            return Ok(Self(bytes));
        }
        let place = usize::from(bytes[0]) % REMEMBERED;
        // All zeros, which fills the empty places, is a point of small order.
        if bytes != [0; 32] && SOUND.with_borrow(|sound| sound[place] == bytes) {
            return Ok(Self(bytes));
        }
        let did = Self::check(bytes)?;
        SOUND.with_borrow_mut(|sound| sound[place] = bytes);
        Ok(did)
    }

    fn check(bytes: [u8; 32]) -> Result<Self, Error> {
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| wrong("the bytes are not a point on the curve"))?;
        // One key, one name: a second encoding of the same point would be a second person.
        if key.to_edwards().compress().to_bytes() != bytes {
            return Err(wrong("the point is not in its canonical form"));
        }
        if key.is_weak() {
            return Err(wrong("a key of small order fits more than one message"));
        }
        Ok(Self(bytes))
    }

    /// Bytes from our own store that were checked when they were written.
    pub fn trusted(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Verifies `sig` over `"folkmoot/<kind>/1" || 0x00 || payload`, strictly.
    pub fn verify(&self, kind: &'static str, payload: &[u8], sig: &Sig) -> Result<(), Error> {
        let signature = Signature::from_bytes(&sig.0);
        VerifyingKey::from_bytes(&self.0)
            .and_then(|key| key.verify_strict(&message(kind, payload), &signature))
            .map_err(|_| Error::Signature(kind))
    }

    /// For people, where the whole key would only be noise: its end, which commands take in its place.
    pub fn short(&self) -> String {
        end_of(&self.multibase()).to_owned()
    }

    /// The key in base58btc, without the leading `z`. ASCII.
    fn multibase(&self) -> String {
        let mut bytes = [0; 34];
        bytes[..2].copy_from_slice(&ED25519_PUB);
        bytes[2..].copy_from_slice(&self.0);
        bs58::encode(bytes).into_string()
    }
}

/// The last eight characters of a key as text: keys begin alike and end apart.
pub fn end_of(key: &str) -> &str {
    key.get(key.len().saturating_sub(8)..).unwrap_or(key)
}

fn wrong(why: impl Into<String>) -> Error {
    Error::Syntax { what: "did:key", why: why.into() }
}

fn message(kind: &str, payload: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(kind.len() + 12 + payload.len());
    message.extend_from_slice(b"folkmoot/");
    message.extend_from_slice(kind.as_bytes());
    message.extend_from_slice(b"/1\0");
    message.extend_from_slice(payload);
    message
}

impl fmt::Display for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        f.write_str(&self.multibase())
    }
}
impl fmt::Debug for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl FromStr for Did {
    type Err = Error;

    /// Base58 writes each number in one way and 34 bytes of buffer leave no room for leading zeros, so a key has
    /// exactly one text.
    fn from_str(text: &str) -> Result<Self, Error> {
        let key = text.strip_prefix(PREFIX).ok_or_else(|| wrong("it does not begin with did:key:z"))?;
        // 34 bytes need 47 or 48 characters; decoding is quadratic in the length.
        if key.len() > 48 {
            return Err(wrong("it is too long for an Ed25519 key"));
        }
        let mut bytes = [0; 34];
        let length = bs58::decode(key).onto(&mut bytes).map_err(|error| wrong(error.to_string()))?;
        match bytes.split_first_chunk::<2>() {
            Some((&ED25519_PUB, key)) if length == 34 => {
                Self::from_bytes(key.try_into().map_err(|_| wrong("it is cut off"))?)
            }
            _ => Err(wrong("it does not name an Ed25519 key, or is cut off")),
        }
    }
}
impl Serialize for Did {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Did {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        text::deserialize(d, Self::from_str)
    }
}

/// 64 bytes of Ed25519 signature; a byte string in DAG-CBOR.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Sig(pub [u8; 64]);

impl fmt::Debug for Sig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sig(…)")
    }
}
impl Serialize for Sig {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_bytes(&self.0)
    }
}
impl<'de> Deserialize<'de> for Sig {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        ByteArray::<64>::deserialize(d).map(|bytes| Self(bytes.into_array()))
    }
}

/// A signing key. Prints nothing, is not serialisable, is wiped on drop.
#[derive(Clone)]
pub struct Secret(SigningKey);

impl Secret {
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&seed))
    }
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }
    pub fn did(&self) -> Did {
        Did(self.0.verifying_key().to_bytes())
    }
    /// Signs `"folkmoot/<kind>/1" || 0x00 || payload`.
    pub fn sign(&self, kind: &'static str, payload: &[u8]) -> Sig {
        Sig(self.0.sign(&message(kind, payload)).to_bytes())
    }
}
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests;
