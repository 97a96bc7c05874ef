//! Every table of the file, once. Communities, keys (people and devices) and collections stand in keys as small
//! integers (`intern`), TIDs as `u64`; a block is named by its sequence number, since random CID keys waste pages.

use std::sync::Arc;

use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};

use super::{
    StoreError,
    late::{Shown, Written},
};

pub(super) type Bytes = &'static [u8];
/// sha2-256 of a dag-cbor block: such CIDs differ in nothing else.
pub(super) type Digest = &'static [u8; 32];
/// Codec and digest: any CID of ours that may lack its block.
pub(super) type CidKey = &'static [u8; 33];
/// A short id: the 80 bits that its 16 base32 characters spell.
pub(super) type Short = &'static [u8; 10];

/// The least byte string: where a range over the last part of a key begins.
pub(super) const LOWEST: &[u8] = &[];

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident: $key:ty => $value:ty;)*) => {
        /// All tables of a read transaction.
        #[allow(dead_code, reason = "some tables are only the writer's business")]
        pub(super) struct Reading { $($(#[$doc])* $name: Shown<$key, $value>,)* }

        /// All tables of the write transaction.
        pub(super) struct Writing<'t> { $($(#[$doc])* pub(super) $name: Written<'t, $key, $value>,)* }

        /// What both can read; lookups shared by readers and the writer are written against this.
        #[allow(dead_code, reason = "some tables are only the writer's business")]
        pub(super) trait Tables: Sized {
            $($(#[$doc])* fn $name(&self) -> &impl ReadableTable<$key, $value>;)*
        }

        impl Reading {
            pub(super) fn open(txn: ReadTransaction) -> Self {
                let txn = Arc::new(txn);
                Self { $($name: Shown::new(&txn, TableDefinition::new(stringify!($name))),)* }
            }

            /// The newest state of a database.
            pub(super) fn of(db: &redb::Database) -> Result<Self, StoreError> {
                Ok(Self::open(redb::ReadableDatabase::begin_read(db)?))
            }

            /// Every row of every table.
            pub(super) fn copy_into(&self, to: &mut Writing<'_>) -> Result<(), StoreError> {
                $(for row in self.$name.iter()? {
                    let (key, value) = row?;
                    to.$name.insert(key.value(), value.value())?;
                })*
                Ok(())
            }

            /// Bytes that all rows take in pages that are full. Reads the whole file.
            pub(super) fn filled(&self) -> Result<u64, StoreError> {
                let mut bytes = 0;
                $({
                    let stats = redb::ReadableTableMetadata::stats(&self.$name)?;
                    bytes += stats.stored_bytes() + stats.metadata_bytes();
                })*
                Ok(bytes)
            }

            /// Every row of every table, to compare two stores.
            #[cfg(test)]
            pub(super) fn dump(&self) -> Result<Vec<String>, StoreError> {
                let mut rows = Vec::new();
                $(for row in self.$name.iter()? {
                    let (key, value) = row?;
                    rows.push(format!("{} {:?} {:?}", stringify!($name), key.value(), value.value()));
                })*
                Ok(rows)
            }
        }

        impl<'t> Writing<'t> {
            pub(super) fn open(txn: &'t WriteTransaction) -> Self {
                Self { $($name: Written::new(txn, TableDefinition::new(stringify!($name))),)* }
            }

            /// The same of a file that may lack some.
            pub(super) fn make(txn: &'t WriteTransaction) -> Result<Self, StoreError> {
                let tables = Self::open(txn);
                $(tables.$name.make()?;)*
                Ok(tables)
            }
        }

        impl Tables for Reading {
            $(fn $name(&self) -> &impl ReadableTable<$key, $value> { &self.$name })*
        }

        impl Tables for Writing<'_> {
            $(fn $name(&self) -> &impl ReadableTable<$key, $value> { &self.$name })*
        }
    };
}

tables! {
    /// `schema`, `generation`, and the last block and intern numbers given out.
    counters: &'static str => u64;
    /// Free-form facts of this node. Never exported.
    meta: &'static str => Bytes;

    /// What a small integer stands for: one byte of kind, then the value.
    names: u32 => Bytes;
    /// The way back.
    numbers: Bytes => u32;

    /// seq → one byte of codec, for a file its digest, then the exact bytes.
    blocks: u64 => Bytes;
    /// (first 8 bytes of the digest, seq): who looks compares with the block itself. Whole CIDs, which no order helps
    /// to pack, would take more room than all else here.
    digests: (u64, u64) => ();
    /// The same of blocks that came lately (`digests`). A block has its row in one of the two.
    young: (u64, u64) => ();
    /// (block, community, why) → how many times held. `why`: see `blocks::Why`. Audiences are reach.
    holds: (u64, u32, u8) => u32;
    /// (block, repository, collection, rkey): where a record stands; collection 0: it is a node of the tree. Gives its
    /// reach too, by the repository's audience.
    places: (u64, u32, u32, Bytes) => ();
    /// (community, audience, blob) → current records that link it.
    links: (u32, u8, CidKey) => u32;
    /// Linked blobs whose bytes have not arrived under that audience.
    missing: (u32, u8, CidKey) => ();

    /// community → charter block.
    charters: u32 => u64;
    /// (community, operation) → block: those that count, and their ancestors.
    ops: (u32, Digest) => u64;
    /// Identity documents whose signature was verified.
    identities: Digest => u64;
    /// person → newest identity document and its `seq`.
    people: u32 => (Digest, u64);
    /// repository of somebody who is out → the identity document that lists its device.
    witnesses: u32 => Digest;

    /// (community, person, device, audience) → number, known rev and digest, held rev and digest, held commit's block
    /// (0: no tree is held), records in the held tree (and the top bit, where that of a cut is awaited).
    repos: (u32, u32, u32, u8) => (u32, u64, Digest, u64, Digest, u64, u64);
    repo_keys: u32 => (u32, u32, u32, u8);
    /// (repository, collection, rkey) → record block, its rev, and in repositories of this home's own device its
    /// `likeness`; else 0.
    leaves: (u32, u32, Bytes) => (u64, u64, u16);
    /// (repository, rev) → a head once held here: a `since` we can answer from.
    past: (u32, u64) => Digest;
    /// (repository, rev, collection, rkey): paths that the commit `rev` put or removed.
    changes: (u32, u64, u32, Bytes) => ();
    /// (community, person) → bytes of their records, tree nodes and files there, each block once. Person 0: all together.
    usage: (u32, u32) => u64;
    /// (community, file, person, audience) → entries of the person's trees that link it.
    linkers: (u32, CidKey, u32, u8) => u32;
    /// repository → known head (rev, digest) whose tree had no room, and the bytes by which it would have grown.
    deferred: u32 => (u64, Digest, u64);
    /// (community, audience, file) → bytes of a file that had no room. Community 0: only a pin wants it.
    deferred_files: (u32, u8, CidKey) => u64;

    /// URI or CID → the pin's number, when it was added (microseconds), and its name.
    pins: &'static str => (u32, u64, &'static str);
    /// (community, person, collection, rkey) → pin that moves with what stands there.
    pin_paths: (u32, u32, u32, Bytes) => u32;
    /// pin → record and commit of the version it keeps, because nothing newer stands there.
    pin_last: u32 => (u64, u64);
    /// (pin, block): what it holds by itself.
    pinned: (u32, u64) => ();
    /// pin → bytes of what it holds by itself, and what is around them.
    pin_bytes: u32 => u64;
    /// (block, pin): what it lacks.
    pin_wants: (CidKey, u32) => ();
    /// (what, which) → when it goes, microseconds: see `expiring`.
    expiring: (u8, Bytes) => u64;

    /// (repository, collection, rkey): where tombstones stand.
    graves: (u32, u32, Bytes) => ();
    /// (own repository, another device's) → the head of the latter that the former was tidied against.
    tidied: (u32, u32) => (u64, Digest);
    /// (community, person, what for, number) → bytes, repository, rev and digest of the commit (`proofs`).
    proofs: (u32, u32, u8, u64) => (u64, u32, u64, Digest);
    /// (proof, block) → how many times needed in it.
    proven: (u64, u64) => u32;
    /// (community, person) → bytes of their proofs. Person 0: all together; community 0: of the node.
    spare: (u32, u32) => u64;
    /// (community, person, collection, rkey, rev) → proof and record of an older version (`versions`).
    older: (u32, u32, u32, Bytes, u64) => (u64, u64);
    /// The way back: (proof, collection, rkey, rev).
    older_of: (u64, u32, Bytes, u64) => ();
    /// (repository, rev, digest): a head of which something was lost (`lost`) → proof.
    lost_heads: (u32, u64, Digest) => u64;
    /// (proof, path) → record that the head had; 0: it had none, and a later one has.
    lost_paths: (u64, &'static str) => u64;
    /// (community, audience, path) → record block (0: removed) and rev of the head: what this device had written when
    /// its person was put out (`shelf`).
    shelf: (u32, u8, &'static str) => (u64, u64);
    /// (own repository, rev): heads that this device made or made its own.
    made: (u32, u64) => ();
    /// Time of writing, microseconds → what the person is to be told (`notices`).
    notices: u64 => Bytes;
    /// (who was told, item) → its stamp then (`told`).
    told: (u8, Short) => u64;
    /// (repository, path) → record block, rev, digest: parts of a head that is still arriving.
    staged: (u32, &'static str) => (u64, u64, Digest);
    /// repository → bytes staged, and the since (rev, digest; rev 0: whole tree) of the answer being collected.
    stages: u32 => (u64, u64, Digest);

    /// (community, collection, created, short id with its bits inverted, repository) → rkey. Lists read it backwards:
    /// what is written in the order of time fills its pages.
    by_time: (u32, u32, u64, Short, u32) => Bytes;
    /// (community, long, first start, repository, rkey) → last end. `long`: series and whatever outlasts `index::SHORT`.
    events: (u32, u8, i64, u32, Bytes) => i64;
    /// (community, short id of what it is about, collection, created, repository, rkey).
    about: (u32, Short, u32, u64, u32, Bytes) => ();
    /// short id → community, person, collection, audiences it was seen in (bits), rkey. Outlives the record.
    shorts: Short => (u32, u32, u32, u8, Bytes);
    /// (repository, collection, rkey) → created, updated, where a record's own time lay in the future on arrival.
    early: (u32, u32, Bytes) => (u64, u64);
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reading")
    }
}
