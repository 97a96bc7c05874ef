//! What every kind of record tells the rest of the house about itself.

use crate::{block::Cid, card::Card, commit::Audience, error::Fault, uri::Uri};

/// A kind of record: one file in `records/`, one word in `record.rs`.
pub trait Kind: serde::Serialize + serde::de::DeserializeOwned {
    /// The NSID: `$type` and collection.
    const NAME: &'static str;
    /// Where it lives in a public community (in a members community everything is `members`).
    const AUDIENCE: Audience;
    /// Bytes of the whole record.
    const LIMIT: usize;
    /// Field limits, checked when publishing and on receipt. On receipt a fault hides the record from pages only.
    fn check(&self) -> Result<(), Fault>;
    /// The rkey this record must have: `None` = a fresh TID; `Some` = fixed (`self`, or derived from what it is about).
    fn rkey(&self) -> Option<String> {
        None
    }
    /// Neutral display form.
    fn card(&self) -> Card;
    /// Blobs it links.
    fn links(&self) -> Vec<Cid> {
        Vec::new()
    }
    /// The record this one answers, revises or speaks about: indexed by the store (`reader.about(uri)`).
    fn about(&self) -> Option<Uri> {
        None
    }
}
