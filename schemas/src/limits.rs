//! Every limit, in one place. Sizes in bytes unless said otherwise. Printed by `moot limits`.

pub const RECORD: usize = 64 * 1024;
pub const POST: usize = 24 * 1024;
pub const RSVP: usize = 4 * 1024;
pub const PROFILE: usize = 4 * 1024;
pub const COMMIT: usize = 8 * 1024;
pub const ROSTER_OP: usize = 8 * 1024;
pub const CHARTER: usize = 8 * 1024;
pub const MST_NODE: usize = 64 * 1024;
pub const MST_ENTRIES: usize = 256;
pub const MST_DEPTH: usize = 32;
pub const IDENTITY: usize = 16 * 1024;
pub const DEVICES: usize = 32;
pub const BLOB_MADE: usize = 1024 * 1024;
pub const BLOB_ACCEPTED: usize = 2 * 1024 * 1024;
pub const ANNOUNCE: usize = 16 * 1024;
pub const ANNOUNCE_INLINE: usize = 8 * 1024;
pub const CBOR_DEPTH: usize = 32;
pub const FRAME: usize = 8 * 1024 * 1024;
pub const PULL_ANSWER: usize = 8 * 1024 * 1024;
pub const SNAPSHOT: usize = 1024 * 1024;
pub const ROSTER_DEPS: usize = 64;
pub const INVITE_USES: u32 = 128;
/// ±(2^53 − 1).
pub const INTEGER: i64 = (1 << 53) - 1;

/// One row of `moot limits`.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    pub name: &'static str,
    pub value: u64,
    /// "bytes", "characters", "entries" …
    pub unit: &'static str,
    /// What happens beyond it.
    pub beyond: &'static str,
}

pub fn table() -> &'static [Limit] {
    &[]
}
pub const GOSSIP_TOPICS: usize = 256;
pub const CONNECTIONS: u32 = 128;
pub const CONNECTIONS_IN: u32 = 96;
pub const CONNECTIONS_OUT: u32 = 64;
pub const CONNECTIONS_PER_PEER: u32 = 2;
pub const CONNECTIONS_PER_IP: u32 = 8;
pub const CONNECTION_MEMORY: usize = 256 * 1024 * 1024;
pub const YAMUX_STREAMS: usize = 64;
pub const YAMUX_WINDOW: usize = 16 * 1024 * 1024;
