//! What a person can ask of a home: one enum, answered by `handle(&Store, …)` with no node running, and through the
//! control socket (versioned DAG-CBOR frames) when one runs.

mod agenda;
mod answers;
mod archive;
mod backup;
mod communities;
mod devices;
mod doctor;
mod events;
mod failure;
mod handle;
mod history;
mod hook;
mod inbox;
mod keeping;
mod members;
mod peers;
mod records;
mod resolve;
mod status;
mod title;
mod veil;
mod votes;

use serde::{Deserialize, Serialize};

pub use agenda::{AgendaDate, AgendaInfo, BirthdayInfo};
pub use answers::{AnswerLine, AnswersInfo, ListInfo, ReachInfo, ReachLine};
pub use archive::{ExportedInfo, Exports, HeldInfo, ProofInfo, TakenInfo, WireBatch, WireUpdate};
pub use backup::BackupInfo;
pub use communities::{CommunityInfo, InviteInfo};
pub use devices::{DeviceInfo, Devices, Succeeded};
pub use doctor::{Checkup, Finding, Health, NoticeInfo, Side, Subject, Told};
pub use events::OccurrenceInfo;
pub use failure::{Failure, FailureKind, could_not};
pub use handle::{Desk, Live, LivePeer, News, Outcome, handle};
pub use history::VersionInfo;
pub use hook::HookInfo;
pub use inbox::{InboxAnswer, InboxEvent, InboxInfo, InboxItem};
pub use keeping::{DeferredInfo, FillInfo, Keeping, MemberFill, PinInfo, PinsInfo, QuotaInfo, SweptInfo};
pub use members::{MemberInfo, OutInfo};
pub(crate) use peers::{ADDRESSES, PEER, multiaddr};
pub use records::{Item, May, PublishedInfo, RevisedInfo, WireDraft};
pub(crate) use resolve::Reading;
pub use status::{Status, Whoami};
pub use votes::{VoteLine, VotesInfo};

