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

/// The address of something that leads to this node and makes it wait for the first byte of an answer.
async fn slow_way_to(node: &Handle) -> Multiaddr {
    let way = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = format!("/ip4/127.0.0.1/tcp/{}", way.local_addr().unwrap().port()).parse().unwrap();
    let port = realm::port(&node.addresses()[0]).unwrap();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = way.accept().await {
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(200)).await;
                let mut far = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    addr
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_address_that_is_somebody_elses_now_does_not_keep_a_slower_right_one_from_being_reached() {
    let (bo, mut notices) = node(61, false).await;
    let (ada, _ada) = node(62, false).await;
    let (other, _other) = node(63, false).await;
    let right = slow_way_to(&ada).await;
    bo.dial_peer(ada.local_peer(), vec![bare(&other.addresses()[0]), right.clone()]);
    until(&mut notices, |n| matches!(n, Notice::DialFailed { .. }).then_some(())).await;
    let there =
        until(&mut notices, |n| if let Notice::Connected { peer, addr, .. } = n { Some((peer, addr)) } else { None })
            .await;
    assert_eq!((there.0, bare(&there.1)), (ada.local_peer(), right));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_good_addresses_the_first_that_answers_is_kept_and_the_other_refused() {
    let (bo, mut notices) = node(64, false).await;
    let (ada, mut ada_notices) = node(65, false).await;
    let (near, far) = (bare(&ada.addresses()[0]), slow_way_to(&ada).await);
    bo.dial_peer(ada.local_peer(), vec![far, near.clone()]);
    until(&mut notices, |n| matches!(n, Notice::Connected { .. }).then_some(())).await;
    let ended = async {
        while bo.dialling() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), ended).await.unwrap();
    assert_eq!(bare(&bo.peers()[0].1), near);
    // The one that stays carries what is sent.
    let mut ours = bo.open(ada.local_peer()).await.unwrap();
    ours.write(b"here").await.unwrap();
    let mut theirs =
        until(&mut ada_notices, |n| if let Notice::Inbound { stream, .. } = n { Some(stream) } else { None }).await;
    assert_eq!(theirs.read(10).await.unwrap().unwrap(), b"here"[..]);
    while let Ok(notice) = notices.try_recv() {
        assert!(matches!(notice, Notice::DialFailed { .. }), "one connection was told, and none was lost: {notice:?}");
    }
}
