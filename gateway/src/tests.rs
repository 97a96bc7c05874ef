//! Whole pages over a real store in memory, and the server over real sockets.

mod filter;
mod history;
mod hostile;
mod serving;
mod showing;

use axum::http::StatusCode;
use folkmoot_node::store::Store;

use crate::{
    answer::Answer,
    origin::Origin,
    pages,
    route::{self, Parsed},
    sample,
};

/// The answer to a path, as if asked for by a browser.
fn ask(store: &Store, path: &str) -> Answer {
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let Parsed::Found(route) = route::parse(path, query) else { panic!("{path} is no address") };
    let origin = Origin::parse("https://moot.example").unwrap();
    let view = store.public_reader().view().unwrap();
    let proofs = folkmoot_node::archive::Proofs::default();
    let prover = pages::Prover { proofs: &proofs, generation: 0 };
    pages::answer(&origin, &view, prover, &route, (sample::NOW / 1_000_000) as i64).unwrap()
}

/// The same, for pages that must be there.
fn page(store: &Store, path: &str) -> String {
    let answer = ask(store, path);
    assert_eq!(answer.status, StatusCode::OK, "{path}");
    answer.text().to_owned()
}
