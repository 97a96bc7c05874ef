//! Raising an older file to the layout of `tables`, one step per number.
//!
//! A step is one transaction, which also raises the number: after a cut the file is as before the step or as after it.
//! Every step opens all tables, so a table that is new needs no step of its own, only one that raises the number.

use std::path::Path;

use redb::{Database, ReadableDatabase, TableDefinition};

use super::{StoreError, mark, tables::Writing};

/// Brings what a step's number adds, derived from what the file holds already. May find it there.
type Step = fn(&mut Writing<'_>) -> Result<(), StoreError>;

/// `STEPS[n]` leads from `n + 1` to `n + 2`.
const STEPS: &[Step] = &[to_2];

/// The layout of `tables`. A file of a higher number is refused.
pub(super) const SCHEMA: u64 = STEPS.len() as u64 + 1;

/// All tables, what they hold from the start, and the number, in one durable commit.
pub(super) fn initialise(
    db: &Database,
    fill: impl FnOnce(&mut Writing<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    raise_to(db, SCHEMA, fill)
}

/// Refuses what is newer or not ours, before anything is written.
pub(super) fn migrate(db: &Database, path: &Path) -> Result<(), StoreError> {
    let found = found(db, path)?;
    if found > SCHEMA {
        return Err(StoreError::Newer { path: path.to_owned(), found, known: SCHEMA });
    }
    for (step, to) in STEPS.iter().zip(2..).filter(|(_, to)| *to > found) {
        tracing::info!(path = %path.display(), schema = to, "raising the store");
        raise_to(db, to, step)?;
    }
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

fn raise_to(
    db: &Database,
    number: u64,
    step: impl FnOnce(&mut Writing<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut txn = db.begin_write()?;
    txn.set_two_phase_commit(true);
    let mut t = Writing::open(&txn)?;
    step(&mut t)?;
    t.counters.insert("schema", number)?;
    drop(t);
    txn.commit()?;
    Ok(())
}

/// For what new tables must hold of an older file. New tables alone need no line here.
fn to_2(t: &mut Writing<'_>) -> Result<(), StoreError> {
    mark::derive_usage(t)
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs;

    use folkmoot_schemas::{Audience, Record, key::Secret};
    use redb::ReadableTable;

    use super::*;
    use crate::store::{
        OwnCommit, Scope, Store,
        reader::Lookup,
        tables::{Reading, Tables},
        write::Change,
    };

    /// Written by the last version of schema 1: Ada founded River Street (public), wrote a post and edited it, wrote one
    /// and deleted it, one for members only, an event, and her answer to it.
    pub(in crate::store) const SCHEMA_1: &[u8] = include_bytes!("tests/schema-1.redb");
    const DEVICE: &str = "6f75cffcfa5a6940a1669d53e7211658516bcd5f079e51a66afe341a9a5d6f6c";
    const COMMUNITY: &str = "bafyreicbfop4lllcgvzfzbhxi4srgujollzmx76fuiqlumcraqqm4c6cvq";
    const DID: &str = "did:key:z6MkgN86GRr3uFXHjVEmReW2Cdxv39FezZz4g4sTWVSMiKTN";
    /// As that version named them.
    const SNAPSHOTS: [(Scope, &str); 2] = [
        (Scope::Public, "bafyreibcxoixgjm3brpkkubeg6ltak2pxgxflgwiusiobrhgedi3ogccqm"),
        (Scope::Members, "bafyreiendiwrt3w6iot6o5b3hp2hr2sdy7zyx47v2rywicqz6aib52aahy"),
    ];

    fn old_file(dir: &tempfile::TempDir) -> std::path::PathBuf {
        let path = dir.path().join("store.redb");
        fs::write(&path, SCHEMA_1).unwrap();
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
    fn a_store_of_schema_1_is_raised_when_it_is_opened_and_loses_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = old_file(&dir);
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

    #[test]
    fn every_step_may_be_taken_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = old_file(&dir);
        drop(Store::open(&path).unwrap());
        let db = Database::open(&path).unwrap();
        let before = dump(&db);
        raise_to(&db, 1, |_| Ok(())).unwrap();
        migrate(&db, &path).unwrap();
        assert_eq!(dump(&db), before);
        drop(db);
        whole(&Store::open(&path).unwrap());
    }

    fn dump(db: &Database) -> Vec<String> {
        Reading::open(&db.begin_read().unwrap()).unwrap().dump().unwrap()
    }
}
