//! What concerns a person finds them, on their own node.

use folkmoot_integration_tests::{Home, eventually};
use serde_json::Value;

fn text_of<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no {key} in {value}"))
}

/// Headlines of what is new, newest first.
fn inbox(home: &Home) -> Vec<String> {
    home.json(&["inbox"]).iter().map(|item| text_of(item, "headline").to_owned()).collect()
}

/// Waits until the newest thing is this.
fn hears(home: &Home, what: &str) -> Value {
    let find = || {
        let items = home.json(&["inbox"]);
        let found = items.iter().find(|item| text_of(item, "headline").contains(what)).cloned();
        found.ok_or_else(|| format!("{what:?} is not in {items:#?}"))
    };
    eventually(&format!("{what:?} is in the inbox"), find).0
}

#[test]
fn answers_changes_news_replies_and_mentions_find_whom_they_concern() {
    let (alice, bob, carol) = (Home::new("alice"), Home::new("bob"), Home::new("carol"));
    let _a = alice.start(&["quickstart", "River Street", "--public"]);
    alice.ok(&["profile", "set", "--name", "Alice"]);
    for (home, name) in [(&bob, "Bob"), (&carol, "Carol Ann")] {
        let link = alice.one(&["invite"]);
        home.ok(&["init", "--name", name]);
        home.ok(&["join", text_of(&link, "link")]);
    }
    let (_b, c) = (bob.start(&["serve"]), carol.start(&["serve"]));
    let gig = alice.one(&["event", "add", "Harbour Gig", "in 2 weeks 20:00", "--duration", "3h", "--place", "Shed"]);
    let gig = text_of(&gig, "short");
    for home in [&bob, &carol] {
        eventually("the event arrives", || {
            let shown = home.moot(&["event", "show", gig]);
            if shown.status.success() { Ok(()) } else { Err(folkmoot_integration_tests::text(&shown)) }
        });
    }

    // Answers reach the host, with what becomes of them.
    bob.ok(&["rsvp", gig, "yes", "+1", "--note", "I bring the cables"]);
    let answer = hears(&alice, "Bob is going to Harbour Gig with 1 more");
    assert_eq!((text_of(&answer, "kind"), text_of(&answer, "text")), ("answer", "I bring the cables"));
    carol.ok(&["rsvp", gig, "maybe"]);
    hears(&alice, "Carol Ann may come to Harbour Gig");
    assert_eq!((inbox(&bob), inbox(&carol)), (Vec::new(), Vec::new()), "one's own acts are no news");

    // What was read stays read, on this device, until there is something new in it.
    let shown = alice.ok(&["inbox", "--mark-read"]);
    assert!(shown.contains("Bob is going") && shown.contains("Carol Ann may come"), "{shown}");
    assert_eq!(inbox(&alice), Vec::<String>::new());
    assert_eq!(alice.json(&["inbox", "--all"]).len(), 2);
    bob.ok(&["rsvp", gig, "no"]);
    hears(&alice, "Bob is not coming any more to Harbour Gig (was: going)");
    assert_eq!(inbox(&alice).len(), 1);
    bob.ok(&["rsvp", gig, "yes"]);
    hears(&alice, "Bob is now going to Harbour Gig (was: not going)");
    alice.ok(&["inbox", "--mark-read"]);

    // A node that was off hears of the change when it comes back.
    assert!(c.stop().success());
    alice.ok(&["event", "edit", gig, "--start", "in 15 days 19:00"]);
    let moved = hears(&bob, "Harbour Gig: moved from");
    assert!(text_of(&moved, "hint").starts_with("you said going before the change"), "{moved}");
    bob.ok(&["rsvp", gig, "yes"]);
    assert_eq!(inbox(&bob), Vec::<String>::new(), "who answered again knows");
    let _c = carol.start(&["serve"]);
    hears(&carol, "Harbour Gig: moved from");

    // What is ahead: what one answered and holds, and what changed since.
    let dates = |home: &Home| -> Vec<Value> {
        home.json(&["agenda"]).into_iter().filter(|item| item["kind"] == "date").collect()
    };
    let (mine, theirs) = (dates(&bob), dates(&carol));
    assert_eq!((&mine[0]["answer"], &mine[0]["changed"]), (&Value::from("going"), &Value::from(false)), "{mine:#?}");
    assert_eq!((&theirs[0]["answer"], &theirs[0]["changed"]), (&Value::from("maybe"), &Value::from(true)));
    assert_eq!(dates(&alice)[0]["hosting"], true);
    let shown = carol.ok(&["agenda"]);
    assert!(shown.contains("since you answered: moved from"), "{shown}");

    // News from the host, which nobody else may send.
    alice.ok(&["post", "--about", gig, "--update", "Doors at 18:30"]);
    for home in [&bob, &carol] {
        assert_eq!(text_of(&hears(home, "Harbour Gig: news from Alice"), "text"), "Doors at 18:30");
    }
    let refused = bob.refused(1, &["post", "--about", gig, "--update", "Buy my shirts"]);
    assert!(refused.contains("for the hosts"), "{refused}");
    alice.ok(&["event", "cancel", gig, "--note", "Storm warning"]);
    for home in [&bob, &carol] {
        hears(home, "Harbour Gig: cancelled: Storm warning");
    }

    // A word to somebody, and what they say to it.
    let question = alice.one(&["post", "Who has the key, @carol ann? Write to a@bob.example"]);
    let mention = hears(&carol, "Alice mentioned you");
    assert_eq!(text_of(&mention, "uri"), text_of(&question, "uri"));
    carol.ok(&["reply", text_of(&question, "short"), "It hangs behind the bar"]);
    let reply = hears(&alice, "Carol Ann replied to you");
    assert!(text_of(&reply, "headline").contains("Who has the key"), "{reply}");
    assert!(!inbox(&bob).iter().any(|line| line.contains("key")), "an address is no mention");
}
