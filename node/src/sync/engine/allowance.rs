//! How much work a peer may make us do: a bucket that fills with time.

use super::SECOND;

/// Frames a peer may send at once.
const BURST: u64 = 512;
/// Frames per second in the long run.
const RATE: u64 = 8;

#[derive(Debug)]
pub(super) struct Allowance {
    /// Millionths of a frame, so that filling needs no fractions.
    level: u64,
    at: u64,
}

impl Allowance {
    pub(super) fn new(now: u64) -> Self {
        Self { level: BURST * SECOND, at: now }
    }

    /// Takes `cost` frames out; false: there is not that much left.
    pub(super) fn take(&mut self, now: u64, cost: u64) -> bool {
        let filled = now.saturating_sub(self.at).saturating_mul(RATE);
        self.level = self.level.saturating_add(filled).min(BURST * SECOND);
        self.at = now;
        match self.level.checked_sub(cost * SECOND) {
            Some(left) => {
                self.level = left;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_once_and_then_only_the_rate() {
        let mut allowance = Allowance::new(0);
        assert_eq!((0..1000).filter(|_| allowance.take(0, 1)).count() as u64, BURST);
        assert_eq!((0..1000).filter(|_| allowance.take(SECOND, 1)).count() as u64, RATE);
        assert_eq!((0..1000).filter(|_| allowance.take(3600 * SECOND, 1)).count() as u64, BURST);
    }
}
