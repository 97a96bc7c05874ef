//! Somebody is put out, somebody leaves, somebody comes back as another did.

use folkmoot_integration_tests::{Home, eventually};
use serde_json::Value;

fn link(home: &Home) -> String {
    home.one(&["invite"])["link"].as_str().expect("a link").to_owned()
}

fn texts(home: &Home) -> Vec<String> {
    let posts = home.json(&["feed", "--limit", "100"]);
    posts.iter().map(|post| post["record"]["text"].as_str().unwrap_or_default().to_owned()).collect()
}

fn reads(home: &Home, text: &str) -> Result<(), String> {
    let texts = texts(home);
    if texts.iter().any(|t| t == text) { Ok(()) } else { Err(format!("{texts:?}")) }
}

fn member(home: &Home, did: &str) -> Result<Value, String> {
    let members = home.json(&["member", "list"]);
    members.iter().find(|m| m["did"] == did).cloned().ok_or_else(|| format!("{members:?}"))
}

fn out(home: &Home, did: &str) -> Result<(), String> {
    let member = member(home, did)?;
    if member["out"].is_null() { Err(member.to_string()) } else { Ok(()) }
}

fn snapshot(home: &Home) -> String {
    home.status()["communities"][0]["snapshot"].as_str().expect("a snapshot").to_owned()
}

#[test]
fn who_is_put_out_keeps_what_was_known_on_every_node_and_comes_back_under_another_did() {
    let (alice, bob, carol) = (Home::new("alice"), Home::new("bob"), Home::new("carol"));
    alice.ok(&["init", "--name", "Alice"]);
    let a = alice.start(&["quickstart", "River Street", "--public"]);
    bob.ok(&["join", &link(&alice), "--name", "Bob"]);
    carol.ok(&["join", &link(&alice), "--name", "Carol"]);
    let b = bob.start(&["serve"]);
    let c = carol.start(&["serve"]);
    let bobs = bob.one(&["whoami"])["did"].as_str().expect("a did").to_owned();
    bob.ok(&["post", "An early word"]);
    for home in [&alice, &carol] {
        eventually("the early word is everywhere", || reads(home, "An early word"));
        eventually("bob has his name", || match member(home, &bobs)?["name"].as_str() {
            Some("Bob") => Ok(()),
            other => Err(format!("{other:?}")),
        });
    }

    // Bob's machine is off the net while he is put out, and he goes on writing.
    assert!(b.stop().success());
    bob.ok(&["post", "A late word"]);
    alice.refused(1, &["member", "remove", "Bob"]);
    carol.refused(1, &["member", "remove", "Bob", "--yes"]);
    bob.refused(1, &["member", "remove", "Alice", "--yes"]);
    let gone = alice.one(&["member", "remove", "Bob", "--yes", "--reason", "Sold tickets twice."]);
    assert_eq!((&gone["did"], &gone["out"]["by"]), (&bobs.clone().into(), &"Alice".into()));
    eventually("carol's node knows", || out(&carol, &bobs));

    // He comes back: nobody takes what he wrote since, and his own node goes back to what the others have.
    let b = bob.start(&["serve"]);
    eventually("bob's node knows", || out(&bob, &bobs));
    bob.refused(1, &["post", "Are you there?"]);
    for home in [&alice, &bob, &carol] {
        eventually("the same on every node", || {
            reads(home, "An early word")?;
            if snapshot(home) == snapshot(&alice) { Ok(()) } else { Err(format!("{:?}", texts(home))) }
        });
        reads(home, "A late word").expect_err("nobody keeps what came after");
    }
    assert!(a.page("/posts/").contains("An early word"));

    // He had lost everything and has a new identity.
    let new = Home::new("bob-again");
    new.ok(&["join", &link(&alice), "--name", "Bobby"]);
    let n = new.start(&["serve"]);
    let did = new.one(&["whoami"])["did"].as_str().expect("a did").to_owned();
    let back = alice.one(&["member", "readmit", &did, "--was", "Bob"]);
    assert_eq!(back["formerly"], serde_json::json!([bobs]));
    new.ok(&["post", "Here again"]);
    for node in [&a, &c] {
        eventually("one person on every page", || {
            let (status, page) = node.get(&format!("/p/{bobs}"));
            let one = ["Bobby", "An early word", "Here again"].iter().all(|text| page.contains(text));
            if status == 200 && one { Ok(()) } else { Err(format!("{status}: {page}")) }
        });
    }

    // Carol leaves; what she wrote stays.
    carol.ok(&["post", "Farewell"]);
    eventually("farewell", || reads(&alice, "Farewell"));
    let carols = carol.one(&["whoami"])["did"].as_str().expect("a did").to_owned();
    carol.ok(&["leave", "--yes"]);
    carol.refused(1, &["post", "One more thing"]);
    eventually("carol has left", || out(&alice, &carols));
    assert_eq!(member(&alice, &carols).expect("carol is listed")["out"]["left"], true);
    reads(&alice, "Farewell").expect("what she wrote stays");
    for node in [a, b, c, n] {
        assert!(node.stop().success());
    }
}
