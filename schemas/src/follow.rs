//! Where a recursive walk goes on from a block: what a fixed pin keeps, what an archive of one thing holds.
//!
//! From a record only files are followed. Structures hang on structures alone; otherwise whoever writes a record could
//! make others keep, and fetch, what no head of theirs owns.

use serde::Deserialize;

use crate::{
    block::{Block, Cid, DAG_CBOR},
    charter::Charter,
    commit::Commit,
    error::Error,
    identity::Identity,
    roster::Op,
    snapshot::Snapshot,
};

/// `$type` of everything but records. Tree nodes have none.
const STRUCTURES: [&str; 5] = [Charter::NAME, Commit::NAME, Identity::NAME, Op::NAME, Snapshot::NAME];

#[derive(Deserialize)]
struct Titled {
    #[serde(rename = "$type")]
    name: Option<String>,
}

/// The links to go on with, in order of appearance.
pub fn follow(block: &Block) -> Result<Vec<Cid>, Error> {
    let mut links = block.links()?;
    let structure = block.cid().codec() != DAG_CBOR
        || match block.view::<Titled>() {
            Ok(Titled { name: Some(name) }) => STRUCTURES.contains(&name.as_str()),
            Ok(Titled { name: None }) => true,
            // No map: nothing of ours, so it owns files at most.
            Err(_) => false,
        };
    if !structure {
        links.retain(|cid| cid.codec() != DAG_CBOR);
    }
    Ok(links)
}

#[cfg(test)]
mod tests {
    use ipld_core::ipld;

    use super::*;
    use crate::block::{DAG_PB, RAW, cid_of};

    #[test]
    fn structures_and_nodes_are_followed_everywhere_and_records_to_files_alone() {
        let (file, node, other) = (cid_of(RAW, b"f"), cid_of(DAG_PB, b"p"), cid_of(DAG_CBOR, b"o"));
        let block = |map| Block::encode(&map).unwrap();
        for name in STRUCTURES {
            let structure = block(ipld!({"$type": name, "a": file, "b": other}));
            assert_eq!(follow(&structure).unwrap(), [file, other], "{name}");
        }
        assert_eq!(follow(&block(ipld!({"l": other, "e": []}))).unwrap(), [other]);
        let record = block(ipld!({"$type": "org.example.song", "a": other, "b": [node, file]}));
        assert_eq!(follow(&record).unwrap(), [node, file]);
        assert_eq!(follow(&block(ipld!([file, other]))).unwrap(), [file]);
        assert!(follow(&Block::raw(b"bytes".to_vec())).unwrap().is_empty());
    }
}
