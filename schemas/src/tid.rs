//! TID: 13 characters of sortable time (atproto syntax): 53 bits of microseconds since 1970, 10 random bits.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::Error;

/// Sorts as its text does. Serialised as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tid(u64);

impl Tid {
    /// From microseconds since 1970 (53 bits used) and 10 bits of randomness.
    pub fn new(_micros: u64, _random: u16) -> Self {
        todo!()
    }
    /// The 64-bit integer as stored in keys; the top bit is 0.
    pub fn as_u64(self) -> u64 {
        self.0
    }
    /// Refuses integers with the top bit set.
    pub fn from_u64(_value: u64) -> Result<Self, Error> {
        todo!()
    }
    pub fn micros(self) -> u64 {
        self.0 >> 10
    }
    /// A device's next TID: `max(now, its last + 1, the rev it replaces + 1)`, so a device never repeats or goes back.
    pub fn next(_now_micros: u64, _random: u16, _last: Option<Tid>, _replaces: Option<Tid>) -> Self {
        todo!()
    }
}
impl fmt::Display for Tid {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}
impl fmt::Debug for Tid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl FromStr for Tid {
    type Err = Error;
    fn from_str(_text: &str) -> Result<Self, Error> {
        todo!()
    }
}
impl Serialize for Tid {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Tid {
    fn deserialize<D: Deserializer<'de>>(_d: D) -> Result<Self, D::Error> {
        todo!()
    }
}
