//! TID: 13 characters of sortable time (atproto syntax): 53 bits of microseconds since 1970, 10 random bits.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{error::Error, text};

/// In ASCII order, so that text sorts as the number does.
const ALPHABET: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";
const LENGTH: usize = 13;
/// The top bit stays 0, as the syntax asks.
const MAX: u64 = (1 << 63) - 1;

/// Sorts as its text does. Serialised as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tid(u64);

impl Tid {
    pub const MIN: Self = Self(0);

    /// From microseconds since 1970 (53 bits, which last until 2255; later moments become the last one) and 10 bits
    /// of randomness.
    pub fn new(micros: u64, random: u16) -> Self {
        Self((micros.min(MAX >> 10) << 10) | u64::from(random & 0x3ff))
    }
    /// The 64-bit integer as stored in keys; the top bit is 0.
    pub fn as_u64(self) -> u64 {
        self.0
    }
    /// Refuses integers with the top bit set.
    pub fn from_u64(value: u64) -> Result<Self, Error> {
        if value <= MAX { Ok(Self(value)) } else { Err(wrong("its top bit is set")) }
    }
    pub fn micros(self) -> u64 {
        self.0 >> 10
    }
    /// A device's next TID: `max(now, its last + 1, the rev it replaces + 1)`, so a device never repeats or goes back.
    pub fn next(now_micros: u64, random: u16, last: Option<Tid>, replaces: Option<Tid>) -> Self {
        [last, replaces].into_iter().flatten().fold(Self::new(now_micros, random), |next, earlier| {
            // Only at the very end of the range is there no later TID.
            next.max(Self((earlier.0 + 1).min(MAX)))
        })
    }
}

fn wrong(why: &str) -> Error {
    Error::Syntax { what: "TID", why: why.into() }
}

impl fmt::Display for Tid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (0..LENGTH).rev().try_for_each(|place| {
            let digit = ALPHABET[(self.0 >> (5 * place)) as usize & 31];
            fmt::Write::write_char(f, digit.into())
        })
    }
}
impl fmt::Debug for Tid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl FromStr for Tid {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        if text.len() != LENGTH {
            return Err(wrong("it has 13 characters"));
        }
        let mut value = 0u128;
        for byte in text.bytes() {
            let digit = match byte {
                b'2'..=b'7' => byte - b'2',
                b'a'..=b'z' => byte - b'a' + 6,
                _ => return Err(wrong("only 2 to 7 and a to z are used")),
            };
            value = (value << 5) | u128::from(digit);
        }
        // 13 characters hold 65 bits.
        Self::from_u64(u64::try_from(value).unwrap_or(u64::MAX))
    }
}
impl Serialize for Tid {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Tid {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        text::deserialize(d, Self::from_str)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixtures;

    #[test]
    fn the_syntax_is_the_one_of_atproto() {
        for text in fixtures::lines("mst/tid_syntax_valid.txt") {
            assert_eq!(text.parse::<Tid>().unwrap().to_string(), text);
        }
        for text in fixtures::lines("mst/tid_syntax_invalid.txt") {
            assert!(text.parse::<Tid>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_top_bit_stays_zero() {
        assert_eq!("bzzzzzzzzzzzz".parse::<Tid>().unwrap().as_u64(), MAX);
        for text in ["c222222222222", "j222222222222", "zzzzzzzzzzzzz"] {
            assert!(text.parse::<Tid>().is_err(), "{text}");
        }
        assert!(Tid::from_u64(MAX + 1).is_err());
        assert_eq!(Tid::new(u64::MAX, u16::MAX).as_u64(), MAX);
    }

    #[test]
    fn the_next_one_never_goes_back() {
        let at = |micros| Tid::new(micros, 0);
        assert_eq!(Tid::next(1000, 7, None, None), Tid::new(1000, 7));
        assert_eq!(Tid::next(1000, 7, Some(at(5)), Some(at(9))), Tid::new(1000, 7));
        assert_eq!(Tid::next(1000, 7, Some(at(2000)), Some(at(9))).as_u64(), at(2000).as_u64() + 1);
        assert_eq!(Tid::next(1000, 7, Some(at(2000)), Some(at(3000))).as_u64(), at(3000).as_u64() + 1);
        let same = Tid::new(1000, 7);
        assert!(Tid::next(1000, 7, Some(same), None) > same);
        let end = Tid::from_u64(MAX).unwrap();
        assert_eq!(Tid::next(1000, 7, Some(end), None), end);
    }

    proptest! {
        #[test]
        fn text_and_number_sort_alike(a in 0..=MAX, b in 0..=MAX) {
            let (a, b) = (Tid(a), Tid(b));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
            prop_assert_eq!(a.to_string().parse::<Tid>(), Ok(a));
        }
    }
}
