//! The 12 words on paper and the root key they give: BIP39 (English), empty passphrase, then
//! HKDF-SHA256 with info `folkmoot/root/1` to an Ed25519 seed.

use crate::{error::Error, key::Secret};

/// Twelve words. Prints nothing by `Debug`; [`Phrase::words`] is for the one moment they are shown.
#[derive(Clone)]
pub struct Phrase(#[allow(dead_code, reason = "stub")] bip39::Mnemonic);

impl Phrase {
    /// From 128 bits of fresh randomness.
    pub fn from_entropy(_entropy: [u8; 16]) -> Self {
        todo!()
    }
    /// Reads words as people type them (case, spaces, line breaks, numbering like "1."). The error names the first wrong word with
    /// the nearest right ones, or says that the checksum fails (a word is swapped).
    pub fn parse(_text: &str) -> Result<Self, Error> {
        todo!()
    }
    pub fn words(&self) -> String {
        todo!()
    }
    pub fn root(&self) -> Secret {
        todo!()
    }
}
impl std::fmt::Debug for Phrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Phrase(…)")
    }
}
