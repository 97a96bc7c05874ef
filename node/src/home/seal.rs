//! The device key's file: 64 hexadecimal digits, or, under a passphrase, one line
//!
//! ```text
//! argon2id <KiB of memory> <passes> <salt> <nonce> <sealed seed>
//! ```
//!
//! with the last three in hexadecimal: the seed under ChaCha20-Poly1305 by a key that Argon2id (version 1.3, one lane)
//! makes of the passphrase's UTF-8 bytes. The words before the salt are authenticated too.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::{
    ChaCha20Poly1305, Key, Nonce,
    aead::{Aead, KeyInit, Payload},
};
use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use crate::clock::Clock;

const NAME: &str = "argon2id";
/// What new files cost to try: 64 MiB and three passes, about a quarter of a second on a small board's core.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
/// A file that asks for more was not written here, and would only take the memory.
const MOST_MEMORY_KIB: u32 = 1024 * 1024;
const MOST_PASSES: u32 = 64;

/// What a key file holds.
pub(super) enum Content {
    Plain(Zeroizing<[u8; 32]>),
    Sealed(Sealed),
}

pub(super) struct Sealed {
    memory_kib: u32,
    passes: u32,
    salt: [u8; 16],
    nonce: [u8; 12],
    seed: Vec<u8>,
}

/// None: neither form. What was read is never quoted.
pub(super) fn parse(text: &[u8]) -> Option<Content> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let hex = |word: &str| data_encoding::HEXLOWER_PERMISSIVE.decode(word.as_bytes()).ok().map(Zeroizing::new);
    let words: Vec<&str> = text.split(' ').collect();
    match words[..] {
        [seed] => {
            let mut plain = Zeroizing::new([0; 32]);
            let seed = hex(seed)?;
            (seed.len() == plain.len()).then(|| plain.copy_from_slice(&seed))?;
            Some(Content::Plain(plain))
        }
        [NAME, memory, passes, salt, nonce, seed] => Some(Content::Sealed(Sealed {
            memory_kib: memory.parse().ok().filter(|kib| *kib <= MOST_MEMORY_KIB)?,
            passes: passes.parse().ok().filter(|passes| *passes <= MOST_PASSES)?,
            salt: hex(salt)?.as_slice().try_into().ok()?,
            nonce: hex(nonce)?.as_slice().try_into().ok()?,
            seed: hex(seed)?.to_vec(),
        })),
        _ => None,
    }
}

pub(super) fn plain(seed: &[u8; 32]) -> Zeroizing<String> {
    let text = Zeroizing::new(HEXLOWER.encode(seed));
    // Of exactly this room, so that nothing is copied elsewhere to make more.
    let mut line = Zeroizing::new(String::with_capacity(text.len() + 1));
    line.push_str(&text);
    line.push('\n');
    line
}

/// None: the passphrase cannot be used.
pub(super) fn seal(seed: &[u8; 32], passphrase: &str, clock: &Clock) -> Option<String> {
    let mut sealed = Sealed {
        memory_kib: MEMORY_KIB,
        passes: PASSES,
        salt: clock.random(),
        nonce: clock.random(),
        seed: Vec::new(),
    };
    let head = sealed.head();
    let payload = Payload { msg: seed, aad: head.as_bytes() };
    sealed.seed = sealed.cipher(passphrase)?.encrypt(&Nonce::from(sealed.nonce), payload).ok()?;
    let [salt, nonce] = [HEXLOWER.encode(&sealed.salt), HEXLOWER.encode(&sealed.nonce)];
    Some(format!("{head} {salt} {nonce} {}\n", HEXLOWER.encode(&sealed.seed)))
}

impl Sealed {
    /// None: the passphrase is not the one it was sealed with, or the file was changed.
    pub(super) fn open(&self, passphrase: &str) -> Option<Zeroizing<[u8; 32]>> {
        let head = self.head();
        let payload = Payload { msg: &self.seed, aad: head.as_bytes() };
        let opened = Zeroizing::new(self.cipher(passphrase)?.decrypt(&Nonce::from(self.nonce), payload).ok()?);
        opened.as_slice().try_into().ok().map(Zeroizing::new)
    }

    fn head(&self) -> String {
        format!("{NAME} {} {}", self.memory_kib, self.passes)
    }

    fn cipher(&self, passphrase: &str) -> Option<ChaCha20Poly1305> {
        let params = Params::new(self.memory_kib, self.passes, 1, Some(32)).ok()?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), &self.salt, key.as_mut_slice())
            .ok()?;
        Some(ChaCha20Poly1305::new(Key::from_slice(key.as_slice())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(text: &str) -> Sealed {
        match parse(text.as_bytes()) {
            Some(Content::Sealed(sealed)) => sealed,
            _ => panic!("not sealed: {text}"),
        }
    }

    #[test]
    fn only_the_passphrase_opens_a_sealed_key() {
        let seed = [7; 32];
        let text = seal(&seed, "müde Möwen", &Clock::system()).unwrap();
        assert!(!text.contains(&HEXLOWER.encode(&seed)) && text.len() < 256);
        assert_eq!(sealed(&text).open("müde Möwen"), Some(Zeroizing::new(seed)));
        assert_eq!(sealed(&text).open("müde Möwe"), None);
        let weaker = text.replacen(&MEMORY_KIB.to_string(), "1024", 1);
        assert_eq!(sealed(&weaker).open("müde Möwen"), None, "what it costs is part of what is sealed");
    }

    #[test]
    fn both_forms_are_read_and_nothing_else() {
        assert!(matches!(parse(plain(&[3; 32]).as_bytes()), Some(Content::Plain(seed)) if *seed == [3; 32]));
        let greedy = "argon2id 4294967295 3 00 00 00";
        for text in ["", "abcd", "argon2id 1 1 00 00", greedy, &"zz".repeat(32), "\u{fffd}"] {
            assert!(parse(text.as_bytes()).is_none(), "{text}");
        }
    }
}
