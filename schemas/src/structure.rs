//! What every structure (commit, identity, charter …) carries besides its own fields: `$type` and `version`.
//!
//! A structure of another type or version is refused with a reason of its own, so that callers can ignore what a
//! later version sent instead of holding it against the sender.

use bytes::Bytes;
use ipld_core::{
    ipld::Ipld,
    serde::{from_ipld, to_ipld},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    block::Block,
    error::{Error, Refusal},
};

/// The only version there is so far, of every structure.
const VERSION: u64 = 1;

/// `body` with the two leading fields. Flattening is used for writing only: reading through it would buffer values
/// in a form that cannot hold CIDs.
#[derive(Debug, Serialize)]
pub(crate) struct Titled<'a, T> {
    #[serde(rename = "$type")]
    name: &'static str,
    version: u64,
    #[serde(flatten)]
    body: &'a T,
}

impl<'a, T: Serialize> Titled<'a, T> {
    pub(crate) fn new(name: &'static str, body: &'a T) -> Self {
        Self { name, version: VERSION, body }
    }

    /// As a generic map, for structures whose signing needs more than one step.
    pub(crate) fn to_map(&self) -> Result<Ipld, Error> {
        to_ipld(self).map_err(|e| Error::Structure { what: self.name, why: e.to_string() })
    }
}

#[derive(Deserialize)]
struct Title {
    #[serde(rename = "$type")]
    name: String,
    version: u64,
}

/// Decodes a structure from outside bytes.
pub(crate) fn open<T: DeserializeOwned>(name: &'static str, bytes: &[u8], limit: usize) -> Result<(Block, T), Error> {
    if bytes.len() > limit {
        return Err(Refusal::Size { size: bytes.len(), limit }.into());
    }
    let (block, title) = Block::decode::<Title>(Bytes::copy_from_slice(bytes), limit)?;
    title.check(name)?;
    let body = block.view()?;
    Ok((block, body))
}

/// Reads a structure from a block that passed [`open`] before.
pub(crate) fn view<T: DeserializeOwned>(name: &'static str, block: &Block) -> Result<T, Error> {
    block.view::<Title>()?.check(name)?;
    block.view()
}

impl Title {
    fn check(&self, name: &'static str) -> Result<(), Error> {
        if self.name != name {
            return Err(Error::Structure { what: name, why: format!("this is a {:?}", self.name) });
        }
        if self.version != VERSION {
            return Err(Error::Structure {
                what: name,
                why: format!("version {} is not known, only {VERSION}", self.version),
            });
        }
        Ok(())
    }
}

/// A typed value from a generic one; `None` when its shape does not fit.
pub(crate) fn typed<T: DeserializeOwned>(value: &Ipld) -> Option<T> {
    from_ipld(value.clone()).ok()
}

/// One line of `min..=max` characters, as names in structures are.
pub(crate) fn one_line(what: &'static str, field: &str, text: &str, min: usize, max: usize) -> Result<(), Error> {
    let count = text.chars().count();
    if count < min || count > max || text.chars().any(char::is_control) {
        let why = format!("{field} must be one line of {min} to {max} characters");
        return Err(Error::Structure { what, why });
    }
    Ok(())
}
