//! Small integers for what would otherwise be repeated in every key: communities, people and devices, collections.
//! A number, once committed, is never given to anything else.

use folkmoot_schemas::{Cid, Did};
use redb::ReadableTable;

use super::{
    StoreError,
    blocks::{cid_key, cid_of_key},
    tables::Tables,
    writer::Writer,
};

/// Something that has a number.
#[derive(Debug, Clone, Copy)]
pub(super) enum Name<'a> {
    Community(&'a Cid),
    Key(&'a Did),
    Collection(&'a str),
}

impl Name<'_> {
    fn bytes(self) -> Vec<u8> {
        let (kind, value): (u8, &[u8]) = match self {
            Self::Community(cid) => return [&[0u8][..], &cid_key(cid)].concat(),
            Self::Key(did) => (1, did.as_bytes()),
            Self::Collection(name) => (2, name.as_bytes()),
        };
        [&[kind], value].concat()
    }
}

/// Lookups both ways.
pub(super) trait Numbers: Tables {
    fn number(&self, name: Name<'_>) -> Result<Option<u32>, StoreError> {
        Ok(self.numbers().get(name.bytes().as_slice())?.map(|n| n.value()))
    }

    fn community_of(&self, number: u32) -> Result<Cid, StoreError> {
        let row = self.names().get(number)?.ok_or_else(|| StoreError::inconsistent("a community's number"))?;
        match row.value() {
            [0, key @ ..] => cid_of_key(key),
            _ => Err(StoreError::inconsistent("a community's number")),
        }
    }

    fn key_of(&self, number: u32) -> Result<Did, StoreError> {
        let row = self.names().get(number)?.ok_or_else(|| StoreError::inconsistent("a key's number"))?;
        match row.value() {
            [1, key @ ..] => key.try_into().map(Did::trusted).map_err(|_| StoreError::inconsistent("a key's number")),
            _ => Err(StoreError::inconsistent("a key's number")),
        }
    }

    fn collection_of(&self, number: u32) -> Result<String, StoreError> {
        let row = self.names().get(number)?.ok_or_else(|| StoreError::inconsistent("a collection's number"))?;
        match row.value() {
            [2, name @ ..] => Ok(String::from_utf8_lossy(name).into_owned()),
            _ => Err(StoreError::inconsistent("a collection's number")),
        }
    }
}
impl<T: Tables> Numbers for T {}

impl Writer<'_> {
    /// The number of `name`, a new one if it has none.
    pub(super) fn intern(&mut self, name: Name<'_>) -> Result<u32, StoreError> {
        let bytes = name.bytes();
        if let Some(number) = self.t.numbers.get(bytes.as_slice())? {
            return Ok(number.value());
        }
        let last = self.t.counters.get("names")?.map_or(0, |n| n.value());
        let number = u32::try_from(last + 1).map_err(|_| StoreError::Refused("the store is full of names".into()))?;
        self.t.counters.insert("names", u64::from(number))?;
        self.t.numbers.insert(bytes.as_slice(), number)?;
        self.t.names.insert(number, bytes.as_slice())?;
        Ok(number)
    }
}
