//! Publish on one machine, see it on another and in a browser.

use folkmoot_integration_tests::{Home, Running, eventually, fixture};
use serde_json::Value;

/// Pages and files of a node, as somebody outside sees them.
fn contains(node: &Running<'_>, path: &str, needle: &str) -> Result<(), String> {
    let (status, body) = node.get(path);
    if status == 200 && body.contains(needle) { Ok(()) } else { Err(format!("{path} ({status}) lacks {needle:?}")) }
}

fn link_of(invite: &Value) -> String {
    invite["link"].as_str().unwrap_or_else(|| panic!("no link in {invite}")).to_owned()
}

fn text_of<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no {key} in {value}"))
}

/// What `status --json` says of the only community.
fn community(home: &Home) -> Value {
    home.status()["communities"][0].clone()
}

/// Both snapshots, once everything known is held.
fn snapshots(home: &Home) -> Result<(String, String), String> {
    let community = community(home);
    if community["complete"] != true {
        return Err(format!("incomplete: {community}"));
    }
    Ok((text_of(&community, "snapshot").to_owned(), text_of(&community, "snapshot_members").to_owned()))
}

fn same(a: &Home, b: &Home) -> Result<(), String> {
    let (a, b) = (snapshots(a)?, snapshots(b)?);
    if a == b { Ok(()) } else { Err(format!("{a:?} is not {b:?}")) }
}

#[test]
fn a_community_is_published_joined_answered_changed_and_outlives_its_founder() {
    let (alice, bob, carol) = (Home::new("alice"), Home::new("bob"), Home::new("carol"));
    let a = alice.start(&["quickstart", "River Street", "--public"]);
    let early_link = link_of(&alice.one(&["invite"]));

    // A real programme, three posts, two events.
    let programme = fixture("calendars/fablab_cottbus.ics");
    if let Some(file) = &programme {
        let file = file.to_str().expect("a UTF-8 path");
        let first = alice.moot(&["event", "import", file]);
        assert!(first.status.success(), "{}", folkmoot_integration_tests::text(&first));
        let before = community(&alice)["records"].clone();
        alice.ok(&["event", "import", file]);
        assert_eq!(community(&alice)["records"], before, "a second import adds nothing");
    }
    for text in ["First post, *hello*", "Second post", "Third post: müßig"] {
        alice.ok(&["post", text]);
    }
    let gig =
        alice.one(&["event", "add", "Harbour Gig", "in 2 weeks 20:00", "--duration", "3h", "--place", "The Shed"]);
    let walk = alice.one(&["event", "add", "Garden Walk", "in 5 weeks 10:00", "--zone", "Europe/Berlin"]);

    // Bob joins by link and starts his own node; everything is on his pages.
    let link = link_of(&alice.one(&["invite"]));
    bob.ok(&["join", &link]);
    let b = bob.start(&["serve"]);
    let (_, took) = eventually("bob has what alice has", || same(&alice, &bob));
    println!("bob was level {took:.1?} after his node was ready");
    for text in ["First post", "Second post", "Third post: müßig"] {
        eventually("posts are on bob's pages", || contains(&b, "/posts/", text));
    }
    for name in ["Harbour Gig", "Garden Walk"] {
        eventually("events are on bob's pages", || contains(&b, "/events/", name));
    }
    if programme.is_some() {
        eventually("the open series shows its next dates", || contains(&b, "/events/", "Repair Café"));
        eventually("old events are under past", || {
            let mut path = "/events/past/".to_owned();
            // Pages of the past are followed to their end, as a reader would.
            for _ in 0..20 {
                let (status, body) = b.get(&path);
                if body.contains("Weihnachts Repair-Café") {
                    return Ok(());
                }
                let next = body.split("rel=\"next\"").next().filter(|_| body.contains("rel=\"next\""));
                let Some(href) = next.and_then(|head| head.rsplit("href=\"").next()) else {
                    return Err(format!("{path} ({status}) is the last page"));
                };
                let href = href.split('"').next().unwrap_or_default().replace("&amp;", "&");
                path = if href.starts_with('?') { format!("/events/past/{href}") } else { href };
            }
            Err("too many pages".into())
        });
    }

    // Bob's answer counts on Alice's page.
    let gig_page = format!("/e/{}", text_of(&gig, "short"));
    bob.ok(&["rsvp", text_of(&gig, "uri"), "yes", "+1"]);
    let (_, took) = eventually("bob's answer is counted on alice's page", || {
        let answers = alice.one(&["event", "show", text_of(&gig, "uri")]);
        if answers["answers"]["going"] != 2 {
            return Err(answers.to_string());
        }
        contains(&a, &gig_page, "2")
    });
    println!("bob's answer took {took:.1?}");

    // An edit and a cancellation reach Bob's page and calendar.
    alice.ok(&["event", "edit", text_of(&gig, "uri"), "--name", "Harbour Gig, indoors"]);
    alice.ok(&["event", "cancel", text_of(&walk, "uri"), "--note", "Storm warning"]);
    let (_, took) = eventually("the edit is on bob's page", || contains(&b, &gig_page, "Harbour Gig, indoors"));
    println!("the edit took {took:.1?}");
    eventually("the edit is in bob's calendar", || contains(&b, "/calendar.ics", "SUMMARY:Harbour Gig\\, indoors"));
    let walk_page = format!("/e/{}", text_of(&walk, "short"));
    eventually("the cancellation is on bob's page", || contains(&b, &walk_page, "Storm warning"));
    eventually("the cancellation is in bob's file", || contains(&b, &format!("{walk_page}.ics"), "STATUS:CANCELLED"));

    // Deleting is seen too.
    let post = alice.one(&["post", "A slip of the tongue"]);
    let post_page = format!("/n/{}", text_of(&post, "short"));
    eventually("the post is on bob's page", || contains(&b, &post_page, "A slip of the tongue"));
    alice.ok(&["delete", text_of(&post, "uri")]);
    eventually("the post is gone from bob's page", || match b.get(&post_page) {
        (410, _) => Ok(()),
        other => Err(format!("{other:?}")),
    });
    eventually("alice and bob are level", || same(&alice, &bob));

    // The founder's machine is off; Carol comes with the old link and Bob's address only.
    assert!(a.stop().success(), "SIGTERM is a clean end");
    carol.ok(&["join", &early_link, "--via", &b.address()]);
    let (_, took) = eventually("carol has everything bob has", || same(&bob, &carol));
    println!("carol was level {took:.1?} after joining");
    let posts = carol.json(&["feed", "--limit", "100"]);
    assert!(posts.iter().any(|p| p.to_string().contains("Third post: müßig")), "{posts:?}");
    assert!(b.stop().success());
}

#[test]
fn a_members_community_has_no_page_and_still_reaches_its_members() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let a = alice.start(&["quickstart", "Band Room"]);
    let post = alice.one(&["post", "Rehearsal moved to the cellar"]);
    let link = link_of(&alice.one(&["invite"]));
    bob.ok(&["join", &link]);
    let b = bob.start(&["serve"]);
    eventually("bob reads the members' post", || {
        let feed = bob.ok(&["feed"]);
        if feed.contains("Rehearsal moved") { Ok(()) } else { Err(feed) }
    });
    for node in [&a, &b] {
        let short = text_of(&post, "short");
        assert_eq!(node.get(&format!("/n/{short}")).0, 404, "private and absent look the same");
        let (_, home) = node.get("/");
        assert!(!home.contains("Band Room") && !home.contains("Rehearsal"), "{home}");
    }
    assert!(community(&bob)["snapshot"].is_null());
}
