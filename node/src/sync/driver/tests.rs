//! Drivers on loopback: the network part of what the simulation shows.

use std::{
    future::Future,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use folkmoot_schemas::{Record, charter::Visibility, records::post::Post, roster::Role};

use super::*;
use crate::{
    clock::Source,
    config::NetConfig,
    net::Notice,
    publish::{self, Draft, tests::Person},
    store::Scope,
};

/// The machine's time, so that what two nodes write is ordered as it happened.
struct Real(AtomicU64);

impl Source for Real {
    fn micros(&self) -> u64 {
        Clock::system().micros()
    }
    fn fill(&self, bytes: &mut [u8]) {
        let n = self.0.fetch_add(1, Ordering::Relaxed);
        bytes.iter_mut().zip(0_u64..).for_each(|(byte, i)| *byte = (n.wrapping_mul(31) + i) as u8);
    }
}

struct Running {
    person: Person,
    clock: Clock,
    net: net::Handle,
    driver: Driver,
}

impl Running {
    async fn start(number: u8, drop_gossip: bool) -> Self {
        let person = Person::new(number);
        let clock = Clock::new(Arc::new(Real(AtomicU64::new(u64::from(number) << 32))));
        let listen = vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()];
        let config = NetConfig { listen, drop_gossip, ..NetConfig::default() };
        let (net, notices) = net::start([number; 32], config).await.unwrap();
        let driver = Driver::start(person.store.clone(), person.me.clone(), clock.clone(), net.clone(), notices);
        Self { person, clock, net, driver }
    }

    fn found(&self, visibility: Visibility) -> Cid {
        let community = self.person.found("River", visibility);
        self.driver.community_added(community);
        community
    }

    fn invites(&self, guest: &Self, community: &Cid) {
        let (store, me) = (&self.person.store, &self.person.me);
        let (link, _) = publish::invite(store, me, &self.clock, community, Role::Member, 4, None).unwrap();
        publish::join(&guest.person.store, &guest.person.me, &guest.clock, &link).unwrap();
        guest.driver.community_added(*community);
    }

    fn post(&self, community: &Cid, audience: Audience, text: &str) {
        let record = Record::from(Post { text: text.into(), ..Post::default() });
        let draft = Draft { audience: Some(audience), rkey: None, record, again: true };
        let (store, me) = (&self.person.store, &self.person.me);
        let published = publish::publish(store, me, &self.clock, community, vec![draft]).unwrap();
        for (audience, announce) in published.announces {
            self.driver.announce(*community, audience, announce);
        }
    }

    fn snapshot(&self, community: &Cid) -> Option<(Cid, u64)> {
        let view = self.person.store.view(Scope::Members).unwrap();
        view.community(community).unwrap()?;
        Some((view.snapshot(community).unwrap(), view.count(community).unwrap()))
    }

    async fn stop(self) {
        self.driver.stop().await;
        self.net.stop();
    }
}

async fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let poll = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(60), poll).await.is_ok(), "{what}: not within 60 s");
}

async fn alike(nodes: &[&Running], community: &Cid, records: u64) {
    eventually(&format!("{records} records everywhere"), || {
        let first = nodes[0].snapshot(community);
        first.is_some_and(|(_, n)| n == records) && nodes.iter().all(|node| node.snapshot(community) == first)
    })
    .await;
}

fn both<F: Future<Output = ()>>(test: impl FnOnce() -> F) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(test());
}

#[test]
fn a_joiner_gets_everything_then_news_of_both_audiences_flow_each_way() {
    both(|| async {
        let (a, b) = (Running::start(31, false).await, Running::start(32, false).await);
        let community = a.found(Visibility::Public);
        a.post(&community, Audience::Public, "one");
        a.post(&community, Audience::Members, "two");
        a.invites(&b, &community);
        b.net.dial(a.net.addresses()[0].clone());
        alike(&[&a, &b], &community, 2).await;
        eventually("a knows who b is", || {
            a.driver.progress().people.values().any(|proof| proof.did == b.person.me.did)
                && b.driver.progress().held_by.get(&community) == Some(&1)
        })
        .await;
        b.post(&community, Audience::Public, "three");
        a.post(&community, Audience::Members, "four");
        alike(&[&a, &b], &community, 4).await;
        a.stop().await;
        b.stop().await;
    });
}

#[test]
fn a_members_community_syncs_through_a_third_node_with_gossip_dropped() {
    both(|| async {
        let (a, b, c) =
            (Running::start(33, true).await, Running::start(34, true).await, Running::start(35, true).await);
        let community = a.found(Visibility::Members);
        a.post(&community, Audience::Members, "one");
        a.invites(&b, &community);
        a.invites(&c, &community);
        b.net.dial(a.net.addresses()[0].clone());
        alike(&[&a, &b], &community, 1).await;
        // c only ever meets b.
        c.net.dial(b.net.addresses()[0].clone());
        alike(&[&a, &b, &c], &community, 1).await;
        c.post(&community, Audience::Members, "two");
        alike(&[&a, &b, &c], &community, 2).await;
        for node in [a, b, c] {
            node.stop().await;
        }
    });
}

#[test]
fn noise_on_a_session_ends_it_and_harms_nobody() {
    both(|| async {
        let a = Running::start(36, false).await;
        let community = a.found(Visibility::Public);
        a.post(&community, Audience::Public, "one");
        let listen = vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()];
        let (stranger, mut notices) = net::start([37; 32], NetConfig { listen, ..NetConfig::default() }).await.unwrap();
        stranger.dial(a.net.addresses()[0].clone());
        while !matches!(notices.recv().await.unwrap(), Notice::Connected { .. }) {}
        for noise in [&b"\xff\xff"[..], b"\xa1\x64open\xa0", &[0xa1; 4096]] {
            let mut stream = stranger.open(a.net.local_peer()).await.unwrap();
            stream.write(noise).await.unwrap();
            // Whatever comes back, the stream ends.
            while let Ok(Some(_)) = stream.read(1 << 20).await {}
        }
        let b = Running::start(38, false).await;
        a.invites(&b, &community);
        b.net.dial(a.net.addresses()[0].clone());
        alike(&[&a, &b], &community, 1).await;
        stranger.stop();
        a.stop().await;
        b.stop().await;
    });
}
