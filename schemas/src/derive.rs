//! Derived ids: sha256(dag-cbor([parts])), as lower-case base32 cut to a stated length. An absent part is null.

use data_encoding::BASE32_NOPAD;
use sha2::{Digest, Sha256};

/// Hash of the parts encoded as one DAG-CBOR list of text or null.
pub fn digest(parts: &[Option<&str>]) -> [u8; 32] {
    let mut hash = Sha256::new();
    head(&mut hash, 4, parts.len());
    for part in parts {
        match part {
            Some(text) => {
                head(&mut hash, 3, text.len());
                hash.update(text);
            }
            None => hash.update([0xf6]),
        }
    }
    hash.finalize().into()
}

/// The first `len` characters of the digest's lower-case base32 (no padding; there are 52).
pub fn id(parts: &[Option<&str>], len: usize) -> String {
    let mut text = BASE32_NOPAD.encode(&digest(parts)).to_ascii_lowercase();
    text.truncate(len);
    text
}

/// A CBOR head in its shortest form: writing it here keeps the derivation infallible.
fn head(hash: &mut Sha256, major: u8, argument: usize) {
    let major = major << 5;
    let argument = argument as u64;
    if argument < 24 {
        hash.update([major | argument as u8]);
    } else if let Ok(argument) = u8::try_from(argument) {
        hash.update([major | 24, argument]);
    } else if let Ok(argument) = u16::try_from(argument) {
        hash.update([major | 25]);
        hash.update(argument.to_be_bytes());
    } else if let Ok(argument) = u32::try_from(argument) {
        hash.update([major | 26]);
        hash.update(argument.to_be_bytes());
    } else {
        hash.update([major | 27]);
        hash.update(argument.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::Block;

    #[test]
    fn the_parts_are_hashed_as_one_dag_cbor_list() {
        let (short, byte, word, long) = ("a", "b".repeat(24), "c".repeat(300), "d".repeat(70_000));
        let parts = [Some(short), None, Some(&byte), Some(&word), Some(&long), Some("")];
        let list = Block::encode(&parts).unwrap();
        assert_eq!(digest(&parts), <[u8; 32]>::from(Sha256::digest(list.bytes())));
        let many = vec![Some("x"); 30];
        assert_eq!(digest(&many), <[u8; 32]>::from(Sha256::digest(Block::encode(&many).unwrap().bytes())));
    }

    #[test]
    fn an_absent_part_differs_from_an_empty_one() {
        assert_ne!(id(&[Some("a"), None], 26), id(&[Some("a"), Some("")], 26));
        assert_eq!(id(&[Some("a")], 16).len(), 16);
    }
}
