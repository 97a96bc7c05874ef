//! Raising an older file to the layout of `tables`.
//!
//! All steps that a file lacks are one transaction: after a cut it is as before, or raised. First what changed its shape
//! is set aside, then all tables of today are opened, so that one that is new needs no step, and then the steps fill
//! them from what the file holds.

use std::path::Path;

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use folkmoot_schemas::{Record, Tid, block::DAG_CBOR};

use super::{
    StoreError,
    blocks::{Blocks, Why},
    digests::digest_key,
    index,
    likeness::likeness,
    mark,
    repos::Repos,
    tables::{Bytes, CidKey, Digest, Short, Writing},
    trees::TREE_NODE,
};

/// The layout of `tables`. A file of a higher number is refused.
pub(super) const SCHEMA: u64 = 5;

/// All tables, what they hold from the start, and the number, in one durable commit.
pub(super) fn initialise(
    db: &Database,
    fill: impl FnOnce(&mut Writing<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut txn = db.begin_write()?;
    txn.set_two_phase_commit(true);
    let mut t = Writing::make(&txn)?;
    fill(&mut t)?;
    t.counters.insert("schema", SCHEMA)?;
    drop(t);
    txn.commit()?;
    Ok(())
}

/// Refuses what is newer or not ours, before anything is written.
pub(super) fn migrate(db: &Database, path: &Path) -> Result<(), StoreError> {
    let found = found(db, path)?;
    if found > SCHEMA {
        return Err(StoreError::Newer { path: path.to_owned(), found, known: SCHEMA });
    }
    if found == SCHEMA {
        return Ok(());
    }
    tracing::info!(path = %path.display(), from = found, to = SCHEMA, "raising the store");
    let mut txn = db.begin_write()?;
    txn.set_two_phase_commit(true);
    if (3..5).contains(&found) {
        txn.rename_table(LEAVES_4, LEAVES_BEFORE)?;
    }
    let mut t = Writing::make(&txn)?;
    if found < 3 {
        to_3(&mut t, &txn)?;
        // Usage was not counted, or what pins hold was not. It is derived from the trees, so it comes last.
        mark::derive_usage(&mut t)?;
    } else if found < 5 {
        to_5(&mut t, &txn)?;
    }
    t.counters.insert("schema", SCHEMA)?;
    drop(t);
    txn.commit()?;
    Ok(())
}

fn found(db: &Database, path: &Path) -> Result<u64, StoreError> {
    const COUNTERS: TableDefinition<'static, &str, u64> = TableDefinition::new("counters");
    let counters = match db.begin_read()?.open_table(COUNTERS) {
        Ok(table) => table,
        Err(redb::TableError::Storage(e)) => return Err(e.into()),
        Err(_) => return Err(StoreError::Foreign(path.to_owned())),
    };
    match counters.get("schema")?.map(|n| n.value()) {
        Some(found) if found > 0 => Ok(found),
        _ => Err(StoreError::Foreign(path.to_owned())),
    }
}

/// Whole CIDs and digests were keys of their own, lists were kept newest first, a file's block did not begin with its
/// digest, nodes of trees had holds, and nothing said where tombstones stand.
fn to_3(t: &mut Writing<'_>, txn: &WriteTransaction) -> Result<(), StoreError> {
    const CIDS: TableDefinition<'static, CidKey, u64> = TableDefinition::new("cids");
    const TREE: TableDefinition<'static, (u32, u32, Bytes), (u64, u64, Digest)> = TableDefinition::new("tree");
    const NODES: TableDefinition<'static, (u32, Digest), u64> = TableDefinition::new("nodes");
    const TIMELINE: TableDefinition<'static, (u32, u32, u64, Short, u32), Bytes> = TableDefinition::new("timeline");

    const VERSIONS: TableDefinition<'static, (u32, u32, u32, Bytes, u64), u64> = TableDefinition::new("versions");
    const KEPT: TableDefinition<'static, u64, Bytes> = TableDefinition::new("kept");
    const LOST: TableDefinition<'static, (u32, u64, u32), Bytes> = TableDefinition::new("lost");

    for row in txn.open_table(CIDS)?.iter()? {
        let (key, seq) = row?;
        let (key, seq) = (*key.value(), seq.value());
        t.digests.insert((digest_key(&key), seq), ())?;
        if u64::from(key[0]) != DAG_CBOR {
            let old = t.blocks.get(seq)?.ok_or_else(|| StoreError::inconsistent("a block"))?.value().to_vec();
            t.blocks.insert(seq, [&key[..], old.get(1..).unwrap_or_default()].concat().as_slice())?;
        }
    }
    for row in txn.open_table(NODES)?.iter()? {
        let (key, seq) = row?;
        let (number, seq) = (key.value().0, seq.value());
        t.places.insert((seq, number, TREE_NODE.0, TREE_NODE.1), ())?;
        let Some(repo) = t.repo_at(number)? else { continue };
        let hold = (seq, repo.community, Why::Reach(repo.audience).code());
        let count = t.holds.get(hold)?.map_or(0, |count| count.value());
        match count {
            0 | 1 => drop(t.holds.remove(hold)?),
            more => drop(t.holds.insert(hold, more - 1)?),
        }
    }
    for row in txn.open_table(TREE)?.iter()? {
        let (key, value) = row?;
        let ((repo, collection, rkey), (seq, rev, _)) = (key.value(), value.value());
        let block = t.block_at(seq)?;
        t.leaves.insert((repo, collection, rkey), (seq, rev, likeness(block.bytes(), Tid::from_u64(rev)?)))?;
        if matches!(Record::view(&block)?.1, Record::Tombstone(_)) {
            t.graves.insert((repo, collection, rkey), ())?;
        }
    }
    for row in txn.open_table(TIMELINE)?.iter()? {
        let (key, rkey) = row?;
        let (community, collection, created, short, repo) = key.value();
        t.by_time.insert((community, collection, !created, &index::inverted(short), repo), rkey.value())?;
    }
    // Older versions and lost heads had archives of their own: kept for a while at best, they are let go.
    t.holds.retain(|(_, _, why), _| why != Why::Kept.code())?;
    txn.delete_table(VERSIONS)?;
    txn.delete_table(KEPT)?;
    txn.delete_table(LOST)?;
    txn.delete_table(CIDS)?;
    txn.delete_table(NODES)?;
    txn.delete_table(TREE)?;
    txn.delete_table(TIMELINE)?;
    Ok(())
}

type Leaves4 = TableDefinition<'static, (u32, u32, Bytes), (u64, u64)>;
const LEAVES_4: Leaves4 = TableDefinition::new("leaves");
const LEAVES_BEFORE: Leaves4 = TableDefinition::new("leaves of schema 4");

/// Leaves did not tell what their records are like.
fn to_5(t: &mut Writing<'_>, txn: &WriteTransaction) -> Result<(), StoreError> {
    for row in txn.open_table(LEAVES_BEFORE)?.iter()? {
        let (key, value) = row?;
        let (seq, rev) = value.value();
        let block = t.block_at(seq)?;
        t.leaves.insert(key.value(), (seq, rev, likeness(block.bytes(), Tid::from_u64(rev)?)))?;
    }
    txn.delete_table(LEAVES_BEFORE)?;
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs;

    use folkmoot_schemas::{Audience, Record, key::Secret};
    use redb::TableHandle;

    use super::*;
    use crate::store::{OwnCommit, Scope, Store, reader::Lookup, tables::Tables, write::Change};

    /// Written by the last version of schema 1: Ada founded River Street (public), wrote a post and edited it, wrote one
    /// and deleted it, one for members only, an event, and her answer to it.
    pub(in crate::store) const SCHEMA_1: &[u8] = include_bytes!("tests/schema-1.redb");
    /// The same, raised by the last version of schema 4.
    const SCHEMA_4: &[u8] = include_bytes!("tests/schema-4.redb");
    const OLD: [&[u8]; 2] = [SCHEMA_1, SCHEMA_4];
    const DEVICE: &str = "6f75cffcfa5a6940a1669d53e7211658516bcd5f079e51a66afe341a9a5d6f6c";
    const COMMUNITY: &str = "bafyreicbfop4lllcgvzfzbhxi4srgujollzmx76fuiqlumcraqqm4c6cvq";
    const DID: &str = "did:key:z6MkgN86GRr3uFXHjVEmReW2Cdxv39FezZz4g4sTWVSMiKTN";
    /// As that version named them.
    const SNAPSHOTS: [(Scope, &str); 2] = [
        (Scope::Public, "bafyreibcxoixgjm3brpkkubeg6ltak2pxgxflgwiusiobrhgedi3ogccqm"),
        (Scope::Members, "bafyreiendiwrt3w6iot6o5b3hp2hr2sdy7zyx47v2rywicqz6aib52aahy"),
    ];

    fn old_file(dir: &tempfile::TempDir, bytes: &[u8]) -> std::path::PathBuf {
        let path = dir.path().join("store.redb");
        fs::write(&path, bytes).unwrap();
        path
    }

    fn schema(store: &Store) -> u64 {
        let (t, _, _open) = store.reading().unwrap();
        t.counters().get("schema").unwrap().unwrap().value()
    }

    pub(in crate::store) fn whole(store: &Store) {
        let community = COMMUNITY.parse().unwrap();
        for (scope, snapshot) in SNAPSHOTS {
            let view = store.view(scope).unwrap();
            assert_eq!(view.snapshot(&community).unwrap().to_string(), snapshot);
        }
        let view = store.view(Scope::Members).unwrap();
        let texts = |name: &str| -> Vec<String> {
            let entries = view.list(&community, name, None, 10).unwrap();
            entries
                .iter()
                .map(|entry| match &entry.record {
                    Record::Post(post) => post.text.clone(),
                    Record::Event(event) => event.name.clone(),
                    other => other.name().to_owned(),
                })
                .collect()
        };
        assert_eq!(texts("org.folkmoot.post"), ["For members only", "The first post, edited"]);
        assert_eq!(texts("org.folkmoot.event"), ["Summer concert"]);
        assert_eq!(texts("org.folkmoot.rsvp"), ["org.folkmoot.rsvp"]);
        let gone = format!("moot://{COMMUNITY}/{DID}/org.folkmoot.post/3n33cutpr2rys").parse().unwrap();
        assert!(matches!(view.get(&gone).unwrap(), Lookup::Gone(_)));
    }

    fn publish(store: &Store, text: &str) {
        let seed = data_encoding::HEXLOWER.decode(DEVICE.as_bytes()).unwrap();
        let device = Secret::from_seed(seed.try_into().unwrap());
        let record = folkmoot_schemas::records::post::Post { text: text.into(), ..Default::default() }.into();
        store
            .commit_own(OwnCommit {
                community: COMMUNITY.parse().unwrap(),
                did: DID.parse().unwrap(),
                device: &device,
                audience: Audience::Public,
                changes: vec![Change::Put { rkey: None, record, again: false }],
                // 2028-01-01, in microseconds: after everything in the file.
                now: 1_830_297_600_000_000,
                random: 0,
            })
            .unwrap();
    }

    #[test]
    fn a_store_of_an_earlier_schema_is_raised_when_it_is_opened_and_loses_nothing() {
        for bytes in OLD {
            let dir = tempfile::tempdir().unwrap();
            let path = old_file(&dir, bytes);
            let store = Store::open(&path).unwrap();
            assert_eq!(schema(&store), SCHEMA);
            whole(&store);
            publish(&store, "Still here");
            drop(store);
            let store = Store::open(&path).unwrap();
            let view = store.view(Scope::Members).unwrap();
            let posts = view.list(&COMMUNITY.parse().unwrap(), "org.folkmoot.post", None, 10).unwrap();
            assert_eq!(posts.len(), 3);
        }
    }

    #[test]
    fn a_raised_file_has_every_count_right_and_nothing_of_the_old_layout() {
        let tables = |path: &Path| -> Vec<String> {
            let db = Database::open(path).unwrap();
            let txn = db.begin_read().unwrap();
            let mut names: Vec<String> = txn.list_tables().unwrap().map(|table| table.name().to_owned()).collect();
            names.sort();
            names
        };
        let dir = tempfile::tempdir().unwrap();
        let fresh = dir.path().join("fresh.redb");
        drop(Store::create(&fresh).unwrap());
        for bytes in OLD {
            let path = old_file(&dir, bytes);
            let store = Store::open(&path).unwrap();
            assert_eq!(store.mark(&mut || ()).unwrap(), Vec::<String>::new());
            let (t, ..) = store.reading().unwrap();
            for row in t.leaves().iter().unwrap() {
                let (seq, rev, like) = row.unwrap().1.value();
                let block = t.block_at(seq).unwrap();
                assert_eq!(like, likeness(block.bytes(), Tid::from_u64(rev).unwrap()));
            }
            drop((t, store));
            assert_eq!(tables(&path), tables(&fresh));
        }
    }
}
