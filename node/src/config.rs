//! Settings: flag > `MOOT_*` > `config.toml` > default. An unknown key is an error that names the nearest.

pub use libp2p::Multiaddr;

/// Where a value came from; shown by `moot config`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Flag,
    Environment,
    File,
    Default,
}

/// What the network part of a node is started with. The switches for tests can be set from code only: no flag, file
/// or cargo feature reaches them.
#[derive(Debug, Clone)]
pub struct NetConfig {
    pub listen: Vec<Multiaddr>,
    /// Addresses others can reach us at, put into invite links before the listen addresses.
    pub external: Vec<Multiaddr>,
    /// Peers to keep a connection to.
    pub peers: Vec<Multiaddr>,
    /// Test switch: every gossip message is dropped, sent and received.
    pub drop_gossip: bool,
}

impl Default for NetConfig {
    fn default() -> Self {
        Self { listen: Vec::new(), external: Vec::new(), peers: Vec::new(), drop_gossip: false }
    }
}
