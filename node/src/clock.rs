//! Time and randomness, passed in from the top so that tests can fix both.

use std::{
    fmt,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// Microseconds since 1970, and random bytes.
#[derive(Clone)]
pub struct Clock(Arc<dyn Source>);

/// Where a [`Clock`] takes its values from.
pub trait Source: Send + Sync {
    fn micros(&self) -> u64;
    fn fill(&self, bytes: &mut [u8]);
}

impl Clock {
    /// The machine's clock and entropy.
    pub fn system() -> Self {
        Self(Arc::new(System))
    }
    pub fn new(source: Arc<dyn Source>) -> Self {
        Self(source)
    }
    pub fn micros(&self) -> u64 {
        self.0.micros()
    }
    pub fn seconds(&self) -> i64 {
        (self.micros() / 1_000_000) as i64
    }
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        self.0.fill(&mut out);
        out
    }
    /// The 10 random bits of a TID.
    pub fn tid_bits(&self) -> u16 {
        u16::from_le_bytes(self.random()) & 0x3ff
    }
}
impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

struct System;

impl Source for System {
    /// A clock set before 1970 counts as 1970: TIDs still rise, since each is above the device's last.
    fn micros(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros() as u64)
    }
    /// Stops the process when the machine gives no entropy: a key that can be guessed is worse than no key.
    fn fill(&self, bytes: &mut [u8]) {
        if let Err(why) = getrandom::fill(bytes) {
            tracing::error!(%why, "this machine gives no random numbers");
            std::process::abort();
        }
    }
}
