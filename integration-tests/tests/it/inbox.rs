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
    // A time in another zone than the reader's says so.
    assert!(!carol.ok(&["inbox"]).contains("(Europe/Berlin)"));
    carol.ok(&["config", "zone", "Europe/Paris"]);
    assert!(!carol.ok(&["inbox"]).contains("(Europe/Berlin)"), "the clocks there show the same");
    carol.ok(&["config", "zone", "America/New_York"]);
    let shown = carol.ok(&["inbox"]);
    assert!(shown.contains(", 19:00  (Europe/Berlin)"), "{shown}");
    carol.ok(&["config", "zone", ""]);

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

#[test]
fn the_owner_s_command_is_given_what_is_new_once_and_dates_that_are_near() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let a = alice.start(&["quickstart", "River Street", "--public"]);
    alice.ok(&["profile", "set", "--name", "Alice"]);
    let link = alice.one(&["invite"]);
    bob.ok(&["init", "--name", "Bob"]);
    bob.ok(&["join", text_of(&link, "link")]);
    let b = bob.start(&["serve"]);
    let gig = alice.one(&["event", "add", "Harbour Gig", "in 2 weeks 20:00", "--place", "Shed"]);
    let gig = text_of(&gig, "short").to_owned();
    eventually("the event arrives", || {
        let shown = bob.moot(&["event", "show", &gig]);
        if shown.status.success() { Ok(()) } else { Err(folkmoot_integration_tests::text(&shown)) }
    });
    bob.ok(&["rsvp", &gig, "maybe"]);
    hears(&alice, "Bob may come to Harbour Gig");

    // What is there when the hook is set is given to nobody; what comes then is, each once, as one line of JSON.
    let (given, program) = (alice.scratch("given"), alice.scratch("tell me"));
    let given_path = given.to_str().expect("a UTF-8 path");
    write_program(
        &program,
        &format!(
            "#!/bin/sh\n[ ! -e '{given_path}.broken' ] || {{ echo no route >&2; exit 1; }}\ncat >> '{given_path}'\n"
        ),
    );
    let settings = format!("hook = [{:?}]\nremind = \"20s\"\n", program.to_str().expect("a UTF-8 path"));
    let config = alice.path().join("config.toml");
    let before = std::fs::read_to_string(&config).unwrap_or_default();
    std::fs::write(&config, before + &settings).expect("settings can be written");
    eventually("the node takes the hook up", || match alice.one(&["status"])["hook"]["began"].as_bool() {
        Some(true) => Ok(()),
        _ => Err(alice.one(&["status"]).to_string()),
    });
    bob.ok(&["rsvp", &gig, "yes", "--note", "$(touch /tmp/evil); `id`"]);
    let lines = || -> Vec<Value> {
        let text = std::fs::read_to_string(&given).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect()
    };
    let kinds = || lines().iter().map(|item| text_of(item, "kind").to_owned()).collect::<Vec<_>>();
    eventually("the hook is given the answer", || if lines().is_empty() { Err("nothing yet".into()) } else { Ok(()) });
    assert_eq!(kinds(), ["answer"], "and not the one before");
    assert_eq!(text_of(&lines()[0], "headline"), "Bob is now going to Harbour Gig (was: maybe)");
    assert_eq!(text_of(&lines()[0], "text"), "$(touch /tmp/evil); `id`");

    // While it fails nothing is lost, and doctor says so.
    std::fs::write(format!("{given_path}.broken"), "").expect("a file");
    bob.ok(&["post", "Look, @Alice"]);
    let finding = eventually("doctor says that the hook fails", || {
        let doctor = alice.moot(&["--json", "doctor"]);
        let checkup: Value = serde_json::from_slice(&doctor.stdout).map_err(|e| e.to_string())?;
        let findings = checkup["findings"].as_array().cloned().unwrap_or_default();
        let hook = findings.iter().find(|finding| finding["check"] == "hook" && finding["state"] == "wrong").cloned();
        hook.ok_or_else(|| checkup.to_string())
    });
    assert!(text_of(&finding.0, "message").ends_with("no route"), "{finding:?}");
    std::fs::remove_file(format!("{given_path}.broken")).expect("it is there");
    // A node that starts again tries at once what failed, and gives nothing twice.
    assert!(a.stop().success());
    let _a = alice.start(&["serve"]);
    eventually("the mention is given", || {
        if kinds() == ["answer", "mention"] { Ok(()) } else { Err(format!("{:?}", lines())) }
    });
    eventually("doctor is content", || {
        let status = alice.one(&["status"]);
        if status["hook"]["failed"].is_null() { Ok(()) } else { Err(status.to_string()) }
    });

    // A date that is near: it begins half a minute from now, and is told 20 seconds before.
    let soon = jiff::Zoned::now().saturating_add(jiff::Span::new().seconds(32)).with_time_zone(jiff::tz::TimeZone::UTC);
    let soon = soon.strftime("%Y-%m-%d %H:%M:%S").to_string();
    alice.ok(&["event", "add", "Rehearsal", &soon, "--zone", "UTC"]);
    eventually("the reminder is given", || {
        if kinds().last().is_some_and(|kind| kind == "reminder") { Ok(()) } else { Err(format!("{:?}", kinds())) }
    });
    let reminder = lines().pop().expect("it is there");
    assert!(text_of(&reminder, "headline").starts_with("Rehearsal in "), "{reminder}");
    assert_eq!(kinds(), ["answer", "mention", "reminder"]);
    drop(b);
}

fn write_program(path: &std::path::Path, text: &str) {
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o700).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).expect("a program can be written");
}
