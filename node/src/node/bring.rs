//! The two requests that wait for the network: join a community, bring everything up to date.

use std::time::Duration;

use folkmoot_schemas::{Cid, block::Block, link::InviteLink};
use tokio::time::{Instant, timeout};

use super::{JOIN_WAIT, Node};
use crate::{
    config::Multiaddr,
    publish,
    request::{Failure, Reply, could_not},
    store::Scope,
};

/// Without any connection after this, nobody will answer.
const REACH_WAIT: Duration = Duration::from_secs(12);
/// Once every dial has failed there is nobody to wait for; so long a node that is just starting is given.
const REFUSED_WAIT: Duration = Duration::from_secs(3);
/// Who is connected and knows the community has answered by then. A node that does not admit a join says no more than
/// one that never heard of the community.
const ANSWER_WAIT: Duration = Duration::from_secs(15);
/// Longest that nobody said `same` while nothing is lacking and nothing under way: taken for done.
const SETTLE: Duration = Duration::from_secs(4);
/// Longest wait a `sync` may ask for.
const SYNC_WAIT_MOST: u32 = 3600;
/// Progress has no notices of its own; it is looked at this often besides every change of the store.
const LOOK: Duration = Duration::from_millis(100);

/// How far a join has come.
enum Joining {
    /// The roster has not said yes or no.
    Unanswered,
    /// Used up, closed, or over: the reason.
    Refused(String),
    Member {
        complete: bool,
    },
}

impl Node {
    pub(super) async fn join(&self, text: &str, via: &[String]) -> Result<Reply, Failure> {
        let mut link = InviteLink::parse(text).map_err(|why| {
            Failure::refused("this is not an invite link")
                .because(why.to_string())
                .hint("copy the whole link, from https:// or moot: to its end, and put it in quotes")
        })?;
        link.addrs.extend(parse_all(via)?.iter().map(Multiaddr::to_string));
        let community = link.community;
        if let Joining::Member { complete } = self.joining(&community, None).await? {
            return self.joined(community, complete, true).await;
        }
        let join = {
            let node = self.clone();
            self.blocking(move || {
                publish::join(&node.inner.store, &node.inner.me, &node.inner.clock, &link)
                    .map_err(could_not("join the community"))
            })
            .await?
        };
        self.inner.driver.community_added(community);
        self.inner.nudge.notify_one();

        let begun = Instant::now();
        let reach_wait = if self.has_addresses().await? { REACH_WAIT } else { Duration::ZERO };
        let (mut settled, mut connected) = (None, None);
        let mut changes = self.inner.changes.clone();
        let outcome = timeout(JOIN_WAIT, async {
            loop {
                changes.borrow_and_update();
                match self.joining(&community, Some(&join)).await? {
                    Joining::Refused(why) => return Err(used_up(&why)),
                    Joining::Member { complete: true } if self.settled(&community, &mut settled) => return Ok(true),
                    Joining::Member { .. } => {}
                    Joining::Unanswered if self.inner.net.peers().is_empty() => {
                        connected = None;
                        if self.reaches_nobody(begun, reach_wait) {
                            return Ok(false);
                        }
                    }
                    Joining::Unanswered if self.inner.driver.progress().busy => connected = None,
                    Joining::Unanswered => {
                        if connected.get_or_insert_with(Instant::now).elapsed() > ANSWER_WAIT {
                            return Ok(false);
                        }
                    }
                }
                timeout(LOOK, changes.changed()).await.ok();
            }
        })
        .await;
        match outcome {
            Ok(Ok(true)) => self.joined(community, true, false).await,
            Ok(Err(refused)) => Err(refused),
            Ok(Ok(false)) | Err(_) => match self.joining(&community, Some(&join)).await? {
                Joining::Member { complete } => self.joined(community, complete, false).await,
                Joining::Refused(why) => Err(used_up(&why)),
                Joining::Unanswered if self.inner.net.peers().is_empty() => {
                    Err(Failure::network("could not join yet: none of the community's nodes can be reached")
                        .because("the join is kept and tried again by `moot serve`")
                        .hint("give the address of another node of the community with --via"))
                }
                Joining::Unanswered => Err(Failure::refused("the community's nodes do not admit this invite link")
                    .because("it may be used up, closed or over; a node that has not heard of it yet answers the same")
                    .hint("ask for a new link; until then `moot serve` keeps trying this one")),
            },
        }
    }

    async fn joined(&self, community: Cid, complete: bool, already: bool) -> Result<Reply, Failure> {
        let node = self.clone();
        let community = self.blocking(move || node.info(&community)).await?;
        Ok(Reply::Joined { community, complete, already })
    }

