//! The store: one redb file, one owner, one writer. Blocks, repositories, roster, people, pins and the indexes pages read.

pub mod error;
pub mod reader;
pub mod write;

use std::path::Path;

use folkmoot_schemas::block::Block;

pub use error::StoreError;
pub use reader::{PublicReader, Scope, View};
pub use write::{Applied, Batch, OwnCommit, RepoUpdate};

/// Cheap to clone; all clones share one file.
#[derive(Debug, Clone)]
pub struct Store {}

impl Store {
    /// Under a temporary name, committed, synced, renamed: a cut leaves either no store or one that opens.
    pub fn create(_path: &Path) -> Result<Self, StoreError> {
        todo!()
    }
    pub fn open(_path: &Path) -> Result<Self, StoreError> {
        todo!()
    }
    pub fn in_memory() -> Result<Self, StoreError> {
        todo!()
    }
    /// One read transaction: a consistent picture however long it is held.
    pub fn view(&self, _scope: Scope) -> Result<View, StoreError> {
        todo!()
    }
    /// Handle for the gateway: public audience only.
    pub fn public_reader(&self) -> PublicReader {
        todo!()
    }
    /// Data from the network or an archive: verified here, in one order, cheapest check first, one transaction.
    /// What is refused is named in the answer; the rest is kept. `now` in microseconds is only the time of arrival.
    pub fn apply(&self, _batch: Batch, _now: u64) -> Result<Applied, StoreError> {
        todo!()
    }
    /// A commit of our own: built and signed inside the transaction by the closure-free [`OwnCommit`] plan, so that two
    /// callers can never sign the same `prev`. Durable when this returns.
    pub fn commit_own(&self, _plan: OwnCommit<'_>) -> Result<write::Committed, StoreError> {
        todo!()
    }
    /// A community founded here, or an own roster operation or identity: stored durably, roster folded anew.
    pub fn put_own(&self, _batch: Batch, _now: u64) -> Result<Applied, StoreError> {
        todo!()
    }
    /// A file's bytes, stored before the record that links it is published.
    pub fn put_blob(&self, _block: &Block) -> Result<(), StoreError> {
        todo!()
    }
    /// Small facts of this node: `me`, invite seeds, peers. Never exported.
    pub fn meta(&self, _key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        todo!()
    }
    pub fn set_meta(&self, _key: &str, _value: Option<&[u8]>) -> Result<(), StoreError> {
        todo!()
    }
    /// All metas whose key starts with `prefix`.
    pub fn metas(&self, _prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        todo!()
    }
    /// Counts up with every write that pages could show. For caches and ETags.
    pub fn generation(&self) -> u64 {
        todo!()
    }
    /// Calls `f` after every such write, from the writing thread: must not block.
    pub fn on_change(&self, _f: Box<dyn Fn(u64) + Send + Sync>) {
        todo!()
    }
    /// (bytes on disk, blocks).
    pub fn size(&self) -> Result<(u64, u64), StoreError> {
        todo!()
    }
}
