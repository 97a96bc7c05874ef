//! Where a block is, by its digest. Digests are random, so that each row of a large table lies on a page of its own; and
//! most nodes of a tree are replaced by the next commit. So rows begin in a table that fits a page or two, where most of
//! them end too, and move together when it is full: one commit on a large store writes a third less.

use redb::{ReadableTable, ReadableTableMetadata};

use super::{StoreError, writer::Writer};

/// Rows that may stay in `young`. Each takes 16 bytes.
const YOUNG: u64 = 256;

/// (first 8 bytes of a digest, seq) → nothing.
type Row = (u64, u64);

/// What a digest is looked for by.
pub(super) fn digest_key(key: &[u8; 33]) -> u64 {
    let [_, a, b, c, d, e, f, g, h, ..] = *key;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// Says of rising digest keys which a table may have. Where it has none of a stretch, one search is enough for it.
pub(super) struct Walk<'t, T> {
    table: &'t T,
    /// The first that may be one not asked for yet.
    next: Option<u64>,
}

impl<'t, T: ReadableTable<Row, ()>> Walk<'t, T> {
    pub(super) fn over(table: &'t T) -> Self {
        Self { table, next: Some(0) }
    }

    pub(super) fn has(&mut self, key: u64) -> Result<bool, StoreError> {
        if self.next.is_some_and(|next| next < key) {
            self.next = self.table.range((key, 0)..)?.next().transpose()?.map(|(row, _)| row.value().0);
        }
        Ok(self.next == Some(key))
    }
}

impl Writer<'_> {
    /// Notes where blocks are: in key order, or a large import would come back to every page again and again.
    pub(super) fn add_digests(&mut self, rows: &[Row]) -> Result<(), StoreError> {
        let table = if rows.len() as u64 > YOUNG { &mut self.t.digests } else { &mut self.t.young };
        for row in rows {
            table.insert(row, ())?;
        }
        Ok(())
    }

    pub(super) fn drop_digest(&mut self, row: Row) -> Result<(), StoreError> {
        if self.t.young.remove(row)?.is_none() {
            self.t.digests.remove(row)?;
        }
        Ok(())
    }

    /// Makes room in `young`, all at once.
    pub(super) fn settle_digests(&mut self) -> Result<(), StoreError> {
        if self.t.young.len()? > YOUNG {
            while let Some((row, _)) = self.t.young.pop_first()? {
                self.t.digests.insert(row.value(), ())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use folkmoot_schemas::block::Block;

    use super::*;
    use crate::store::{
        Store,
        blocks::{Blocks, Why, cid_key},
        tables::{Reading, Tables},
    };

    fn rows(t: &Reading) -> (u64, u64) {
        (t.young().len().unwrap(), t.digests().len().unwrap())
    }

    #[test]
    fn a_block_is_found_and_its_row_let_go_in_whichever_table_it_lies() {
        let store = Store::in_memory().unwrap();
        let blocks: Vec<Block> = (0..2 * YOUNG + 50).map(|n| Block::raw(n.to_be_bytes().to_vec())).collect();
        let hold = |blocks: &[Block]| {
            let held = store.write(|w| {
                w.dirty = true;
                let new = w.put_blocks(&blocks.iter().collect::<Vec<_>>())?;
                new.iter().try_for_each(|block| w.hold(block.seq, 0, Why::Uploaded))
            });
            held.unwrap();
        };
        let check = |here: &[Block], expected| {
            let (t, ..) = store.reading().unwrap();
            assert_eq!(rows(&t), expected);
            for block in &blocks {
                let seq = t.seq(block.cid()).unwrap();
                assert_eq!(seq.is_some(), here.contains(block));
                assert!(seq.is_none_or(|seq| cid_key(&t.cid_at(seq).unwrap()) == cid_key(block.cid())));
            }
        };
        let (most, few) = (YOUNG as usize, 10);
        blocks[..few].iter().for_each(|block| hold(std::slice::from_ref(block)));
        check(&blocks[..few], (10, 0));
        hold(&blocks[few..most]);
        check(&blocks[..most], (YOUNG, 0));
        hold(&blocks[most..=most]);
        check(&blocks[..=most], (0, YOUNG + 1));
        hold(&blocks[most + 1..most + 20]);
        hold(&blocks[..most + 20]);
        check(&blocks[..most + 20], (19, YOUNG + 1));
        hold(&blocks[most + 20..]);
        check(&blocks, (19, 2 * YOUNG + 31));
        let freed = store.write(|w| {
            w.dirty = true;
            for block in &blocks[most - 100..] {
                let seq = w.t.seq(block.cid())?.unwrap();
                // What was put twice is held twice.
                w.release(seq, 0, Why::Uploaded)?;
                w.release(seq, 0, Why::Uploaded)?;
            }
            Ok(())
        });
        freed.unwrap();
        check(&blocks[..most - 100], (0, YOUNG - 100));
    }
}
