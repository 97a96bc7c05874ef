//! What Folkmoot's data **is**: blocks, keys, records, repositories, rosters, archives.
//!
//! Pure by rule: no I/O, no clock, no randomness, no network. Everything that could differ between two machines
//! (time, entropy, the zone of the reader) is passed in. The public description of these bytes is `docs/format.md`.

pub mod announce;
pub mod block;
pub mod car;
pub mod card;
pub mod charter;
pub mod commit;
pub mod derive;
pub mod difference;
pub mod enrol;
pub mod error;
#[cfg(test)]
mod fixtures;
pub mod follow;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod identity;
pub mod key;
pub mod kind;
pub mod limits;
pub mod link;
pub mod mst;
pub mod phrase;
pub mod record;
pub mod records;
pub mod recur;
pub mod roster;
pub mod signed;
pub mod snapshot;
mod structure;
mod text;
pub mod tid;
pub mod uri;
pub mod when;
pub mod whereabouts;

pub use block::{Block, Cid};
pub use commit::Audience;
pub use error::Error;
pub use key::Did;
pub use record::Record;
pub use tid::Tid;
pub use uri::Uri;
