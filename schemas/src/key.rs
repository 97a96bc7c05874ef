//! Keys and signatures: Ed25519 with `verify_strict`, named by `did:key`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::Error;

/// `did:key:z6Mk…`: the public key of a person (root key) or of a device. Weak keys cannot be constructed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Did([u8; 32]);

impl Did {
    /// Refuses bytes that are no point, not canonical, or of small order.
    pub fn from_bytes(_bytes: [u8; 32]) -> Result<Self, Error> {
        todo!()
    }

    /// Bytes from our own store that were checked when they were written.
    pub fn trusted(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Verifies `sig` over `"folkmoot/<kind>/1" || 0x00 || payload`, strictly.
    pub fn verify(&self, _kind: &'static str, _payload: &[u8], _sig: &Sig) -> Result<(), Error> {
        todo!()
    }

    /// `z6Mk…wxyz`: for people, where the whole key would only be noise.
    pub fn short(&self) -> String {
        todo!()
    }
}

impl fmt::Display for Did {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}
impl fmt::Debug for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl FromStr for Did {
    type Err = Error;
    fn from_str(_text: &str) -> Result<Self, Error> {
        todo!()
    }
}
impl Serialize for Did {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Did {
    fn deserialize<D: Deserializer<'de>>(_d: D) -> Result<Self, D::Error> {
        todo!()
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
    fn deserialize<D: Deserializer<'de>>(_d: D) -> Result<Self, D::Error> {
        todo!()
    }
}

/// A signing key. Prints nothing, is not serialisable, is wiped on drop.
#[derive(Clone)]
pub struct Secret(#[allow(dead_code, reason = "stub")] ed25519_dalek::SigningKey);

impl Secret {
    pub fn from_seed(_seed: [u8; 32]) -> Self {
        todo!()
    }
    pub fn seed(&self) -> [u8; 32] {
        todo!()
    }
    pub fn did(&self) -> Did {
        todo!()
    }
    /// Signs `"folkmoot/<kind>/1" || 0x00 || payload`.
    pub fn sign(&self, _kind: &'static str, _payload: &[u8]) -> Sig {
        todo!()
    }
}
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
