//! Signing and verifying structures: the signature covers `"folkmoot/<kind>/1" || 0x00 || dag-cbor(struct without sig)`.
//! Verification works on the block as received, so fields we do not know are covered too.

use std::collections::BTreeMap;

use ipld_core::ipld::Ipld;
use serde::Serialize;

use crate::{
    block::Block,
    error::{Error, Refusal},
    key::{Did, Secret, Sig},
};

const FIELD: &str = "sig";

/// Encodes `body` (a struct without `sig`), signs it, and returns the block with `sig` added.
pub fn seal<T: Serialize + ?Sized>(kind: &'static str, body: &T, secret: &Secret) -> Result<Block, Error> {
    let body = Block::encode(body)?;
    let mut map = map(&body)?;
    let sig = secret.sign(kind, body.bytes());
    if map.insert(FIELD.into(), Ipld::Bytes(sig.0.to_vec())).is_some() {
        return Err(Error::Structure { what: kind, why: "it was signed already".into() });
    }
    Block::encode(&map)
}

/// Checks that field `sig` of the block's map was made by `signer` over the map without it.
pub fn verify(kind: &'static str, block: &Block, signer: &Did) -> Result<(), Error> {
    let mut map = map(block)?;
    let sig = match map.remove(FIELD) {
        Some(Ipld::Bytes(sig)) => Sig(sig.try_into().map_err(|_| Error::Signature(kind))?),
        _ => return Err(Error::Signature(kind)),
    };
    signer.verify(kind, Block::encode(&map)?.bytes(), &sig)
}

/// The bytes of the block's map without some of its fields: what a signature kept elsewhere in it covers.
pub fn without(block: &Block, fields: &[&str]) -> Result<Vec<u8>, Error> {
    let mut map = map(block)?;
    map.retain(|name, _| !fields.contains(&name.as_str()));
    Ok(Block::encode(&map)?.bytes().to_vec())
}

fn map(block: &Block) -> Result<BTreeMap<String, Ipld>, Error> {
    match block.view()? {
        Ipld::Map(map) => Ok(map),
        _ => Err(Refusal::Shape("a signed structure is a map".into()).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Body {
        name: &'static str,
        zebra: u32,
    }

    fn key(seed: u8) -> Secret {
        Secret::from_seed([seed; 32])
    }

    #[test]
    fn a_sealed_structure_verifies_by_its_key_and_kind_only() {
        let block = seal("commit", &Body { name: "x", zebra: 1 }, &key(1)).unwrap();
        assert_eq!(verify("commit", &block, &key(1).did()), Ok(()));
        assert_eq!(verify("roster", &block, &key(1).did()), Err(Error::Signature("roster")));
        assert_eq!(verify("commit", &block, &key(2).did()), Err(Error::Signature("commit")));
    }

    #[test]
    fn a_field_nobody_knows_is_covered_by_the_signature() {
        let block = seal("commit", &Body { name: "x", zebra: 1 }, &key(1)).unwrap();
        let mut map = map(&block).unwrap();
        map.insert("later".into(), Ipld::Bool(true));
        let changed = Block::encode(&map).unwrap();
        assert_eq!(verify("commit", &changed, &key(1).did()), Err(Error::Signature("commit")));
    }

    #[test]
    fn a_missing_or_short_signature_is_refused() {
        let bare = Block::encode(&Body { name: "x", zebra: 1 }).unwrap();
        assert_eq!(verify("commit", &bare, &key(1).did()), Err(Error::Signature("commit")));
        let short = Block::encode(&BTreeMap::from([("sig", Ipld::Bytes(vec![0; 63]))])).unwrap();
        assert_eq!(verify("commit", &short, &key(1).did()), Err(Error::Signature("commit")));
        let list = Block::encode(&["sig"]).unwrap();
        assert!(matches!(verify("commit", &list, &key(1).did()), Err(Error::Decode(Refusal::Shape(_)))));
    }

    #[test]
    fn bytes_without_fields_are_what_was_signed_before_they_were_added() {
        let body = Body { name: "x", zebra: 1 };
        let block = seal("commit", &body, &key(1)).unwrap();
        assert_eq!(without(&block, &["sig"]).unwrap(), Block::encode(&body).unwrap().bytes().to_vec());
    }
}
