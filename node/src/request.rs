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

use std::collections::BTreeMap;

use folkmoot_schemas::records::revision::Right;
use serde::{Deserialize, Serialize};

pub use agenda::{AgendaDate, AgendaInfo, BirthdayInfo};
pub use archive::{ExportedInfo, Exports, HeldInfo, ProofInfo, TakenInfo, WireBatch, WireUpdate};
pub(crate) use failure::could_not;
pub use handle::{Desk, Live, LivePeer, News, Outcome, handle};
pub use inbox::{InboxAnswer, InboxEvent, InboxInfo, InboxItem};
pub use keeping::{DeferredInfo, FillInfo, Keeping, MemberFill, PinInfo, PinsInfo, QuotaInfo, SweptInfo};
pub(crate) use peers::{ADDRESSES, PEER, multiaddr};
pub(crate) use resolve::Reading;

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

/// A record in its block form (with any `rev`; publishing sets the real one).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WireDraft {
    pub rkey: Option<String>,
    pub members_only: bool,
    #[serde(with = "serde_bytes")]
    pub record: Vec<u8>,
    pub again: bool,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// The person can mend it: exit 1.
    Refused,
    /// No node or peer reachable: exit 3.
    Network,
    /// Our fault: exit 4.
    Bug,
}

/// One sentence, the cause in detail lines, one next step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    pub kind: FailureKind,
    pub message: String,
    pub detail: Vec<String>,
    pub hint: Option<String>,
}

