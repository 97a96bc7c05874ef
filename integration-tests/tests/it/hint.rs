//! Gossip is only a hint: with every message of it lost, nodes that stay connected still become equal.

use std::path::PathBuf;

use folkmoot_integration_tests::DEADLINE;
use folkmoot_node::{
    clock::Clock,
    config::NetConfig,
    home::Home,
    node::Node,
    request::{Reply, Request, WireDraft},
};
use folkmoot_schemas::{
    Record, Tid,
    phrase::Phrase,
    records::post::Post,
    roster::{Describe, Role},
};

struct Person {
    node: Node,
    _dir: tempfile::TempDir,
}

async fn person(name: &str) -> Person {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path: PathBuf = dir.path().join("home");
    let clock = Clock::system();
    let home = Home::create(&path, &Phrase::from_entropy(clock.random()), name, &clock).expect("a home");
    let listen = vec!["/ip4/127.0.0.1/tcp/0".parse().expect("an address")];
    let net = NetConfig { listen, drop_gossip: true, ..NetConfig::default() };
    Person { node: Node::start(&home, clock, net).await.expect("a node"), _dir: dir }
}

impl Person {
    async fn ask(&self, request: Request) -> Reply {
        match self.node.request(request.clone()).await {
            Reply::Failed(failure) => panic!("{request:?}: {failure:?}"),
            reply => reply,
        }
    }

    async fn posts(&self) -> usize {
        let list = Request::List { community: None, collection: "org.folkmoot.post".into(), before: None, limit: 100 };
        match self.ask(list).await {
            Reply::Items(items) => items.len(),
            other => panic!("{other:?}"),
        }
    }

    async fn post(&self, text: &str) {
        let post = Record::from(Post { text: text.into(), ..Post::default() });
        let record = post.encode(Tid::new(1, 0)).expect("a post").bytes().to_vec();
        let draft = WireDraft { rkey: None, members_only: false, record, again: false };
        self.ask(Request::Publish { community: None, drafts: vec![draft] }).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_long_after_connecting_arrives_with_all_gossip_lost() {
    if std::env::var_os("MOOT_LONG").is_none() {
        println!("skipped: takes a minute of real time (set MOOT_LONG); the simulation covers it in virtual time");
        return;
    }
    let (alice, bob) = (person("alice").await, person("bob").await);
    alice.ask(Request::Found { name: "Quiet".into(), public: true, describe: Describe::default() }).await;
    let invite = Request::Invite { community: None, role: Role::Member, uses: 1, expires_s: None };
    let Reply::Invite(invite) = alice.ask(invite).await else { panic!("no invite") };
    bob.ask(Request::Join { link: invite.link.expect("a link"), via: Vec::new() }).await;
    // Past the first comparisons of heads: from here on only the timer can find anything.
    tokio::time::sleep(std::time::Duration::from_secs(45)).await;
    let before = bob.posts().await;
    alice.post("Did anybody hear this?").await;
    let start = std::time::Instant::now();
    while bob.posts().await == before {
        assert!(start.elapsed() < DEADLINE, "the post never came");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    println!("took {:.1?} with all gossip lost", start.elapsed());
    alice.node.stop().await;
    bob.node.stop().await;
}
