//! Archives: one record with its proof, a person, or a community as one CARv1 file that any tool for it reads
//! (`docs/format.md` §12). Imports only the store.
//!
//! Promises: equal stores give equal files; nothing of the members audience is written unless it was asked for; what an
//! archive brings is judged like what the network brings, and comes in under the audience it was written for, never a
//! wider one; memory does not grow with the file beyond what the limits of archives say. Whoever takes an archive in
//! again goes on where the last time ended.

mod export;
mod here;
mod import;
mod index;
mod listed;
mod survey;
#[cfg(test)]
mod tests;
mod verify;

pub use export::{ExportError, Exported, Proofs, What, export, proof};
pub use here::Here;
pub use import::{CommunityIn, Held, ImportError, Imported, Taker, import};
pub use index::{Archive, ArchiveError, Damage, Step};
pub use listed::Listed;
pub use survey::Missing;
pub use verify::{Author, Checked, Claim, Right, Verified, verify};

pub use crate::place::place;
