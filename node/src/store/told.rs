//! What the person, the hook and nobody else has been told already: a mark per item, with the stamp it had then. An
//! item whose stamp is another one since has something new in it. Marks of items that are no more are dropped by
//! whoever writes others, so there are never more of them than items. Never leaves this machine but in a backup.

use std::collections::{BTreeMap, BTreeSet};

use redb::ReadableTable;

use super::{Store, StoreError, tables::Tables};

/// The 80 bits that an item's id spells.
pub type ItemKey = [u8; 10];
/// Items and their stamps.
pub type Marks = BTreeMap<ItemKey, u64>;

/// Who was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    Person,
    Hook,
    /// Of dates that are near: by the hook too, and kept apart since they are other things.
    Reminders,
}

impl To {
    fn code(self) -> u8 {
        match self {
            Self::Person => 0,
            Self::Hook => 1,
            Self::Reminders => 2,
        }
    }
}

impl Store {
    pub fn told(&self, to: To) -> Result<Marks, StoreError> {
        let (t, _, _open) = self.reading()?;
        let mut marks = Marks::new();
        for row in t.told().range((to.code(), &[0; 10])..=(to.code(), &[0xff; 10]))? {
            let (key, stamp) = row?;
            marks.insert(*key.value().1, stamp.value());
        }
        Ok(marks)
    }

    /// Adds marks and drops those of items that are not in `present`.
    pub fn mark_told(&self, to: To, marks: &Marks, present: &BTreeSet<ItemKey>) -> Result<(), StoreError> {
        self.write(|w| {
            w.t.told.retain_in((to.code(), &[0; 10])..=(to.code(), &[0xff; 10]), |key, _| present.contains(key.1))?;
            for (key, stamp) in marks {
                w.t.told.insert((to.code(), key), stamp)?;
            }
            w.dirty = true;
            Ok(())
        })
    }

    /// Adds marks alone.
    pub fn add_told(&self, to: To, marks: &Marks) -> Result<(), StoreError> {
        self.write(|w| {
            for (key, stamp) in marks {
                w.t.told.insert((to.code(), key), stamp)?;
            }
            w.dirty = true;
            Ok(())
        })
    }

    /// As if they had never been told.
    pub fn unmark_told(&self, to: To, keys: &[ItemKey]) -> Result<(), StoreError> {
        self.write(|w| {
            for key in keys {
                w.t.told.remove((to.code(), key))?;
            }
            w.dirty = true;
            Ok(())
        })
    }
}