impl Failure {
    pub fn refused(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Refused, message: message.into(), detail: Vec::new(), hint: None }
    }
    pub fn network(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Network, message: message.into(), detail: Vec::new(), hint: None }
    }
    pub fn bug(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Bug, message: message.into(), detail: Vec::new(), hint: None }
    }
    pub fn because(mut self, line: impl Into<String>) -> Self {
        self.detail.push(line.into());
        self
    }
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Whoami {
    pub did: String,
    pub device: String,
    pub device_name: String,
    pub name: Option<String>,
    pub home: String,
    pub peer_id: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Devices {
    /// The newest identity document known here, its exact bytes.
    #[serde(with = "serde_bytes")]
    pub identity: Vec<u8>,
    pub devices: Vec<DeviceInfo>,
    /// Communities the person is a member of, and addresses at which a further device finds them.
    pub communities: Vec<String>,
    pub addresses: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeviceInfo {
    pub key: String,
    pub name: String,
    /// Seconds since 1970.
    pub added: i64,
    /// When it last wrote something that is here.
    pub wrote: Option<i64>,
    pub records: u64,
    pub this: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Succeeded {
    /// Names of the devices that are this person's no more.
    pub retired: Vec<String>,
    /// Records taken over from them.
    pub adopted: u64,
    /// Records that were not: dated far ahead, or written or changed after the theft.
    pub left: u64,
    /// Not all that was written before the theft was seen here in time: of that, only the dates could be judged.
    pub unseen: bool,
    /// Names of the communities whose rosters say so now; others hear of it when they come here.
    pub told: Vec<String>,
    pub sent: bool,
}

impl Succeeded {
    pub fn of(done: &crate::publish::Succeeded, sent: bool) -> Self {
        Self {
            retired: done.retired.iter().map(|device| device.name.clone()).collect(),
            adopted: done.adopted,
            left: done.left,
            unseen: done.unseen,
            told: done.told.clone(),
            sent,
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CommunityInfo {
    pub name: String,
    pub cid: String,
    pub public: bool,
    pub members: u64,
    /// In the scope this home may see.
    pub records: u64,
    /// `steward`, `moderator`, `member`, `guest`; None: not a member.
    pub role: Option<String>,
    pub describe: folkmoot_schemas::roster::Describe,
    /// Snapshot CID of the public audience; None for a members community.
    pub snapshot: Option<String>,
    /// None for strangers.
    pub snapshot_members: Option<String>,
    pub complete: bool,
    /// Peers that said they hold the same.
    pub held_by: u32,
    /// A join of ours no roster holds yet, or `awaited`.
    pub pending: bool,
    /// We are a member by what another device of ours said, and nothing of it is here yet.
    #[serde(default)]
    pub awaited: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InviteInfo {
    pub cid: String,
    pub community: String,
    pub community_name: String,
    pub role: String,
    pub uses: u32,
    pub used: u32,
    /// Seconds since 1970.
    pub expires: Option<i64>,
    pub closed: bool,
    /// Only when this home holds the seed.
    pub link: Option<String>,
    pub by: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MemberInfo {
    pub did: String,
    pub name: String,
    pub role: String,
    /// Seconds since 1970.
    pub since: i64,
    pub by: String,
    pub devices: u32,
    /// did:keys of them, by the newest identity document here.
    #[serde(default)]
    pub device_keys: Vec<String>,
    pub me: bool,
    /// Earlier dids of the same person, as a steward said.
    pub formerly: Vec<String>,
    /// Of somebody who was put out or left: when, by whom (they themselves when they left), why.
    pub out: Option<OutInfo>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OutInfo {
    /// Seconds since 1970.
    pub since: i64,
    pub by: String,
    pub left: bool,
    pub reason: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PublishedInfo {
    pub uri: String,
    pub short: String,
    pub cid: String,
    pub rev: String,
    pub community: String,
    pub community_name: String,
    pub existed: bool,
    /// A node runs and has announced it (or has it queued for its peers).
    pub sent: bool,
    /// Page on our own gateway, when one runs and the record is public.
    pub url: Option<String>,
}

/// A record with what lists show. `block` are its exact bytes: `Record::open` gives the typed view.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Item {
    /// Of an answer that does not say whose it is, the short id: `did` and `device` are empty then.
    pub uri: String,
    pub short: String,
    pub cid: String,
    pub rev: String,
    pub community: String,
    pub community_name: String,
    pub did: String,
    pub author: String,
    pub device: String,
    pub audience: String,
    /// Microseconds since 1970.
    pub created: u64,
    pub updated: u64,
    pub fault: Option<String>,
    #[serde(with = "serde_bytes")]
    pub block: Vec<u8>,
    pub url: Option<String>,
    /// It is gone elsewhere; a pin keeps this last version here.
    pub kept: bool,
    /// Of an event: who changed it besides its author since its newest version, the last one first.
    #[serde(default)]
    pub revised: Vec<RevisedInfo>,
    /// The record as it is to be shown, where that is not what `block` says.
    #[serde(default, with = "serde_bytes")]
    pub shown: Option<Vec<u8>>,
    /// What this home's person may change of it. None: nothing.
    #[serde(default)]
    pub may: Option<May>,
}

impl Item {
    /// The bytes of the record as it is to be shown.
    pub fn record(&self) -> &[u8] {
        self.shown.as_ref().unwrap_or(&self.block)
    }

    /// CID of the version that is shown: what an answer to an event has seen.
    pub fn shown_cid(&self) -> &str {
        self.revised.first().map_or(&self.cid, |last| &last.cid)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum May {
    /// It is theirs.
    Edit,
    /// By a revision of their own.
    Revise(Right),
}

/// A change by somebody who is not the author.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RevisedInfo {
    pub uri: String,
    pub cid: String,
    pub rev: String,
    pub did: String,
    pub name: String,
    pub right: Right,
    /// Microseconds since 1970.
    pub at: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OccurrenceInfo {
    /// Index of the item in `items` is avoided: each occurrence carries its event.
    pub item: Item,
    /// `Start::text` by the rule.
    pub at: String,
    pub start: folkmoot_schemas::when::Start,
    pub from: i64,
    pub to: i64,
    pub cancelled: bool,
    pub note: Option<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct AnswersInfo {
    /// False: this home is no member there, so nothing is known.
    #[serde(default)]
    pub known: bool,
    pub going: u32,
    pub maybe: u32,
    pub interested: u32,
    pub not_going: u32,
    /// Of those going: answered to another plan than the one that stands.
    pub before_change: u32,
    /// Of those going: answered since the plan changed. 0 for one that never did.
    #[serde(default)]
    pub confirmed: u32,
    /// Of those going: answered after answers were closed.
    #[serde(default)]
    pub late: u32,
    /// As far as this home's person may see them; their own first.
    pub people: Vec<AnswerLine>,
    /// Answers that there are beyond those in `people`.
    #[serde(default)]
    pub more: usize,
    /// Where there are only so many places, or each has to be given.
    #[serde(default)]
    pub list: Option<ListInfo>,
    /// This home's person is one of the hosts.
    #[serde(default)]
    pub host: bool,
}

/// Who has a place, in numbers of people.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ListInfo {
    /// Who keeps it.
    pub keeper: String,
    /// This home's person does.
    pub mine: bool,
    pub capacity: Option<u32>,
    /// Who waits, waits until a host says yes.
    #[serde(default)]
    pub approval: bool,
    /// False: nobody has said yet who has a place.
    pub written: bool,
    pub admitted: u32,
    pub waiting: u32,
    /// No more answers fit it: who answers now has no place before somebody withdraws.
    #[serde(default)]
    pub full: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReachInfo {
    /// The version that is shown.
    pub cid: String,
    pub sequence: u32,
    /// A node runs, and so knows who is connected.
    pub running: bool,
    pub people: Vec<ReachLine>,
    /// People that there are beyond those.
    #[serde(default)]
    pub more: usize,
    /// Of all: known to have it.
    #[serde(default)]
    pub reached: usize,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReachLine {
    pub did: String,
    pub name: String,
    /// False: it is not known.
    pub has: bool,
    /// `here` (it is us), `answered` (since it changed), `connected` (their node says it holds all we hold).
    pub how: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AnswerLine {
    pub did: String,
    pub name: String,
    pub guest: Option<String>,
    pub status: String,
    pub count: u32,
    /// For hosts, and for who wrote it.
    pub note: Option<String>,
    pub before_change: bool,
    pub me: bool,
    #[serde(default)]
    pub late: bool,
    /// Answered since the plan changed.
    #[serde(default)]
    pub confirmed: bool,
    /// `admitted`, `waiting`, `declined`, `open` (not on the list); None: no list is kept.
    #[serde(default)]
    pub place: Option<String>,
    /// How many of them have a place.
    #[serde(default)]
    pub places: Option<u32>,
    /// On the waiting list, from 1.
    #[serde(default)]
    pub number: Option<u32>,
    /// Of one's own that were given as answers (a vote is none): who may see the name.
    #[serde(default)]
    pub show: Option<folkmoot_schemas::records::rsvp::ShowName>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VotesInfo {
    /// The poll.
    pub item: Item,
    /// As its author settled it, else of the votes that are here.
    pub tally: folkmoot_schemas::records::poll::Tally,
    pub people: Vec<VoteLine>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VoteLine {
    pub did: String,
    pub name: String,
    pub me: bool,
    /// Dated after the end of voting.
    pub late: bool,
    pub counts: bool,
    pub choices: Vec<folkmoot_schemas::records::vote::Chosen>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Status {
    pub running: bool,
    pub did: String,
    pub peers: u32,
    pub communities: Vec<CommunityInfo>,
    pub store_bytes: u64,
    pub store_blocks: u64,
    /// The disk takes no writes: nothing is stored until it does.
    pub read_only: bool,
    pub uptime_s: u64,
    pub listen: Vec<String>,
    /// `http://127.0.0.1:4780`
    pub http: Option<String>,
    /// Counters of the network: what was dropped, refused, pulled.
    pub counters: BTreeMap<String, u64>,
    /// Pins, quotas, and what they put off.
    pub keeping: Keeping,
    /// What the person has not been told yet, oldest first.
    #[serde(default)]
    pub notices: Vec<NoticeInfo>,
    /// None: no hook is set.
    #[serde(default)]
    pub hook: Option<HookInfo>,
}

/// The command that is given what is new.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HookInfo {
    pub command: Vec<String>,
    /// A node has seen that it is set: what comes from then on is given.
    pub began: bool,
    /// How it failed last; None once it ended well.
    pub failed: Option<String>,
    /// Microseconds since 1970.
    pub failed_at: Option<u64>,
    /// Things it was not given in the end, since it last ended well.
    pub given_up: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BackupInfo {
    pub file: String,
    pub bytes: u64,
    pub blocks: u64,
    pub communities: u64,
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

/// How a home is, and what its person should know.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Checkup {
    pub findings: Vec<Finding>,
    pub notices: Vec<NoticeInfo>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at: one word, always the same.
    pub check: String,
    pub state: Health,
    pub message: String,
    pub detail: Vec<String>,
    pub hint: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    Fine,
    /// Nothing to do, or it mends itself.
    Note,
    /// The person has to do something.
    Wrong,
}

/// Something that happened to the person's own writing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NoticeInfo {
    /// Microseconds since 1970; names the notice.
    pub at: u64,
    pub what: Told,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// Two devices wrote at one place without knowing of each other. `deleted`: what counts is a deletion.
    Overruled { item: Subject, lost: Side, won: Side, deleted: bool },
    /// One device deleted what another changed without knowing of that: it is there again.
    Revived { item: Subject, deleted: Side, won: Side },
    /// An older copy of this device's disk had been in use: what it had written in between was put back from others.
    PutBack { community_name: String, device: String, records: u32, removed: u32 },
}

/// What a notice is about.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Subject {
    pub uri: String,
    pub short: String,
    /// Kind and title, as far as they are known here.
    pub title: String,
    pub community_name: String,
}

/// A device and what it did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Side {
    pub device: String,
    /// As the identity names it, else the beginning of its key.
    pub name: String,
    pub here: bool,
    /// Microseconds since 1970, by that device's clock.
    pub at: u64,
}

/// One version of a record, proven by a commit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VersionInfo {
    pub rev: String,
    pub cid: String,
    pub by: Side,
    pub author: String,
    /// It is the one that counts.
    pub current: bool,
    /// It deletes.
    pub deleted: bool,
    /// CID of the commit that signs for it, where an older one had to be kept for that.
    pub commit: Option<String>,
    #[serde(with = "serde_bytes")]
    pub block: Vec<u8>,
    /// It is a revision of somebody else's event, by this right.
    #[serde(default)]
    pub right: Option<Right>,
}

#[cfg(test)]
mod tests;
