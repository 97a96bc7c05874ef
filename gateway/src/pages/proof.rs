//! `/e/<id>.car` and `/n/<id>.car`: what proves a page's record, for whoever does not want to believe the page.

use folkmoot_node::archive::Proofs;
use folkmoot_schemas::Uri;

use super::{
    Shown,
    notice::{gone, not_found},
};
use crate::{
    answer::{ARCHIVE, Answer, Caching},
    html::Proof,
    reading::{Found, Reading},
    route::Page,
};

/// Makes proofs as of one state of the store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prover<'a> {
    pub(crate) proofs: &'a Proofs,
    /// From before the view was taken.
    pub(crate) generation: u64,
}

pub(super) fn answer(reading: &Reading<'_>, by: Prover<'_>, id: &str, collection: &str) -> Shown {
    match reading.by_short(id, collection)? {
        Found::Entry(entry) => Ok(match by.proofs.proof(by.generation, reading.view, &entry)? {
            Some(car) => Answer::new(ARCHIVE, car, Caching::Revalidate).attachment(),
            None => not_found(Some(reading)),
        }),
        Found::Gone => Ok(gone(reading)),
        Found::Absent => Ok(not_found(Some(reading))),
    }
}

/// What a page says about it. `page` is the record's own, `proof` its proof.
pub(super) fn offer(reading: &Reading<'_>, uri: &Uri, page: &Page, proof: &Page) -> Proof {
    Proof {
        href: reading.href(&uri.community, proof),
        command: format!("moot verify {}", reading.canonical(&uri.community, page)),
    }
}
