//! A group finds a date by a poll, and an address that is not for everybody stays on its author's machine.

use std::fs;

use folkmoot_integration_tests::{Home, eventually};
use serde_json::Value;

fn shown(home: &Home, command: &str, target: &str) -> Result<Value, String> {
    let output = home.moot(&["--json", command, "show", target]);
    serde_json::from_slice(&output.stdout).map_err(|_| folkmoot_integration_tests::text(&output))
}

/// Going and not going.
fn answers(home: &Home, event: &str, want: (u64, u64)) -> Result<(), String> {
    let answers = shown(home, "event", event)?["answers"].clone();
    let is = (answers["going"].as_u64(), answers["not_going"].as_u64());
    if is == (Some(want.0), Some(want.1)) { Ok(()) } else { Err(answers.to_string()) }
}

#[test]
fn a_poll_becomes_an_event_on_every_node_and_the_address_leaves_only_its_authors_mouth() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    alice.ok(&["init", "--name", "Alice"]);
    let a = alice.start(&["quickstart", "River Street", "--public"]);
    let link = alice.one(&["invite"])["link"].as_str().expect("a link").to_owned();
    bob.ok(&["join", &link, "--name", "Bob"]);
    let b = bob.start(&["serve"]);

    let dates = ["--date", "in 2 weeks 20:00", "--date", "in 3 weeks 20:00", "--zone", "Europe/Berlin"];
    let poll = alice.one(&[&["poll", "add", "When is the concert?"], &dates[..]].concat());
    let id = poll["short"].as_str().expect("a short id");
    eventually("bob is asked", || shown(&bob, "poll", id));
    bob.ok(&["poll", "vote", id, "1", "--no", "2"]);
    alice.ok(&["poll", "vote", id, "1", "2"]);
    eventually("both votes are here", || match shown(&alice, "poll", id)?["tally"]["people"].as_u64() {
        Some(2) => Ok(()),
        other => Err(format!("{other:?}")),
    });
    bob.refused(1, &["poll", "close", id]);
    let place =
        ["--place", "Alice's flat", "--street", "Hidden Road 17", "--locality", "Leeds", "--show-place", "area"];
    let made = alice.json(&[&["poll", "close", id, "--event", "House concert"], &place[..]].concat());
    let event = made[0]["short"].as_str().expect("the event comes first").to_owned();
    for home in [&alice, &bob] {
        eventually("the votes are answers", || answers(home, &event, (2, 0)));
    }
    bob.ok(&["rsvp", &event, "no"]);
    for home in [&alice, &bob] {
        eventually("his answer goes before his vote", || answers(home, &event, (1, 1)));
    }

    let here = shown(&alice, "event", &event).expect("alice has it");
    assert_eq!(here["kept_here"][0]["place"]["street"], "Hidden Road 17");
    assert!(shown(&bob, "event", &event).expect("bob has it").get("kept_here").is_none());
    for node in [&a, &b] {
        for path in [format!("/e/{event}"), format!("/e/{event}.ics"), "/calendar.ics".into(), "/events.atom".into()] {
            let page = node.page(&path);
            assert!(page.contains("House concert") && !page.contains("Hidden Road"), "{path}");
        }
        assert!(!node.page("/").contains("When is the concert?"), "polls are for members");
    }
    // A co-host takes the place elsewhere: the only copy of the address stays with Alice.
    alice.ok(&["event", "edit", &event, "--cohost", "Bob"]);
    eventually("bob may change it", || match shown(&bob, "event", &event)?["record"]["hosts"][0]["edit"].as_bool() {
        Some(true) => Ok(()),
        other => Err(format!("{other:?}")),
    });
    bob.ok(&["event", "edit", &event, "--locality", "Leeds North"]);
    let changed = |what: &str| {
        let here = shown(&alice, "event", &event)?;
        let kept = &here["kept_here"][0];
        let whole = kept["place"]["street"] == "Hidden Road 17" && kept["place_changed"] == true;
        if whole && here["record"].to_string().contains(what) { Ok(()) } else { Err(here.to_string()) }
    };
    eventually("alice sees his change and her address", || changed("Leeds North"));
    alice.ok(&["event", "edit", &event, "--summary", "Bring a cushion"]);
    changed("Bring a cushion").expect("an edit of something else keeps the address");
    let file = alice.scratch("all.car");
    alice.ok(&["export", "--all", "-o", file.to_str().expect("a UTF-8 path")]);
    assert!(a.stop().success() && b.stop().success());
    for file in [file, alice.path().join("store.redb"), bob.path().join("store.redb")] {
        let bytes = fs::read(&file).expect("it is there");
        let holds = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(holds("House concert") && !holds("Hidden Road"), "{}", file.display());
    }
}
