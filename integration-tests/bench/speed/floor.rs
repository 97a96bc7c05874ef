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
type Digest = &'static [u8; 32];

const BLOCKS: TableDefinition<'_, u64, Bytes> = TableDefinition::new("blocks");
const CIDS: TableDefinition<'_, &[u8; 33], u64> = TableDefinition::new("cids");
const HOLDS: TableDefinition<'_, (u64, u32, u8), u32> = TableDefinition::new("holds");
const PLACES: TableDefinition<'_, (u64, u32, u32, Bytes), ()> = TableDefinition::new("places");
const TREE: TableDefinition<'_, (u32, u32, Bytes), (u64, u64, Digest)> = TableDefinition::new("tree");
const NODES: TableDefinition<'_, (u32, Digest), u64> = TableDefinition::new("nodes");
const TIMELINE: TableDefinition<'_, (u32, u32, u64, &[u8; 10], u32), Bytes> = TableDefinition::new("timeline");
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
            let mut cids = txn.open_table(CIDS).expect("a table");
            let mut places = txn.open_table(PLACES).expect("a table");
            let mut tree = txn.open_table(TREE).expect("a table");
            let mut timeline = txn.open_table(TIMELINE).expect("a table");
            let mut shorts = txn.open_table(SHORTS).expect("a table");
            for (rev, block) in posts.by_ref().take(BATCH) {
                seq += 1;
                let rkey = rev.to_string();
                let rkey = rkey.as_bytes();
                let digest = digest(block.cid());
                let mut short = [0; 10];
                short.copy_from_slice(&digest[22..]);
                put(&mut blocks, &mut cids, seq, block.bytes(), &digest);
                places.insert((seq, 1, 1, rkey), ()).expect("a row");
                tree.insert((1, 1, rkey), (seq, rev.as_u64(), &digest)).expect("a row");
                timeline.insert((1, 1, !rev.as_u64(), &short, 1), rkey).expect("a row");
                shorts.insert(&short, (1, 1, 1, 1, rkey)).expect("a row");
            }
            if posts.peek().is_none() {
                let mut held = txn.open_table(HOLDS).expect("a table");
                let mut of = txn.open_table(NODES).expect("a table");
                for node in nodes {
                    seq += 1;
                    let digest = digest(&cid_of(folkmoot_schemas::block::DAG_CBOR, node));
                    put(&mut blocks, &mut cids, seq, node, &digest);
                    held.insert((seq, 1, 0), 1).expect("a row");
                    of.insert((1, &digest), seq).expect("a row");
                }
            }
        }
        txn.commit().expect("a commit");
    }
}

fn put(
    blocks: &mut redb::Table<'_, u64, Bytes>,
    cids: &mut redb::Table<'_, &'static [u8; 33], u64>,
    seq: u64,
    bytes: &[u8],
    digest: &[u8; 32],
) {
    let mut value = Vec::with_capacity(bytes.len() + 1);
    value.push(0x71);
    value.extend_from_slice(bytes);
    blocks.insert(seq, value.as_slice()).expect("a row");
    let mut key = [0x71; 33];
    key[1..].copy_from_slice(digest);
    cids.insert(&key, seq).expect("a row");
}

fn digest(cid: &Cid) -> [u8; 32] {
    cid.hash().digest().try_into().expect("32 bytes")
}
