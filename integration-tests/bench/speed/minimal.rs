//! The least a process can do that publishes one post: open the file, sign a commit, write what belongs to it in one
//! durable transaction, close. It runs on a copy, into tables of its own.

use std::{fs, path::Path};

use folkmoot_schemas::{Record, Tid, key::Secret, limits, records::post::Post};
use redb::{Database, TableDefinition};

pub(crate) const WORD: &str = "minimal";

const ROWS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("rows of a minimal process");
/// A record, a commit and the nodes of a path, and about as many rows that lead to them.
const BLOCKS: u64 = 12;

pub(crate) fn run(file: &Path, key: &Path) {
    let seed = fs::read_to_string(key).expect("the key file");
    let seed: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&seed[2 * at..2 * at + 2], 16).expect("hex")).collect();
    let device = Secret::from_seed(seed.try_into().expect("32 bytes"));
    let db = Database::builder().set_cache_size(limits::STORE_CACHE).open(file).expect("the store");
    let record: Record = Post { text: "The least there is".into(), ..Post::default() }.into();
    let block = record.encode(Tid::new(1_700_000_000_000_000, 7)).expect("a record");
    let signature = device.sign("commit", block.bytes());
    let mut txn = db.begin_write().expect("a transaction");
    txn.set_two_phase_commit(true);
    {
        let mut rows = txn.open_table(ROWS).expect("a table");
        for n in 0..BLOCKS {
            rows.insert(2 * n, block.bytes().as_ref()).expect("a row");
            rows.insert(2 * n + 1, signature.0.as_slice()).expect("a row");
        }
    }
    txn.commit().expect("a commit");
}
