//! The one integration-test binary. Each module is a story a person could tell.

mod crash;
mod hint;
mod journey;
mod refusals;
mod stranger;