/// Texts are forgiving (`community`: name, CID or beginning; `target`: URI, CID, gateway URL, short id, title); the answer is exact.
/// `community: None` means: the only one, else the home's default, else a refusal that lists them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Request {
    Whoami,
    Communities,
    Found {
        name: String,
        public: bool,
        describe: folkmoot_schemas::roster::Describe,
    },
    Describe {
        community: Option<String>,
        describe: folkmoot_schemas::roster::Describe,
    },
    Invite {
        community: Option<String>,
        role: folkmoot_schemas::roster::Role,
        uses: u32,
        expires_s: Option<u64>,
    },
    Invites {
        community: Option<String>,
    },
    CloseInvite {
        community: Option<String>,
        invite: String,
    },
    Members {
        community: Option<String>,
    },
    /// `via`: addresses to try besides the link's. Network: handled by a running node.
    Join {
        link: String,
        via: Vec<String>,
    },
    Publish {
        community: Option<String>,
        drafts: Vec<WireDraft>,
    },
    Delete {
        target: String,
        community: Option<String>,
    },
    Get {
        target: String,
        community: Option<String>,
    },
    /// Newest first. `collection` e.g. `org.folkmoot.post`; community None: all communities.
    List {
        community: Option<String>,
        collection: String,
        before: Option<(u64, String)>,
        limit: u32,
    },
    About {
        target: String,
        community: Option<String>,
        collection: String,
    },
    /// Seconds since 1970; community None: all communities.
    Events {
        community: Option<String>,
        from: i64,
        to: i64,
        limit: u32,
    },
    Answers {
        target: String,
        community: Option<String>,
        occurrence: Option<String>,
    },
    /// Whoever keeps the list gives `who` (or their guest) a place, or declines.
    Admit {
        target: String,
        community: Option<String>,
        occurrence: Option<String>,
        who: String,
        guest: Option<String>,
        admit: bool,
    },
    /// Who of those who answered holds the newest version of an event.
    Reach {
        target: String,
        community: Option<String>,
    },
    /// Votes in a poll.
    Votes {
        target: String,
        community: Option<String>,
    },
    Status,
    PeerAdd {
        addr: String,
    },
    PeerList,
    PeerRemove {
        addr: String,
    },
    /// Network: bring communities up to date now; answers when done or after `wait_s`.
    Sync {
        via: Vec<String>,
        wait_s: u32,
    },
    /// A copy of the home without its keys, written by whoever holds the store. An absolute path.
    Backup {
        file: String,
    },
    /// Writes an archive to a new file; `path` is absolute. `public`: only what anybody may see.
    Export {
        what: Exports,
        community: Option<String>,
        public: bool,
        path: String,
    },
    /// What is held of a community, for an import.
    Holding {
        community: folkmoot_schemas::Cid,
    },
    /// A portion of an archive, judged like what the network brings.
    Take {
        batch: WireBatch,
    },
    /// A record with the archive that proves it.
    Proof {
        target: String,
        community: Option<String>,
    },
    /// Which devices are this person's.
    Devices,
    /// A file that a record is to link; without one it goes after a day.
    AddFile {
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
    },
    /// Takes a new identity document, signed by the root key, into use on this device.
    Succeed {
        #[serde(with = "serde_bytes")]
        identity: Vec<u8>,
        /// Of what dropped devices wrote, nothing newer is taken over: microseconds since 1970.
        until: Option<u64>,
    },
    PinAdd {
        target: String,
        community: Option<String>,
        name: Option<String>,
    },
    /// `target` may be the pin's name.
    PinRemove {
        target: String,
        community: Option<String>,
    },
    Pins,
    Sweep {
        dry_run: bool,
    },
    /// Whom a text means of those who belong or belonged to the community: by name, did, or its end.
    Member {
        community: Option<String>,
        who: String,
    },
    /// `who` as for `Member`.
    RemoveMember {
        community: Option<String>,
        who: String,
        reason: Option<String>,
    },
    /// `who`: somebody who is out; with `was` (somebody who is out), the did under which that person comes back.
    Readmit {
        community: Option<String>,
        who: String,
        role: folkmoot_schemas::roster::Role,
        was: Option<String>,
    },
    Leave {
        community: Option<String>,
    },
    /// What the person should know or mend.
    Doctor,
    /// They know; `until`: time of the newest notice they were shown.
    Dismiss {
        until: u64,
    },
    /// What is ahead of the person, in a window of seconds since 1970. Community None: all communities.
    Agenda {
        community: Option<String>,
        from: i64,
        to: i64,
    },
    /// What the person should hear of; `all`: also what was read. Community None: all communities.
    Inbox {
        community: Option<String>,
        all: bool,
        limit: u32,
    },
    /// `items`: id and stamp of what was shown.
    MarkRead {
        items: Vec<(String, u64)>,
    },
    /// The versions of a record.
    History {
        target: String,
        community: Option<String>,
    },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Reply {
    Whoami(Whoami),
    Communities(Vec<CommunityInfo>),
    Community(CommunityInfo),
    Invite(InviteInfo),
    Invites(Vec<InviteInfo>),
    Members(Vec<MemberInfo>),
    Joined {
        community: CommunityInfo,
        complete: bool,
        already: bool,
    },
    Published(Vec<PublishedInfo>),
    Deleted {
        uri: String,
        sent: bool,
    },
    Item(Item),
    Items(Vec<Item>),
    Occurrences {
        items: Vec<OccurrenceInfo>,
        cut: bool,
    },
    Answers(AnswersInfo),
    Votes(VotesInfo),
    Reach(ReachInfo),
    Status(Box<Status>),
    Peers(Vec<PeerInfo>),
    Synced {
        peers: u32,
        complete: bool,
        communities: Vec<CommunityInfo>,
    },
    Done,
    Failed(Failure),
    BackedUp(BackupInfo),
    Exported(ExportedInfo),
    Holding(Option<HeldInfo>),
    Taken(TakenInfo),
    Proof(Box<ProofInfo>),
    #[serde(with = "folkmoot_schemas::block::cid_text")]
    FileAdded(folkmoot_schemas::Cid),
    Devices(Devices),
    Succeeded(Succeeded),
    /// `fresh` false: it was pinned already.
    Pinned {
        pin: PinInfo,
        fresh: bool,
    },
    Pins(Vec<PinInfo>),
    Swept(SweptInfo),
    Member(MemberInfo),
    Checkup(Checkup),
    Agenda(Box<AgendaInfo>),
    Inbox(InboxInfo),
    History {
        item: Subject,
        versions: Vec<VersionInfo>,
    },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PeerInfo {
    pub peer_id: Option<String>,
    /// Where it is reached, or where it is tried first.
    pub addr: String,
    /// All that are known, without the peer id; empty where `addr` is all.
    pub addrs: Vec<String>,
    pub connected: bool,
    /// Named by a person and dialled until it answers.
    pub kept: bool,
    pub did: Option<String>,
    pub name: Option<String>,
    pub device: Option<String>,
    pub device_name: Option<String>,
    /// Connected since, or when it was last; microseconds since 1970.
    pub since: Option<u64>,
    /// When the device last said where its node is; microseconds since 1970.
    pub said: Option<u64>,
}

#[cfg(test)]
mod tests;
