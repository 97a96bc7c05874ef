//! Two or three real swarms on loopback.

use std::time::Duration;

use folkmoot_schemas::block::{DAG_CBOR, cid_of};

use super::*;

async fn node(seed: u8, drop_gossip: bool) -> (Handle, mpsc::Receiver<Notice>) {
    let listen = vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()];
    start([seed; 32], NetConfig { listen, drop_gossip, ..NetConfig::default() }).await.unwrap()
}

async fn until<T>(notices: &mut mpsc::Receiver<Notice>, mut pick: impl FnMut(Notice) -> Option<T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            if let Some(found) = pick(notices.recv().await.unwrap()) {
                return found;
            }
        }
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_cross_a_stream_between_two_nodes() {
    let (a, mut a_notices) = node(1, false).await;
    let (b, mut b_notices) = node(2, false).await;
    a.dial(b.addresses().remove(0));
    let peer =
        until(
            &mut a_notices,
            |n| if let Notice::Connected { peer, dialled: true, .. } = n { Some(peer) } else { None },
        )
        .await;
    assert_eq!(peer, b.local_peer());

    let mut ours = a.open(peer).await.unwrap();
    let big = vec![9; 3_000_000];
    let writer = tokio::spawn(async move {
        ours.write(&big).await.unwrap();
        ours.close().await.unwrap();
        ours.read(100).await.unwrap().unwrap()
    });
    let mut theirs =
        until(&mut b_notices, |n| if let Notice::Inbound { stream, .. } = n { Some(stream) } else { None }).await;
    assert_eq!(theirs.read(limits_frame()).await.unwrap().unwrap().len(), 3_000_000);
    assert!(theirs.read(10).await.unwrap().is_none());
    theirs.write(b"thanks").await.unwrap();
    assert_eq!(writer.await.unwrap(), b"thanks"[..]);

    a.disconnect(peer);
    until(&mut b_notices, |n| matches!(n, Notice::Disconnected { .. }).then_some(())).await;
    assert!(b.peers().is_empty());
    b.stop();
    assert!(until_closed(b_notices).await);
}

fn limits_frame() -> usize {
    folkmoot_schemas::limits::FRAME
}

async fn until_closed(mut notices: mpsc::Receiver<Notice>) -> bool {
    tokio::time::timeout(Duration::from_secs(30), async { while notices.recv().await.is_some() {} }).await.is_ok()
}

#[tokio::test]
async fn an_address_in_use_is_an_error_that_names_it() {
    let (a, _notices) = node(3, false).await;
    let taken: Multiaddr =
        a.addresses().remove(0).into_iter().filter(|p| !matches!(p, libp2p::multiaddr::Protocol::P2p(_))).collect();
    let error = start([4; 32], NetConfig { listen: vec![taken.clone()], ..NetConfig::default() }).await.unwrap_err();
    assert!(error.to_string().contains(&taken.to_string()), "{error}");
    assert!(error.to_string().contains("in use"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gossip_is_forwarded_only_after_it_was_accepted() {
    // a — b — c: what a says reaches c only through b's verdict.
    let (a, mut a_notices) = node(5, false).await;
    let (b, mut b_notices) = node(6, false).await;
    let (c, mut c_notices) = node(7, false).await;
    let (community, b_peer) = (cid_of(DAG_CBOR, b"charter"), b.local_peer());
    for handle in [&a, &b, &c] {
        handle.subscribe(community);
    }
    a.dial(b.addresses().remove(0));
    c.dial(b.addresses().remove(0));
    until(&mut a_notices, |n| matches!(n, Notice::Connected { .. }).then_some(())).await;
    until(&mut c_notices, |n| matches!(n, Notice::Connected { .. }).then_some(())).await;

    // b passes on what begins with 2 and nothing else.
    let judge = tokio::spawn(async move {
        while let Some(notice) = b_notices.recv().await {
            if let Notice::Gossip { id, data, .. } = notice {
                b.verdict(id, if data[0] == 2 { Verdict::Accept } else { Verdict::Reject });
            }
        }
    });
    // Subscriptions travel by themselves; until they have, a message is heard by nobody. Each try is a new pair.
    for round in 0..=100_u8 {
        assert!(round < 100, "c never heard a");
        a.gossip(community, Bytes::from(vec![1, round]));
        a.gossip(community, Bytes::from(vec![2, round]));
        let heard = until(&mut c_notices, |n| match n {
            Notice::Gossip { data, source, .. } => Some((data[0], source)),
            _ => None,
        });
        if let Ok(heard) = tokio::time::timeout(Duration::from_millis(300), heard).await {
            assert_eq!(heard, (2, b_peer));
            break;
        }
    }
    judge.abort();
}

#[test]
fn what_is_said_of_a_command_holds_nothing_of_an_announcement() {
    let said = format!("{:?}", Command::Gossip(cid_of(DAG_CBOR, b"x"), Bytes::from_static(b"between us")));
    assert_eq!(said, "gossip");
}
