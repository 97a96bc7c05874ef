//! The one place that answers requests: reads and publishes, and leaves to the caller what needs the network.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use folkmoot_schemas::{Audience, Cid, Did, announce::Announce};

use super::{Failure, Reply, Request, resolve::Reading};
use crate::{
    clock::Clock,
    publish::{Me, Published},
    store::Store,
};

/// What answers are made of.
#[derive(Debug, Clone, Copy)]
pub struct Desk<'a> {
    pub store: &'a Store,
    pub me: &'a Me,
    pub clock: &'a Clock,
    /// The home folder.
    pub dir: &'a Path,
    pub live: &'a Live,
}

/// What only a running node knows, as it is at this moment. The default: no node runs.
#[derive(Debug, Clone, Default)]
pub struct Live {
    pub running: bool,
    pub peer_id: Option<String>,
    /// Ours, as others may reach them, with `/p2p/`; the likeliest first.
    pub addresses: Vec<String>,
    pub peers: Vec<LivePeer>,
    /// Kept by configuration, besides those kept in the store.
    pub configured: Vec<String>,
    pub held_by: BTreeMap<Cid, u32>,
    /// Per community, whose connected nodes said that they hold all we hold.
    pub holders: BTreeMap<Cid, BTreeSet<Did>>,
    /// Devices of this person that said hello by an identity document which lost, and their names.
    pub apart: BTreeMap<Did, String>,
    /// Where our gateway listens.
    pub http: Option<String>,
    /// Where others see it.
    pub public_url: Option<String>,
    pub uptime_s: u64,
    pub counters: BTreeMap<String, u64>,
}

/// A connected peer, and the person who proved to be behind it, on which device.
#[derive(Debug, Clone)]
pub struct LivePeer {
    pub peer_id: String,
    pub addr: String,
    pub did: Option<Did>,
    pub device: Option<Did>,
    /// Connected since, microseconds.
    pub since: u64,
}

/// What the network has to be told after a request.
#[derive(Debug)]
pub enum News {
    Announce(Cid, Audience, Announce),
    /// A community was founded here.
    Added(Cid),
    /// An address is to be kept a connection to.
    Dial(String),
    /// Something may be had from whoever is connected.
    Wanted,
}

#[derive(Debug)]
pub struct Outcome {
    pub reply: Reply,
    pub news: Vec<News>,
}

impl From<Reply> for Outcome {
    fn from(reply: Reply) -> Self {
        Self { reply, news: Vec::new() }
    }
}

impl Outcome {
    pub(super) fn and(mut self, news: News) -> Self {
        self.news.push(news);
        self
    }
    pub(super) fn publishing(reply: Reply, community: Cid, published: Published) -> Self {
        let news = published.announces.into_iter().map(|(audience, a)| News::Announce(community, audience, a));
        Self { reply, news: news.collect() }
    }
}

pub(super) type Answer = Result<Outcome, Failure>;

/// Answers a request from the store. `Join` and `Sync` need a network: a running node answers them itself.
pub fn handle(desk: &Desk<'_>, request: Request) -> Outcome {
    answer(desk, request).unwrap_or_else(|failure| Reply::Failed(failure).into())
}

fn answer(desk: &Desk<'_>, request: Request) -> Answer {
    let reading = Reading::new(desk)?;
    match request {
        Request::Whoami => reading.whoami(),
        Request::Communities => Ok(Reply::Communities(reading.infos()?).into()),
        Request::Found { name, public, describe } => reading.found(&name, public, describe),
        Request::Describe { community, describe } => reading.describe(community.as_deref(), describe),
        Request::Invite { community, role, uses, expires_s } => {
            reading.invite(community.as_deref(), role, uses, expires_s)
        }
        Request::Invites { community } => reading.invites(community.as_deref()),
        Request::CloseInvite { community, invite } => reading.close_invite(community.as_deref(), &invite),
        Request::Members { community } => reading.members(community.as_deref()),
        Request::Publish { community, drafts } => reading.publish(community.as_deref(), drafts),
        Request::Delete { target, community } => reading.delete(&target, community.as_deref()),
        Request::Get { target, community } => reading.get(&target, community.as_deref()),
        Request::List { community, collection, before, limit } => {
            reading.list(community.as_deref(), &collection, before, limit)
        }
        Request::About { target, community, collection } => reading.about(&target, community.as_deref(), &collection),
        Request::Events { community, from, to, limit } => reading.events(community.as_deref(), from..to, limit),
        Request::Answers { target, community, occurrence } => {
            reading.answers(&target, community.as_deref(), occurrence.as_deref())
        }
        Request::Votes { target, community } => reading.votes(&target, community.as_deref()),
        Request::Admit { target, community, occurrence, who, guest, admit } => {
            reading.admit((&target, community.as_deref()), occurrence.as_deref(), (&who, guest), admit)
        }
        Request::Reach { target, community } => reading.reach(&target, community.as_deref()),
        Request::Status => Ok(Reply::Status(Box::new(reading.status()?)).into()),
        Request::PeerAdd { addr } => reading.peer_add(&addr),
        Request::PeerList => reading.peer_list(),
        Request::PeerRemove { addr } => reading.peer_remove(&addr),
        Request::Backup { file } => reading.backup(&file),
        Request::Export { what, community, public, path } => reading.export(what, community.as_deref(), public, &path),
        Request::Holding { community } => reading.holding(&community),
        Request::Take { batch } => reading.take(batch),
        Request::Proof { target, community } => reading.proof(&target, community.as_deref()),
        Request::AddFile { bytes } => reading.add_file(bytes),
        Request::Devices => reading.devices(),
        Request::Succeed { identity, until } => reading.succeed(&identity, until),
        Request::PinAdd { target, community, name } => reading.pin_add(&target, community.as_deref(), name.as_deref()),
        Request::PinRemove { target, community } => reading.pin_remove(&target, community.as_deref()),
        Request::Pins => reading.pin_list(),
        Request::Sweep { dry_run } => reading.sweep(dry_run),
        Request::Member { community, who } => reading.member(community.as_deref(), &who),
        Request::RemoveMember { community, who, reason } => reading.remove_member(community.as_deref(), &who, reason),
        Request::Readmit { community, who, role, was } => {
            reading.readmit(community.as_deref(), &who, role, was.as_deref())
        }
        Request::Leave { community } => reading.leave(community.as_deref()),
        Request::Doctor => Ok(Reply::Checkup(reading.checkup()?).into()),
        Request::Dismiss { until } => {
            desk.store.dismiss_notices(until)?;
            Ok(Reply::Done.into())
        }
        Request::Agenda { community, from, to } => reading.agenda(community.as_deref(), from..to),
        Request::Inbox { community, all, limit } => reading.inbox(community.as_deref(), all, limit),
        Request::MarkRead { items } => reading.mark_read(&items),
        Request::History { target, community } => reading.history(&target, community.as_deref()),
        Request::Join { .. } | Request::Sync { .. } => {
            Err(Failure::network("no node is running").hint("start one with `moot serve`"))
        }
    }
}
