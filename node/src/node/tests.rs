use std::path::Path;

use folkmoot_schemas::{
    Tid,
    phrase::Phrase,
    records::post::Post,
    roster::{Describe, Role},
};

use super::*;
use crate::{
    control::client::ControlError,
    request::{CommunityInfo, FailureKind, InviteInfo, WireDraft},
};

struct Machine {
    // Held for its folder.
    _parent: tempfile::TempDir,
    home: Home,
}

impl Machine {
    fn new(number: u8) -> Self {
        let parent = tempfile::tempdir().unwrap();
        let phrase = Phrase::from_entropy([number; 16]);
        let home = Home::create(&parent.path().join("home"), &phrase, "laptop", &Clock::system()).unwrap();
        Self { _parent: parent, home }
    }
    async fn start(&self) -> Node {
        let listen = vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()];
        Node::start(&self.home, Clock::system(), NetConfig { listen, ..NetConfig::default() }).await.unwrap()
    }
}

async fn ask(socket: &Path, request: Request) -> Result<Reply, ControlError> {
    let socket = socket.to_owned();
    tokio::task::spawn_blocking(move || client::request(&socket, &request)).await.unwrap()
}

fn post(text: &str) -> Request {
    let record = folkmoot_schemas::Record::from(Post { text: text.into(), ..Post::default() });
    let record = record.encode(Tid::new(0, 0)).unwrap().bytes().to_vec();
    let drafts = vec![WireDraft { rkey: None, members_only: false, record, again: false }];
    Request::Publish { community: None, drafts }
}

fn found(name: &str) -> Request {
    Request::Found { name: name.into(), public: true, describe: Describe::default() }
}

async fn invite(node: &Node) -> InviteInfo {
    let request = Request::Invite { community: None, role: Role::Member, uses: 1, expires_s: None };
    match node.request(request).await {
        Reply::Invite(info) => info,
        other => panic!("{other:?}"),
    }
}

async fn join(node: &Node, link: &str) -> Result<(CommunityInfo, bool, bool), Failure> {
    match node.request(Request::Join { link: link.into(), via: Vec::new() }).await {
        Reply::Joined { community, complete, already } => Ok((community, complete, already)),
        Reply::Failed(failure) => Err(failure),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_node_owns_the_store_answers_on_its_socket_and_leaves_nothing_behind() {
    let machine = Machine::new(1);
    let socket = machine.home.socket_path();
    let node = machine.start().await;
    assert!(matches!(ask(&socket, found("River Street")).await.unwrap(), Reply::Community(_)));
    assert!(Local::open(&machine.home, Clock::system(), &crate::config::Config::default()).unwrap_err().is_locked());
    assert!(Node::start(&machine.home, Clock::system(), NetConfig::default()).await.unwrap_err().is_locked());
    match ask(&socket, Request::Status).await.unwrap() {
        Reply::Status(status) => assert!(status.running && status.communities.len() == 1),
        other => panic!("{other:?}"),
    }
    let asks = (0..8).map(|i| ask(&socket, post(&i.to_string())));
    for reply in futures::future::join_all(asks).await {
        assert!(matches!(reply.unwrap(), Reply::Published(_)));
    }
    node.stop().await;
    assert!(!socket.exists());
    assert!(matches!(ask(&socket, Request::Status).await, Err(ControlError::Absent)));
    let local = Local::open(&machine.home, Clock::system(), &crate::config::Config::default()).unwrap();
    match local.request(Request::Status) {
        Reply::Status(status) => assert!(!status.running && status.communities[0].records == 8),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_brings_everything_and_admits_only_once() {
    let (ada, bob, eve) = (Machine::new(1), Machine::new(2), Machine::new(3));
    let (ada, bob, eve) = (ada.start().await, bob.start().await, eve.start().await);
    assert!(matches!(ada.request(found("River Street")).await, Reply::Community(_)));
    for text in ["one", "two", "three"] {
        assert!(matches!(ada.request(post(text)).await, Reply::Published(_)));
    }
    let link = invite(&ada).await.link.unwrap();
    let (info, complete, already) = join(&bob, &link).await.unwrap();
    assert!(complete && !already, "{info:?}");
    assert_eq!((info.name.as_str(), info.records, info.members), ("River Street", 3, 2));
    assert_eq!(info.role.as_deref(), Some("member"));
    let (again, _, already) = join(&bob, &link).await.unwrap();
    assert!(already && again.cid == info.cid);

    let mut changes = ada.inner.changes.clone();
    let closed = async {
        while !matches!(ada.request(Request::Invites { community: None }).await, Reply::Invites(all) if all[0].closed) {
            changes.changed().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(60), closed).await.unwrap();
    let failure = join(&eve, &link).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Refused, "{failure:?}");
    assert!(failure.hint.unwrap().contains("new link"));

    assert!(matches!(bob.request(post("four")).await, Reply::Published(p) if p[0].sent));
    match bob.request(Request::Sync { via: Vec::new(), wait_s: 30 }).await {
        Reply::Synced { peers, complete, .. } => assert!(peers >= 1 && complete),
        other => panic!("{other:?}"),
    }
    let snapshot = |node: &Node| {
        let community = node.status().unwrap().communities.remove(0);
        (community.snapshot, community.snapshot_members)
    };
    let mut changes = (ada.inner.changes.clone(), bob.inner.changes.clone());
    let equal = async {
        while snapshot(&ada) != snapshot(&bob) {
            tokio::select! {
                changed = changes.0.changed() => changed.unwrap(),
                changed = changes.1.changed() => changed.unwrap(),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), equal).await.unwrap();
    futures::future::join3(ada.stop(), bob.stop(), eve.stop()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_joins_with_a_name_in_the_settings_is_seen_under_it() {
    let (ada, bob) = (Machine::new(1), Machine::new(2));
    Config::set(&bob.home.config_path(), "name", Some("Bob")).unwrap();
    let (ada, bob) = (ada.start().await, bob.start().await);
    assert!(matches!(ada.request(found("River Street")).await, Reply::Community(_)));
    let link = invite(&ada).await.link.unwrap();
    join(&bob, &link).await.unwrap();
    let mut changes = ada.inner.changes.clone();
    let seen = async {
        loop {
            match ada.request(Request::Members { community: None }).await {
                Reply::Members(all) if all.iter().any(|m| m.name == "Bob") => return all.len(),
                Reply::Members(_) => changes.changed().await.unwrap(),
                other => panic!("{other:?}"),
            }
        }
    };
    assert_eq!(tokio::time::timeout(Duration::from_secs(60), seen).await.unwrap(), 2);
    futures::future::join(ada.stop(), bob.stop()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_link_is_refused_and_a_dead_one_is_kept_for_later() {
    let (ada, bob) = (Machine::new(1), Machine::new(2));
    let (ada, bob) = (ada.start().await, bob.start().await);
    assert_eq!(join(&bob, "https://example.org/join").await.unwrap_err().kind, FailureKind::Refused);
    assert!(matches!(ada.request(found("River Street")).await, Reply::Community(_)));
    let link = invite(&ada).await.link.unwrap();
    ada.stop().await;
    let failure = join(&bob, &link).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Network, "{failure:?}");
    assert!(failure.hint.unwrap().contains("--via"));
    assert!(bob.status().unwrap().communities[0].pending);
    assert!(
        matches!(bob.request(Request::Sync { via: Vec::new(), wait_s: 1 }).await, Reply::Failed(f) if f.kind == FailureKind::Network)
    );
    bob.stop().await;
}
