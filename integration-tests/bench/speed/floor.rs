//! The least that storing these posts takes: encode or decode, hash, and put the same rows into the same tables in a
//! bare loop, 10 000 posts a transaction. No tree, no signature, no lookups, no rules.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use folkmoot_schemas::{
    Cid, Record, Tid,
    block::{Block, cid_of},
    limits, mst,
};
use redb::{Database, TableDefinition};

use crate::world::Answer;

type Bytes = &'static [u8];

const BLOCKS: TableDefinition<'_, u64, Bytes> = TableDefinition::new("blocks");
const DIGESTS: TableDefinition<'_, (u64, u64), ()> = TableDefinition::new("digests");
const PLACES: TableDefinition<'_, (u64, u32, u32, Bytes), ()> = TableDefinition::new("places");
const LEAVES: TableDefinition<'_, (u32, u32, Bytes), (u64, u64)> = TableDefinition::new("leaves");
const BY_TIME: TableDefinition<'_, (u32, u32, u64, &[u8; 10], u32), Bytes> = TableDefinition::new("by_time");
const SHORTS: TableDefinition<'_, &[u8; 10], (u32, u32, u32, u8, Bytes)> = TableDefinition::new("shorts");

const BATCH: usize = 10_000;

pub(crate) fn publish(records: &[Record], path: &Path) -> Duration {
    let nodes = nodes(records);
    let start = Instant::now();
    let posts = records.iter().enumerate().map(|(n, record)| {
        let rev = rev(n);
        (rev, record.encode(rev).expect("a record"))
    });
    fill(path, posts, &nodes);
    start.elapsed()
}

pub(crate) fn receive(records: &[Record], answers: &[Answer], path: &Path) -> Duration {
    let nodes = nodes(records);
    let bytes: Vec<Vec<u8>> = answers.iter().flat_map(|a| a.blocks.iter().map(|(_, bytes)| bytes.clone())).collect();
    let start = Instant::now();
    let posts = bytes.into_iter().map(|bytes| {
        let (block, rev, _) = Record::open(&bytes).expect("a record");
        (rev, block)
    });
    fill(path, posts, &nodes);
    start.elapsed()
}

fn rev(n: usize) -> Tid {
    Tid::new(1_700_000_000_000_000 + n as u64, 7)
}

/// The nodes of a tree of as many posts: bytes to hash and store, made beforehand.
fn nodes(records: &[Record]) -> Vec<Vec<u8>> {
    let entry = |n: usize| {
        let path = format!("org.folkmoot.post/{}", rev(n));
        let cid = cid_of(folkmoot_schemas::block::DAG_CBOR, path.as_bytes());
        (path, cid)
    };
    let tree = mst::build(&(0..records.len()).map(entry).collect()).expect("a tree");
    tree.nodes.iter().map(|node| node.bytes().to_vec()).collect()
}

fn fill(path: &Path, posts: impl Iterator<Item = (Tid, Block)>, nodes: &[Vec<u8>]) {
    let db = Database::builder().set_cache_size(limits::STORE_CACHE).create(path).expect("a database");
    let mut seq = 0;
    let mut posts = posts.peekable();
    while posts.peek().is_some() {
        let mut txn = db.begin_write().expect("a transaction");
        txn.set_two_phase_commit(true);
        {
            let mut blocks = txn.open_table(BLOCKS).expect("a table");
            let mut digests = txn.open_table(DIGESTS).expect("a table");
            let mut places = txn.open_table(PLACES).expect("a table");
            let mut leaves = txn.open_table(LEAVES).expect("a table");
            let mut by_time = txn.open_table(BY_TIME).expect("a table");
            let mut shorts = txn.open_table(SHORTS).expect("a table");
            for (rev, block) in posts.by_ref().take(BATCH) {
                seq += 1;
                let rkey = rev.to_string();
                let rkey = rkey.as_bytes();
                let digest = digest(block.cid());
                let mut short = [0; 10];
                short.copy_from_slice(&digest[22..]);
                put(&mut blocks, &mut digests, seq, block.bytes(), &digest);
                places.insert((seq, 1, 1, rkey), ()).expect("a row");
                leaves.insert((1, 1, rkey), (seq, rev.as_u64())).expect("a row");
                by_time.insert((1, 1, rev.as_u64(), &short, 1), rkey).expect("a row");
                shorts.insert(&short, (1, 1, 1, 1, rkey)).expect("a row");
            }
            if posts.peek().is_none() {
                for node in nodes {
                    seq += 1;
                    let digest = digest(&cid_of(folkmoot_schemas::block::DAG_CBOR, node));
                    put(&mut blocks, &mut digests, seq, node, &digest);
                    places.insert((seq, 1, 0, [].as_slice()), ()).expect("a row");
                }
            }
        }
        txn.commit().expect("a commit");
    }
}

fn put(
    blocks: &mut redb::Table<'_, u64, Bytes>,
    digests: &mut redb::Table<'_, (u64, u64), ()>,
    seq: u64,
    bytes: &[u8],
    digest: &[u8; 32],
) {
    let mut value = Vec::with_capacity(bytes.len() + 1);
    value.push(0x71);
    value.extend_from_slice(bytes);
    blocks.insert(seq, value.as_slice()).expect("a row");
    let (start, _) = digest.split_first_chunk().expect("eight bytes");
    digests.insert((u64::from_be_bytes(*start), seq), ()).expect("a row");
}

fn digest(cid: &Cid) -> [u8; 32] {
    cid.hash().digest().try_into().expect("32 bytes")
}
