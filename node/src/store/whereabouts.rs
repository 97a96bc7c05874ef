//! Members' nodes: what each said of itself, as signed, and where it was reached from here. Rows of `meta`, so that they
//! leave the machine with no export; how many there are is bounded by whoever writes them.

use std::collections::BTreeMap;

use folkmoot_schemas::{Did, block::Block, limits, whereabouts::Whereabouts};
use serde::{Deserialize, Serialize};

use super::{Store, StoreError};

/// Prefix: by device, the exact bytes of what it said.
const NODE: &str = "node/";
/// Prefix: by peer id, a [`Reached`].
const REACHED: &str = "reached/";
/// A row of ours is far smaller.
const ROW: usize = 4 * limits::ADDRESS * limits::REACHED_ADDRS;

/// A node of a member that was connected, whoever dialled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    pub did: Did,
    pub device: Did,
    /// Microseconds since 1970; last noted, so up to an hour before it went.
    pub at: u64,
    /// Without the peer id; the last one that worked first.
    pub addrs: Vec<String>,
}

impl Store {
    /// What devices said of their nodes. Rows that cannot be read are left out: they are hints.
    pub fn whereabouts(&self) -> Result<Vec<(Block, Whereabouts)>, StoreError> {
        let rows = self.metas(NODE)?;
        Ok(rows.iter().filter_map(|(_, bytes)| Whereabouts::read(bytes).ok()).collect())
    }

    /// In one write, which a power cut may undo: others say it again.
    pub fn set_whereabouts(&self, said: &[(Did, Option<Block>)]) -> Result<(), StoreError> {
        let row = |(device, block): &(Did, Option<Block>)| {
            (format!("{NODE}{device}"), block.as_ref().map(|block| block.bytes().to_vec()))
        };
        self.receive_metas(&said.iter().map(row).collect::<Vec<_>>())
    }

    /// By peer id.
    pub fn reached(&self) -> Result<BTreeMap<String, Reached>, StoreError> {
        let mut reached = BTreeMap::new();
        for (key, bytes) in self.metas(REACHED)? {
            if let Some(peer) = key.strip_prefix(REACHED)
                && let Ok((_, row)) = Block::decode::<Reached>(bytes, ROW)
            {
                reached.insert(peer.to_owned(), row);
            }
        }
        Ok(reached)
    }

    /// In one write, which a power cut may undo: others say it again.
    pub fn set_reached(&self, rows: &[(String, Option<Reached>)]) -> Result<(), StoreError> {
        let mut metas = Vec::with_capacity(rows.len());
        for (peer, row) in rows {
            let bytes = row.as_ref().map(Block::encode).transpose()?.map(|block| block.bytes().to_vec());
            metas.push((format!("{REACHED}{peer}"), bytes));
        }
        self.receive_metas(&metas)
    }
}

#[cfg(test)]
mod tests {
    use folkmoot_schemas::{Tid, key::Secret};

    use super::*;

    #[test]
    fn what_a_device_said_and_where_it_was_reached_are_kept_and_taken_out() {
        let store = Store::in_memory().unwrap();
        let (root, device) = (Secret::from_seed([1; 32]).did(), Secret::from_seed([2; 32]));
        let addrs = vec!["/ip4/192.0.2.7/tcp/4700".to_owned()];
        let said = Whereabouts {
            did: root,
            device: device.did(),
            rev: Tid::new(5, 0),
            peer: "12D3".into(),
            addrs: addrs.clone(),
        };
        let block = said.seal(&device).unwrap();
        store.set_whereabouts(&[(device.did(), Some(block.clone()))]).unwrap();
        assert_eq!(store.whereabouts().unwrap(), [(block, said)]);
        let row = Reached { did: root, device: device.did(), at: 7, addrs };
        store.set_reached(&[("12D3".into(), Some(row.clone()))]).unwrap();
        assert_eq!(store.reached().unwrap(), BTreeMap::from([("12D3".into(), row)]));

        store.set_whereabouts(&[(device.did(), None)]).unwrap();
        store.set_reached(&[("12D3".into(), None)]).unwrap();
        assert!(store.whereabouts().unwrap().is_empty() && store.reached().unwrap().is_empty());
    }
}