    /// What our store says of a join.
    async fn joining(&self, community: &Cid, join: Option<&Block>) -> Result<Joining, Failure> {
        let (node, community, join) = (self.clone(), *community, join.cloned());
        self.blocking(move || {
            let view = node.inner.store.view(Scope::Members)?;
            let Some(known) = view.community(&community)? else { return Ok(Joining::Unanswered) };
            if known.state.is_member(&node.inner.me.did) {
                return Ok(Joining::Member { complete: view.complete(&community)? });
            }
            let Some(join) = join else { return Ok(Joining::Unanswered) };
            if let Some(why) = known.state.void.get(join.cid()) {
                return Ok(Joining::Refused(why.clone()));
            }
            let op = folkmoot_schemas::roster::Op::view(&join)?;
            let invite = op.deps.first().and_then(|invite| known.state.invites.get(invite));
            Ok(match invite {
                Some(invite) if invite.closed => Joining::Refused("the invite was closed".into()),
                Some(invite) if invite.joins.len() >= invite.uses as usize => {
                    Joining::Refused("the invite was used by others".into())
                }
                _ => Joining::Unanswered,
            })
        })
        .await
    }

    /// A peer said it holds the same, or for a while nothing more came.
    fn settled(&self, community: &Cid, since: &mut Option<Instant>) -> bool {
        let progress = self.inner.driver.progress();
        if progress.held_by.get(community).is_some_and(|peers| *peers > 0) {
            return true;
        }
        if progress.busy {
            *since = None;
        }
        since.get_or_insert_with(Instant::now).elapsed() > SETTLE && !progress.busy
    }

    pub(super) async fn sync(&self, via: &[String], wait_s: u32) -> Result<Reply, Failure> {
        for addr in parse_all(via)? {
            self.inner.net.dial(addr);
        }
        self.inner.nudge.notify_one();
        self.inner.driver.sync_now();
        let wait = Duration::from_secs(u64::from(wait_s.min(SYNC_WAIT_MOST)));
        let begun = Instant::now();
        let reach_wait = if via.is_empty() && !self.has_addresses().await? { Duration::ZERO } else { REACH_WAIT };
        let mut settled = None;
        let mut changes = self.inner.changes.clone();
        let done = async {
            loop {
                changes.borrow_and_update();
                if self.inner.driver.progress().compared > 0
                    && let Some(communities) = self.communities().await?
                {
                    let mut all = true;
                    for community in &communities {
                        all &= self.settled(community, &mut settled);
                    }
                    if all {
                        return Ok(());
                    }
                }
                if self.reaches_nobody(begun, reach_wait) {
                    return Ok(());
                }
                timeout(LOOK, changes.changed()).await.ok();
            }
        };
        if let Ok(Err(failed)) = timeout(wait, done).await {
            return Err(failed);
        }

        let peers = self.inner.net.peers().len() as u32;
        if peers == 0 {
            return Err(Failure::network("no other node can be reached")
                .because("everything published here is kept and handed on by `moot serve`")
                .hint("name one with --via, or keep one with `moot peer add ADDR`"));
        }
        let node = self.clone();
        self.blocking(move || {
            // What came may be that this device is out: then nothing of its own has gone anywhere.
            publish::document_of(&node.inner.store, &node.inner.me).map_err(could_not("sync"))?;
            node.answer_sync(peers)
        })
        .await
    }

    /// What there is after a sync with so many.
    fn answer_sync(&self, peers: u32) -> Result<Reply, Failure> {
        match self.answer(crate::request::Request::Communities).reply {
            Reply::Communities(communities) => {
                let complete = communities.iter().all(|c| c.complete);
                Ok(Reply::Synced { peers, complete, communities })
            }
            Reply::Failed(failure) => Err(failure),
            other => Err(Failure::bug(format!("the list of communities was answered with {other:?}"))),
        }
    }

    /// Nobody is connected, and waiting longer, `most` in all, would change nothing.
    pub(super) fn reaches_nobody(&self, begun: Instant, most: Duration) -> bool {
        let net = &self.inner.net;
        let waited = begun.elapsed();
        net.peers().is_empty() && (waited > most || (waited > REFUSED_WAIT && net.dialling() == 0))
    }

    async fn has_addresses(&self) -> Result<bool, Failure> {
        let node = self.clone();
        self.blocking(move || Ok(!node.inner.known()?.is_empty())).await
    }

    /// None while one of which we are a member is not here at all.
    async fn communities(&self) -> Result<Option<Vec<Cid>>, Failure> {
        let node = self.clone();
        self.blocking(move || {
            let inner = &node.inner;
            if !publish::awaited(&inner.store, &inner.me.did)?.is_empty() {
                return Ok(None);
            }
            Ok(Some(inner.store.view(Scope::Members)?.communities()?.into_iter().map(|c| c.id).collect()))
        })
        .await
    }
}

fn used_up(why: &str) -> Failure {
    Failure::refused("this invite link admits nobody any more").because(why).hint("ask for a new link")
}

fn parse_all(addrs: &[String]) -> Result<Vec<Multiaddr>, Failure> {
    addrs.iter().map(|text| crate::request::multiaddr(text)).collect()
}
