//! Small facts of this node: `me` (the person's did, as text), invite seeds, peers, pending joins. Never exported.

use redb::ReadableTable;

use super::{
    Store, StoreError,
    tables::{Reading, Tables},
    writer::Writer,
};

pub(super) fn counter(t: &Reading, name: &str) -> Result<u64, StoreError> {
    Ok(t.counters().get(name)?.map_or(0, |n| n.value()))
}

impl Store {
    /// Small facts of this node: `me`, invite seeds, peers. Never exported.
    pub fn meta(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let (t, _, _open) = self.reading()?;
        Ok(t.meta().get(key)?.map(|value| value.value().to_vec()))
    }

    pub fn set_meta(&self, key: &str, value: Option<&[u8]>) -> Result<(), StoreError> {
        self.write(|w| put(w, &[(key, value)]))
    }

    /// Several that others can say again, in one write that is on the disk a little later.
    pub(super) fn receive_metas(&self, rows: &[(String, Option<Vec<u8>>)]) -> Result<(), StoreError> {
        self.receive(|w| put(w, rows))
    }

    /// All metas whose key starts with `prefix`.
    pub fn metas(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let (t, _, _open) = self.reading()?;
        let mut found = Vec::new();
        for row in t.meta().range(prefix..)? {
            let (key, value) = row?;
            if !key.value().starts_with(prefix) {
                break;
            }
            found.push((key.value().to_owned(), value.value().to_vec()));
        }
        Ok(found)
    }
}

fn put<K: AsRef<str>, V: AsRef<[u8]>>(w: &mut Writer<'_>, rows: &[(K, Option<V>)]) -> Result<(), StoreError> {
    for (key, value) in rows {
        match value {
            Some(value) => w.t.meta.insert(key.as_ref(), value.as_ref())?,
            None => w.t.meta.remove(key.as_ref())?,
        };
    }
    w.dirty = true;
    Ok(())
}
