//! The 12 words on paper and the root key they give: BIP39 (English), empty passphrase, then
//! HKDF-SHA256 with info `folkmoot/root/1` to an Ed25519 seed.

use bip39::{Language, Mnemonic};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{error::Error, key::Secret};

const WORDS: usize = 12;
const INFO: &[u8] = b"folkmoot/root/1";

/// Twelve words. Prints nothing by `Debug`, is wiped on drop; [`Phrase::words`] is for the one moment they are shown.
#[derive(Clone)]
pub struct Phrase(Mnemonic);

impl Phrase {
    /// From 128 bits of fresh randomness.
    pub fn from_entropy(entropy: [u8; 16]) -> Self {
        let Ok(mnemonic) = Mnemonic::from_entropy_in(Language::English, &entropy) else {
            unreachable!("128 bits are a length that BIP39 knows");
        };
        Self(mnemonic)
    }

    /// Reads words as people type them (case, spaces, line breaks, numbering like "1."). The error names the first
    /// wrong word with the nearest right ones, or says that the checksum fails (a word is swapped).
    pub fn parse(text: &str) -> Result<Self, Error> {
        let count = |found: usize| wrong(format!("it has 12 words, {found} were given"));
        let lower = Zeroizing::new(text.to_lowercase());
        let words: Vec<&str> =
            lower.split(|letter: char| !letter.is_alphabetic()).filter(|word| !word.is_empty()).collect();
        // Somebody pasted something else: no use in naming its first wrong word.
        if words.len() > 2 * WORDS {
            return Err(count(words.len()));
        }
        for (index, word) in words.iter().enumerate() {
            if Language::English.find_word(word).is_none() {
                return Err(wrong(unknown(index + 1, word)));
            }
        }
        if words.len() != WORDS {
            return Err(count(words.len()));
        }
        Mnemonic::parse_in_normalized(Language::English, &Zeroizing::new(words.join(" "))).map(Self).map_err(|_| {
            wrong("each word exists, but together they are no phrase: one was mistaken for another, or the order is wrong")
        })
    }

    pub fn words(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.to_string())
    }

    pub fn root(&self) -> Secret {
        let mut seed = Zeroizing::new([0; 32]);
        let long = Zeroizing::new(self.0.to_seed_normalized(""));
        let Ok(()) = Hkdf::<Sha256>::new(None, long.as_slice()).expand(INFO, seed.as_mut_slice()) else {
            unreachable!("HKDF-SHA256 gives up to 8160 bytes");
        };
        Secret::from_seed(*seed)
    }
}

impl std::fmt::Debug for Phrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Phrase(…)")
    }
}

fn wrong(why: impl Into<String>) -> Error {
    Error::Syntax { what: "the phrase", why: why.into() }
}

fn unknown(place: usize, word: &str) -> String {
    let shown: String = word.chars().take(20).collect();
    let near = nearest(word);
    if near.is_empty() {
        format!("word {place}, \"{shown}\", is not in the list")
    } else {
        format!("word {place}, \"{shown}\", is not in the list; did you mean {}?", near.join(" or "))
    }
}

/// Up to three words of the list that a slip or two of the pen away from `word`, the nearest ones only; else those
/// with the same four letters at the front, which name a word of the list.
fn nearest(word: &str) -> Vec<&'static str> {
    let letters: Vec<char> = word.chars().take(20).collect();
    let mut near = Vec::new();
    let mut least = 2;
    for &candidate in Language::English.word_list() {
        let distance = slips(&letters, candidate.as_bytes());
        if distance < least {
            near.clear();
            least = distance;
        }
        if distance == least {
            near.push(candidate);
        }
    }
    if near.is_empty() {
        let front: String = letters.iter().take(4).collect();
        near.extend(Language::English.words_by_prefix_iter(&front));
    }
    // A wrong first letter is the rarest slip.
    near.sort_by_key(|candidate| candidate.chars().next() != letters.first().copied());
    near.truncate(3);
    near
}

/// How many letters were changed, added, lost, or swapped with their neighbour (optimal string alignment).
fn slips(typed: &[char], right: &[u8]) -> usize {
    let width = right.len() + 1;
    let mut before: Vec<usize> = vec![0; width];
    let mut last: Vec<usize> = (0..width).collect();
    for i in 1..=typed.len() {
        let mut row = vec![i; width];
        for j in 1..width {
            let same = typed[i - 1] == char::from(right[j - 1]);
            row[j] = (last[j - 1] + usize::from(!same)).min(last[j] + 1).min(row[j - 1] + 1);
            let swapped =
                i > 1 && j > 1 && typed[i - 1] == char::from(right[j - 2]) && typed[i - 2] == char::from(right[j - 1]);
            if swapped {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABANDON: &str = "abandon abandon abandon abandon abandon abandon \
                           abandon abandon abandon abandon abandon about";

    fn why(text: &str) -> String {
        Phrase::parse(text).unwrap_err().to_string()
    }

    /// Computed independently from the BIP39 seed of the same words (5eb00bbd…38e4).
    #[test]
    fn the_words_give_the_root_key_of_the_vector() {
        let phrase = Phrase::from_entropy([0; 16]);
        assert_eq!(*phrase.words(), ABANDON);
        assert_eq!(
            data_encoding::HEXLOWER.encode(phrase.root().seed().as_slice()),
            "b987f1a1dc49c2c9db178413bf5559ae4b489881d9cb437a33b8defb3a2aad03"
        );
        assert_eq!(phrase.root().did().to_string(), "did:key:z6Mkqe4tMufpgHuhxqXNHYM6zCQ8gBKuxshydJRKwDJzu2Fk");
    }

    #[test]
    fn words_are_read_as_people_type_them() {
        let root = Phrase::from_entropy([7; 16]).root().did();
        let words = Phrase::from_entropy([7; 16]).words();
        let numbered: Vec<String> =
            words.split(' ').enumerate().map(|(at, word)| format!("{}. {word}", at + 1)).collect();
        for text in
            [words.to_uppercase(), words.replace(' ', "\r\n\t"), numbered.join("\n"), words.replace(' ', ", ") + "."]
        {
            assert_eq!(Phrase::parse(&text).unwrap().root().did(), root, "{text}");
        }
    }

    #[test]
    fn a_wrong_word_is_named_with_the_nearest_right_ones() {
        let typo = |word: &str| why(&ABANDON.replace("about", word));
        assert!(typo("abuot").contains("word 12, \"abuot\", is not in the list; did you mean about?"));
        assert!(typo("abou").contains("about"));
        assert!(typo("aboutt").contains("about"));
        assert!(typo("obout").contains("about"));
        assert!(typo("zebraic").contains("did you mean zebra"));
        assert!(typo("xxxxxxxx").ends_with("is not in the list"));
        assert!(typo(&"x".repeat(5000)).len() < 100);
        assert!(typo("übung").contains("übung"));
    }

    #[test]
    fn a_wrong_count_or_checksum_is_told_apart_from_a_typo() {
        assert!(why("abandon about").contains("12 words, 2 were given"));
        assert!(why("").contains("0 were given"));
        assert!(why(&"lorem ipsum ".repeat(50)).contains("100 were given"));
        assert!(why(&ABANDON.replace("about", "above")).contains("each word exists"));
        assert!(Phrase::parse(&"abandon ".repeat(15)).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_phrase_or_an_error(text in "(\\w{1,9}[ .,]?){0,13}") {
            let _ = Phrase::parse(&text);
        }
    }

    #[test]
    fn nothing_secret_is_printed() {
        assert_eq!(format!("{:?}", Phrase::from_entropy([7; 16])), "Phrase(…)");
    }
}
