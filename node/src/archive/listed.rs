//! Findings of which only the first are kept: a hostile file could have millions.

/// Findings kept.
const KEPT: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// The first of them.
    pub shown: Vec<T>,
    pub total: u64,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self { shown: Vec::new(), total: 0 }
    }
}

impl<T> Listed<T> {
    pub(super) fn push(&mut self, finding: T) {
        self.total += 1;
        if self.shown.len() < KEPT {
            self.shown.push(finding);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.total == 0
    }
}

impl<T> Extend<T> for Listed<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, findings: I) {
        findings.into_iter().for_each(|finding| self.push(finding));
    }
}
