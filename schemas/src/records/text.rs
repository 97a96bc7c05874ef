//! Field checks every kind shares: NFC, no control characters, lengths in characters with bytes ≤ 4×, links by scheme.

use crate::error::Fault;

/// One line of `min..=max` characters.
pub(crate) fn line(_field: &str, _value: &str, _min: usize, _max: usize) -> Result<(), Fault> {
    todo!()
}
/// Several lines (newline allowed) of ≤ `max` characters.
pub(crate) fn lines(_field: &str, _value: &str, _max: usize) -> Result<(), Fault> {
    todo!()
}
/// An absolute http(s) link ≤ 2 000 characters.
pub(crate) fn link(_field: &str, _value: &str) -> Result<(), Fault> {
    todo!()
}
/// Makes typed text fit for a record: NFC, CRLF → LF, control characters removed, ends trimmed.
pub fn clean(_value: &str) -> String {
    todo!()
}
