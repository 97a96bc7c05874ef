//! Sync: bring communities up to date with peers, over `/folkmoot/sync/1` and gossip.
//!
//! [`engine`] decides (pure), [`perform`] does what needs the store or our key, [`driver`] does what needs the
//! network, [`message`] is the wire and [`verdict`] judges announcements. The one room that knows both store and net.

mod book;
pub mod driver;
pub mod engine;
pub mod message;
pub mod perform;
pub mod verdict;

#[cfg(test)]
mod simulation;
