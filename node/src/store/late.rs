//! Tables that are opened when they are first needed: a request needs a few of all there are, and opening one costs as
//! much as a lookup in it.

use std::{
    borrow::Borrow,
    cell::OnceCell,
    ops::RangeBounds,
    sync::{Arc, OnceLock},
};

use redb::{
    AccessGuard, Key, Range, ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata, StorageError, Table,
    TableDefinition, TableError, TableStats, Value, WriteTransaction,
};

type Result<T> = std::result::Result<T, StorageError>;

/// A table of a read transaction.
pub(super) struct Shown<K: Key + 'static, V: Value + 'static> {
    txn: Arc<ReadTransaction>,
    definition: TableDefinition<'static, K, V>,
    table: OnceLock<ReadOnlyTable<K, V>>,
}

impl<K: Key + 'static, V: Value + 'static> Shown<K, V> {
    pub(super) fn new(txn: &Arc<ReadTransaction>, definition: TableDefinition<'static, K, V>) -> Self {
        Self { txn: Arc::clone(txn), definition, table: OnceLock::new() }
    }

    fn table(&self) -> Result<&ReadOnlyTable<K, V>> {
        if let Some(table) = self.table.get() {
            return Ok(table);
        }
        let table = self.txn.open_table(self.definition).map_err(unopened)?;
        Ok(self.table.get_or_init(|| table))
    }
}

/// A table of the write transaction.
pub(super) struct Written<'t, K: Key + 'static, V: Value + 'static> {
    txn: &'t WriteTransaction,
    definition: TableDefinition<'static, K, V>,
    table: OnceCell<Table<'t, K, V>>,
}

impl<'t, K: Key + 'static, V: Value + 'static> Written<'t, K, V> {
    pub(super) fn new(txn: &'t WriteTransaction, definition: TableDefinition<'static, K, V>) -> Self {
        Self { txn, definition, table: OnceCell::new() }
    }

    fn table(&self) -> Result<&Table<'t, K, V>> {
        if let Some(table) = self.table.get() {
            return Ok(table);
        }
        let table = self.txn.open_table(self.definition).map_err(unopened)?;
        Ok(self.table.get_or_init(|| table))
    }

    fn table_mut(&mut self) -> Result<&mut Table<'t, K, V>> {
        self.table()?;
        self.table.get_mut().ok_or_else(|| StorageError::Corrupted("a table that was opened is not open".into()))
    }

    /// Makes the table where there is none.
    pub(super) fn make(&self) -> Result<()> {
        self.table().map(drop)
    }

    pub(super) fn insert<'k, 'v>(
        &mut self,
        key: impl Borrow<K::SelfType<'k>>,
        value: impl Borrow<V::SelfType<'v>>,
    ) -> Result<Option<AccessGuard<'_, V>>> {
        self.table_mut()?.insert(key, value)
    }

    pub(super) fn remove<'k>(&mut self, key: impl Borrow<K::SelfType<'k>>) -> Result<Option<AccessGuard<'_, V>>> {
        self.table_mut()?.remove(key)
    }

    pub(super) fn pop_first(&mut self) -> Result<Option<(AccessGuard<'_, K>, AccessGuard<'_, V>)>> {
        self.table_mut()?.pop_first()
    }

    pub(super) fn retain(&mut self, keep: impl for<'f> FnMut(K::SelfType<'f>, V::SelfType<'f>) -> bool) -> Result<()> {
        self.table_mut()?.retain(keep)
    }

    pub(super) fn retain_in<'k, B: Borrow<K::SelfType<'k>> + 'k>(
        &mut self,
        range: impl RangeBounds<B> + 'k,
        keep: impl for<'f> FnMut(K::SelfType<'f>, V::SelfType<'f>) -> bool,
    ) -> Result<()> {
        self.table_mut()?.retain_in(range, keep)
    }
}

/// All tables are made with the file, so that one which cannot be opened is damaged.
fn unopened(error: TableError) -> StorageError {
    match error {
        TableError::Storage(error) => error,
        other => StorageError::Corrupted(other.to_string()),
    }
}

macro_rules! read_as_a_table {
    ($($name:ident<$($life:lifetime,)? K, V>;)*) => { $(
        impl<$($life,)? K: Key + 'static, V: Value + 'static> ReadableTableMetadata for $name<$($life,)? K, V> {
            fn stats(&self) -> Result<TableStats> {
                self.table()?.stats()
            }

            fn len(&self) -> Result<u64> {
                self.table()?.len()
            }
        }

        impl<$($life,)? K: Key + 'static, V: Value + 'static> ReadableTable<K, V> for $name<$($life,)? K, V> {
            fn get<'k>(&self, key: impl Borrow<K::SelfType<'k>>) -> Result<Option<AccessGuard<'_, V>>> {
                ReadableTable::get(self.table()?, key)
            }

            fn range<'k, B: Borrow<K::SelfType<'k>> + 'k>(
                &self,
                range: impl RangeBounds<B> + 'k,
            ) -> Result<Range<'_, K, V>> {
                ReadableTable::range(self.table()?, range)
            }

            fn first(&self) -> Result<Option<(AccessGuard<'_, K>, AccessGuard<'_, V>)>> {
                ReadableTable::first(self.table()?)
            }

            fn last(&self) -> Result<Option<(AccessGuard<'_, K>, AccessGuard<'_, V>)>> {
                ReadableTable::last(self.table()?)
            }
        }
    )* };
}

read_as_a_table! {
    Shown<K, V>;
    Written<'t, K, V>;
}
