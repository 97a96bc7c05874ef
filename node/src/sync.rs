//! Sync: bring communities up to date with peers. `engine` decides (pure), `driver` does, `message` is the wire.

pub mod driver;
pub mod engine;
pub mod message;
