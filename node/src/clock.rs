//! Time and randomness, passed in from the top so that tests can fix both.

use std::{fmt, sync::Arc};

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
        todo!()
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
}
impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
