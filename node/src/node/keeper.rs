//! What only a running node does by itself: it finds others, and keeps house.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{Inner, Node, finding, obey_quotas, sweeping};
use crate::{
    config::{Config, Multiaddr},
    publish::{self, PublishError, Published},
    request::{ADDRESSES, News},
};

/// How often invites are looked through when nothing changes.
const HOUSEKEEPING: Duration = Duration::from_secs(60);
/// How long answers are gathered before the lists are looked at, and how many times as long as a look takes.
const LISTS: Duration = Duration::from_millis(500);
const LISTS_SHARE: u32 = 20;
/// How often the disk is looked at: writing goes on within a minute of its taking writes again.
const DISK: Duration = Duration::from_secs(5);

pub(super) async fn run(node: Node) {
    // The root key signs identity documents and nothing else: who recovers an identity keeps no house yet.
    match node.inner.me.is_root() {
        true => finding::run(&node).await,
        false => {
            tokio::join!(
                finding::run(&node),
                keep_house(&node),
                keep_lists(&node),
                keep_disk(&node),
                sweeping::run(&node)
            );
        }
    }
}

/// The lists of who has a place, a moment after what they are made from changed: answers come in bursts. Looking takes a
/// small share of the time at most, also where changes never end.
async fn keep_lists(node: &Node) {
    let mut changes = node.inner.changes.clone();
    loop {
        changes.borrow_and_update();
        let begun = Instant::now();
        let keeping = node.clone();
        match node.inner.tasks.spawn_blocking(move || keeping.inner.keep_lists()).await {
            Ok(Ok(news)) => news.into_iter().for_each(|news| node.tell(news)),
            // Said by who keeps house.
            Ok(Err(PublishError::Retired)) => {}
            Ok(Err(why)) => tracing::warn!(%why, "who has a place was not brought up to date"),
            Err(_) => return,
        }
        let rest = (begun.elapsed() * LISTS_SHARE).max(LISTS);
        if let Ok(Err(_)) = tokio::time::timeout(HOUSEKEEPING, changes.changed()).await {
            return;
        }
        tokio::time::sleep(rest).await;
    }
}

async fn keep_disk(node: &Node) {
    let mut turn = interval(DISK);
    turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turn.tick().await;
        let looking = node.clone();
        if node.inner.tasks.spawn_blocking(move || looking.inner.store.probe()).await.is_err() {
            return;
        }
    }
}

/// After every change of the store, since until a used-up invite is closed a later join could still take the place of
/// an earlier one; and now and then for those that ran out.
async fn keep_house(node: &Node) {
    let mut changes = node.inner.changes.clone();
    // A node that lives for one command listens nowhere, and its command says so.
    let mut told = node.inner.net.addresses().is_empty();
    loop {
        changes.borrow_and_update();
        let keeping = node.clone();
        match node.inner.tasks.spawn_blocking(move || keeping.inner.keep_house()).await {
            Ok(Ok(news)) => news.into_iter().for_each(|news| node.tell(news)),
            Ok(Err(why @ PublishError::Retired)) => {
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!("{why}: what it writes reaches nobody; `moot doctor` says what to do");
                }
            }
            Ok(Err(why)) => tracing::warn!(%why, "housekeeping was put off"),
            Err(_) => return,
        }
        if let Ok(Err(_)) = tokio::time::timeout(HOUSEKEEPING, changes.changed()).await {
            return;
        }
    }
}

impl Inner {
    /// Closes our own invites that are used up or over, notes where we can be reached for invites made later without a
    /// running node, and puts our name where a join ended without us.
    fn keep_house(&self) -> Result<Vec<News>, PublishError> {
        obey_quotas(&self.home, &self.store);
        let addresses: Vec<_> = self.net.addresses().iter().map(Multiaddr::to_string).collect();
        let addresses = addresses.join("\n");
        // A node that lives for one command listens nowhere; what an earlier one noted stays true.
        if !addresses.is_empty() && self.store.meta(ADDRESSES)?.as_deref() != Some(addresses.as_bytes()) {
            self.store.set_meta(ADDRESSES, Some(addresses.as_bytes()))?;
        }
        publish::stop_awaiting(&self.store, &self.me.did)?;
        // Who is out signs nothing of what follows.
        publish::document_of(&self.store, &self.me)?;
        let closed = publish::close_spent(&self.store, &self.me, &self.clock)?;
        let mut news: Vec<_> =
            closed.into_iter().map(|(community, audience, a)| News::Announce(community, audience, a)).collect();
        let retired = publish::finish_retiring(&self.store, &self.me, &self.clock)?;
        news.extend(retired.into_iter().map(|(community, audience, a)| News::Announce(community, audience, a)));
        // What another device's list overrules goes into the next one before it is gone.
        if publish::is_untidy(&self.store, &self.me)? {
            news.extend(self.keep_lists()?);
        }
        match publish::tidy(&self.store, &self.me, &self.clock) {
            Ok(tidied) => {
                news.extend(tidied.into_iter().map(|(community, audience, a)| News::Announce(community, audience, a)));
            }
            Err(why) => tracing::warn!(%why, "this device's repositories could not be tidied"),
        }
        match self.introduce() {
            Ok(introduced) => news.extend(introduced),
            Err(why) => tracing::warn!(%why, "a profile could not be published"),
        }
        Ok(news)
    }

    fn keep_lists(&self) -> Result<Vec<News>, PublishError> {
        let kept = publish::keep_lists(&self.store, &self.me, &self.clock)?;
        let news = |(community, published): (_, Published)| {
            published.announces.into_iter().map(move |(audience, a)| News::Announce(community, audience, a))
        };
        Ok(kept.into_iter().flat_map(news).collect())
    }

    /// The name in the settings becomes the profile where there is none.
    fn introduce(&self) -> Result<Vec<News>, PublishError> {
        let mut news = Vec::new();
        let nameless = publish::nameless(&self.store, &self.me)?;
        if nameless.is_empty() {
            return Ok(news);
        }
        // Whoever needs the settings reports what is wrong with them.
        let Ok(config) = Config::load(&self.home.config_path(), |_| None) else { return Ok(news) };
        let Some(name) = config.name() else { return Ok(news) };
        for community in nameless {
            let Published { announces, .. } = publish::introduce(&self.store, &self.me, &self.clock, &community, name)?;
            news.extend(announces.into_iter().map(|(audience, a)| News::Announce(community, audience, a)));
        }
        Ok(news)
    }
}
