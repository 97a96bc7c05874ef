//! Every limit, in one place. Sizes in bytes unless said otherwise. Printed by `moot limits`.
//!
//! The list below declares each constant together with its row of the table, so what is printed is what is enforced.
//! Limits that decide whether bytes are valid never depend on configuration; quotas and rates are local and only delay.

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
    TABLE
}

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $value:expr, $label:literal, $unit:literal, $beyond:literal;)*) => {
        $($(#[$doc])* pub const $name: $type = $value;)*
        const TABLE: &[Limit] =
            &[$(Limit { name: $label, value: $name as u64, unit: $unit, beyond: $beyond }),*];
    };
}

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

limits! {
    RECORD: usize = 64 * KIB, "record", "bytes", "refused";
    POST: usize = 24 * KIB, "post", "bytes", "hidden";
    RSVP: usize = 4 * KIB, "RSVP", "bytes", "hidden";
    PROFILE: usize = 4 * KIB, "profile", "bytes", "hidden";
    POST_TEXT: usize = 5_000, "text of a post", "characters", "refused here, hidden from elsewhere";
    POST_TITLE: usize = 200, "headline of a post", "characters", "refused here, hidden from elsewhere";
    POST_IMAGES: usize = 4, "pictures of a post", "pictures", "refused here, hidden from elsewhere";
    MENTIONS: usize = 10, "people mentioned in a post", "people", "refused here, hidden from elsewhere";
    TAGS: usize = 10, "tags of a post or event", "tags", "refused here, hidden from elsewhere";
    TAG: usize = 40, "length of a tag", "characters", "refused here, hidden from elsewhere";
    WEB_LINK: usize = 2_000, "web address", "characters", "refused here, hidden from elsewhere";
    EVENT_NAME: usize = 200, "name of an event or place", "characters", "refused here, hidden from elsewhere";
    EVENT_SUMMARY: usize = 280, "summary of an event", "characters", "refused here, hidden from elsewhere";
    EVENT_TEXT: usize = 10_000, "text of an event", "characters", "refused here, hidden from elsewhere";
    /// On a cancelled or changed event, and on one date of a series.
    EVENT_NOTE: usize = 280, "note on a cancelled or changed event", "characters", "refused here, hidden from elsewhere";
    EVENT_CONTACT: usize = 300, "contact of an event", "characters", "refused here, hidden from elsewhere";
    EVENT_PLACES: usize = 5, "places of an event", "places", "refused here, hidden from elsewhere";
    EVENT_CHANGES: usize = 100, "single dates changed in a series", "dates", "refused here, hidden from elsewhere";
    VENUE: usize = 8 * KIB, "venue", "bytes", "hidden";
    VENUE_NAMES: usize = 10, "other names of a venue, and other records of it", "entries", "refused here, hidden from elsewhere";
    POLL: usize = 16 * KIB, "poll", "bytes", "hidden";
    VOTE: usize = 8 * KIB, "vote", "bytes", "hidden";
    POLL_OPTION: usize = 100, "option of a poll", "characters", "refused here, hidden from elsewhere";
    RSVP_NOTE: usize = 500, "note on an answer", "characters", "refused here, hidden from elsewhere";
    PERSON_NAME: usize = 64, "name of a person or host", "characters", "refused here, hidden from elsewhere";
    PROFILE_ABOUT: usize = 500, "about in a profile", "characters", "refused here, hidden from elsewhere";
    COMMUNITY_NAME: usize = 64, "name of a community", "characters", "refused";
    COMMUNITY_ABOUT: usize = 2_000, "about of a community", "characters", "refused";
    COMMUNITY_RULES: usize = 5_000, "rules of a community", "characters", "refused";
    COMMIT: usize = 8 * KIB, "commit", "bytes", "refused";
    ROSTER_OP: usize = 8 * KIB, "roster operation", "bytes", "refused";
    ROSTER_DEPS: usize = 64, "heads named by a roster operation", "links", "refused; merge first";
    /// Of somebody who is put out or leaves; more would not fit into an operation.
    CUT: usize = 32, "repositories kept of who is out", "repositories", "refused";
    REMOVE_REASON: usize = 280, "reason of a removal", "characters", "refused";
    INVITE_USES: u32 = 128, "uses of an invite", "joins", "refused";
    CHARTER: usize = 8 * KIB, "charter", "bytes", "refused";
    IDENTITY: usize = 16 * KIB, "identity", "bytes", "refused";
    DEVICES: usize = 32, "devices of a person", "devices", "refused";
    DEVICE_NAME: usize = 64, "name of a device", "characters", "refused";
    MST_NODE: usize = 64 * KIB, "tree node", "bytes", "refused";
    MST_ENTRIES: usize = 256, "entries of a tree node", "entries", "refused";
    MST_DEPTH: usize = 32, "levels of a tree", "levels", "refused";
    /// Collection, slash and key.
    PATH: usize = 512, "path of a record", "bytes", "refused";
    BLOB_ACCEPTED: usize = 2 * MIB, "file block from elsewhere", "bytes", "refused";
    CBOR_DEPTH: usize = 32, "nesting of lists and maps", "levels", "refused";
    /// ±(2^53 − 1): what every language holds exactly.
    INTEGER: i64 = (1 << 53) - 1, "integer, either sign", "", "refused";
    SNAPSHOT: usize = MIB, "snapshot", "bytes", "refused";
    LINK: usize = 2 * KIB, "invite link", "bytes", "refused";
    /// A device is told its person's whole identity document.
    WELCOME: usize = 24 * KIB, "welcome of a device", "bytes", "refused";
    LINK_ADDRS: usize = 8, "addresses in an invite link", "addresses", "refused";
    WHEREABOUTS: usize = 2 * KIB, "where a device's node can be reached", "bytes", "refused";
    WHEREABOUTS_ADDRS: usize = 8, "addresses of a device's node", "addresses", "refused";
    ADDRESS: usize = 160, "address of a device's node", "bytes", "refused";
    PEER_ID: usize = 64, "peer id as text", "characters", "refused";
    ANNOUNCE: usize = 16 * KIB, "announcement", "bytes", "refused";
    /// Records travel inside an announcement while they fit in this.
    ANNOUNCE_INLINE: usize = 8 * KIB, "records inside an announcement", "bytes", "fetched by a pull";
    FRAME: usize = 8 * MIB, "sync frame", "bytes", "stream closed";
    PULL_ANSWER: usize = 8 * MIB, "answer to a pull", "bytes", "continued by another pull";
    CAR_HEADER: usize = MIB, "header of an archive", "bytes", "refused";
    CALENDAR_FILE: usize = 16 * MIB, "calendar file that is imported", "bytes", "refused";
    /// Single dates made of rules, and answers and cancellations by mail as well.
    CALENDAR_EVENTS: usize = 10_000, "events imported at once", "events", "refused";
    /// In the home, of one community, see `imports/` in docs/format.md.
    CALENDAR_MEMORY: usize = 32 * MIB, "what imports of calendars remember", "bytes", "the oldest goes";
    CALENDAR_GUESTS: usize = 20_000, "guests by mail that imports of calendars remember", "guests", "the oldest go";
    CALENDAR_CALLED_OFF: usize = 1_000, "early cancellations that imports of calendars remember", "cancellations", "the oldest goes";
    CALENDAR_MADE: usize = 50_000, "events that imports of calendars remember", "events", "what was over first goes";
    CAR_IMPORT: u64 = 4 << 30, "imported archive", "bytes", "refused";
    /// What finding them again takes in memory follows from it: 24 bytes each.
    CAR_BLOCKS: usize = 8_000_000, "blocks of an imported archive", "blocks", "refused";
    CAR_STRUCTURES: usize = 64 * MIB, "commits, rosters and identities of an imported archive", "bytes", "refused";
    /// Charter, operations and identities that go with the proof of one record.
    CAR_PROOF_ROSTER: usize = MIB, "roster beside the proof of a record", "bytes", "left out";
    CAR_PROOF: usize = 8 * MIB, "proof of a record from a web page", "bytes", "refused";
    /// Where the settings name no other. Each block of a person counts once; what is on its way counts too.
    QUOTA_MEMBER: u64 = 256 << 20, "what a member may fill here, unless set", "bytes", "put off";
    QUOTA_COMMUNITY: u64 = 4 << 30, "what a community may fill here, unless set", "bytes", "put off";
    /// A pinned file may link ever more; the largest block there may be still has to fit.
    QUOTA_PIN: u64 = 4 << 30, "what is fetched for a pin, unless set", "bytes", "fetched no further";
    /// What changed since one of them is answered in brief; since any other, with everything.
    PAST: usize = 4096, "earlier heads remembered of a repository", "heads", "the oldest goes";
    /// And no longer than 90 days, and as long as the member's quota has room.
    VERSIONS: usize = 32, "older versions kept of a record", "versions", "the oldest goes";
    /// States of a device that its later ones left out, kept for 30 days to be put back.
    LOST_HEADS: usize = 4, "lost states kept of a repository", "states", "the oldest goes";
    LOST_HEADS_MEMBER: usize = 16, "lost states kept of a member", "states", "the oldest goes";
    /// With anything else that is asked for, it has to fit one answer.
    LOST_HEAD: usize = 6 * MIB, "records kept of a lost state", "bytes", "left out";
    LOST_MEMBER: u64 = 64 << 20, "lost states kept of a member, files included", "bytes", "the oldest goes";
    /// Of a record of one's own other device. Later than that, no commit above it could be newer some day.
    CLOCK_AHEAD: u64 = 86_400, "how far ahead of this clock one's own device may date", "seconds", "not taken over, not replaced";
    GOSSIP_BURST: u32 = 60, "announcements of a member at once", "announcements", "ignored; a pull brings them";
    GOSSIP_PER_MINUTE: u32 = 10, "announcements of a member after that", "per minute", "ignored; a pull brings them";
    GOSSIP_TOPICS: usize = 256, "gossip topics of a peer", "topics", "ignored";
    /// Each is at most [`WHEREABOUTS`] long; beyond it the oldest of whoever has the most.
    NODES_KNOWN: usize = 512, "members' nodes whose addresses are known", "nodes", "the oldest goes";
    NODES_ASIDE: usize = 64, "addresses of nodes whose member is not known yet", "nodes", "the oldest goes";
    NODES_ASIDE_OF: usize = 16, "of them, told by one peer", "nodes", "its oldest goes";
    NODE_CHANGE: u64 = 30, "time between two changes of where a device's node is", "seconds", "the newest waits";
    NODE_AHEAD: u64 = 10 * 60, "time that what a device says of its node is dated ahead", "seconds", "ignored";
    NODE_FORGOTTEN: u64 = 30 * 86_400, "a node that was not reached and said nothing for so long", "seconds", "forgotten";
    REACHED_ADDRS: usize = 4, "addresses at which a node was reached", "addresses", "the oldest goes";
    NODE_ROWS: usize = 2, "nodes of one device that are remembered where they were reached", "nodes", "the oldest goes";
    SAID_DIALLED: u32 = 64, "addresses dialled because devices of one person said them", "addresses an hour", "dialled later";
    MEMBERS_WANTED: usize = 12, "members to be connected to", "people", "one more a minute";
    MEMBERS_MOST: usize = 32, "members that are called by ourselves", "people", "not dialled";
    MEMBER_NODES: usize = 2, "nodes of one member that are called by ourselves", "connections", "not dialled";
    DIALS_AT_ONCE: usize = 16, "addresses being dialled at once", "addresses", "dialled later";
    CONNECTIONS: u32 = 128, "connections", "connections", "refused";
    CONNECTIONS_IN: u32 = 96, "incoming connections", "connections", "refused";
    CONNECTIONS_FREE: usize = 64, "incoming connections, before a member's further nodes are let go", "connections", "closed";
    CONNECTIONS_OUT: u32 = 64, "outgoing connections", "connections", "not dialled";
    CONNECTIONS_PER_PEER: u32 = 2, "connections with one peer", "connections", "refused";
    CONNECTIONS_PER_IP: u32 = 8, "connections with one public address", "connections", "refused";
    /// Memory of the whole process, above which no connection is accepted or made.
    CONNECTION_MEMORY: usize = 256 * MIB, "memory in use when connecting", "bytes", "no new connections";
    YAMUX_STREAMS: usize = 64, "streams of a connection", "streams", "refused";
    /// Yamux reserves 256 KiB for each stream it allows, so 64 streams cannot have less.
    YAMUX_WINDOW: usize = 16 * MIB, "receive window of a connection", "bytes", "the sender waits";
    /// Also what deletions and recovery need to be written at all.
    DISK_RESERVE: u64 = 64 << 20, "space left on the disk", "bytes", "nothing more is stored; reading goes on";
    /// The database's own default is 1 GiB.
    STORE_CACHE: usize = 32 * MIB, "cache of the store", "bytes", "read again from disk";
}
