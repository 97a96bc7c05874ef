//! Signing and verifying structures: the signature covers `"folkmoot/<kind>/1" || 0x00 || dag-cbor(struct without sig)`.
//! Verification works on the block as received, so fields we do not know are covered too.

use serde::Serialize;

use crate::{
    block::Block,
    error::Error,
    key::{Did, Secret},
};

/// Encodes `body` (a struct without `sig`), signs it, and returns the block with `sig` (or the named field) added.
pub fn seal<T: Serialize>(_kind: &'static str, _body: &T, _secret: &Secret) -> Result<Block, Error> {
    todo!()
}

/// Checks that field `sig` of the block's map was made by `signer` over the map without it.
pub fn verify(_kind: &'static str, _block: &Block, _signer: &Did) -> Result<(), Error> {
    todo!()
}
