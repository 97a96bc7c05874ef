//! The one integration-test binary. Each module is a story a person could tell.

mod apart;
mod archive;
mod crash;
mod devices;
mod faults;
mod finding;
mod hint;
mod hosts;
mod import;
mod inbox;
mod journey;
mod people;
mod power;
mod refusals;
mod stranger;
mod together;
mod transcripts;
