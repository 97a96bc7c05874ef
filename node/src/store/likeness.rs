//! Telling most records apart that differ in more than their rev, without reading them.

use folkmoot_schemas::Tid;
use sha2::{Digest, Sha256};

/// Of records that are alike but for their rev the same; of others mostly not.
pub(super) fn likeness(bytes: &[u8], rev: Tid) -> u16 {
    let rev = rev.to_string();
    let at = bytes.windows(rev.len()).position(|found| found == rev.as_bytes());
    let (before, after) = at.map_or((bytes, &[][..]), |at| (&bytes[..at], &bytes[at + rev.len()..]));
    let [a, b, ..] = <[u8; 32]>::from(Sha256::new().chain_update(before).chain_update(after).finalize());
    u16::from_be_bytes([a, b])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::collections::HashSet;

    use folkmoot_schemas::{Record, records::post::Post};

    use super::*;

    #[test]
    fn records_are_alike_whatever_their_rev_and_texts_of_one_length_are_not() {
        let of = |text: &str, rev: u64| {
            let rev = Tid::new(rev, 5);
            likeness(Record::from(Post { text: text.into(), ..Post::default() }).encode(rev).unwrap().bytes(), rev)
        };
        let all: HashSet<u16> = (100..300).map(|n| of(&format!("number {n}"), 1_700_000_000_000_000)).collect();
        assert!(all.len() > 190, "{}", all.len());
        for n in 100..300 {
            assert!(all.contains(&of(&format!("number {n}"), 0)));
        }
    }
}
