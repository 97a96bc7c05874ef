//! The doors for outside bytes, one function each, for whoever tries to break them: libFuzzer (`integration-tests/fuzz`)
//! and the test below, which replays every stored input. Compiled for these two only.
//!
//! A target says whether the bytes were accepted, and panics where a promise is broken: accepted bytes re-encode to the
//! same bytes, and a typed view keeps what it understood.

mod blocks;
mod dates;
#[path = "../../integration-tests/fuzz/keeps.rs"]
mod keeps;
mod texts;
mod trees;

/// Takes any bytes; true: they were accepted.
pub type Target = fn(&[u8]) -> bool;

pub const TARGETS: &[(&str, Target)] = &[
    ("announce", blocks::announce),
    ("archive", blocks::archive),
    ("block", blocks::block),
    ("record", blocks::record),
    ("recurrence", dates::recurrence),
    ("structure", blocks::structure),
    ("text", texts::text),
    ("tree", trees::tree),
];

#[cfg(test)]
#[path = "../../integration-tests/fuzz/replay.rs"]
mod replay;

#[cfg(test)]
#[test]
fn every_stored_input_is_taken_or_refused_as_its_name_says() {
    replay::all(TARGETS);
}
