use std::process::Stdio;

use serde_json::Value;

use crate::home::Home;

#[test]
fn posts_are_written_read_edited_and_deleted_without_a_node() {
    let home = Home::settled();
    let post = home.json(&["post", "First", "words", "--tag", "#keys"]).remove(0);
    for key in ["uri", "cid", "rev", "community", "short"] {
        assert!(post[key].is_string(), "{key}: {post}");
    }
    assert_eq!(post["sent"], false);
    let short = post["short"].as_str().unwrap();
    home.ok(&["edit", short, "Better words"]);
    home.ok(&["reply", short, "An answer"]);
    let shown = home.json(&["show", short]).remove(0);
    assert_eq!(shown["record"]["text"], "Better words");
    assert_eq!(shown["record"]["tags"][0], "keys");
    assert_eq!(shown["replies"][0]["record"]["text"], "An answer");
    assert_eq!(shown["uri"], post["uri"]);
    assert_ne!(shown["cid"], post["cid"]);
    assert!(home.ok(&["feed"]).contains("Better words"));
    home.ok(&["delete", short]);
    assert!(!home.ok(&["feed"]).contains("Better words"));
    home.refused(1, &["edit", short, "Too late"]);
}

#[test]
fn a_text_may_begin_with_a_list_item() {
    let home = Home::settled();
    home.ok(&["post", "- bring cake", "--tag", "cake"]);
    let feed = home.json(&["feed"]).remove(0);
    assert_eq!((&feed["record"]["text"], &feed["record"]["tags"][0]), (&"- bring cake".into(), &"cake".into()));
}

#[test]
fn the_same_words_twice_are_one_post_unless_again() {
    let home = Home::settled();
    let cid = |args: &[&str]| home.json(args).remove(0)["cid"].clone();
    let first = cid(&["post", "Once"]);
    assert_eq!(cid(&["post", "Once"]), first);
    assert_ne!(cid(&["post", "Once", "--again"]), first);
}

#[test]
fn posts_at_the_same_moment_all_succeed() {
    let home = Home::settled();
    let start = |n: u32| {
        let text = format!("number {n}");
        home.command(&["post", &text]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let posts: Vec<_> = (0..4).map(start).collect();
    for post in posts {
        let output = post.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let feed = home.ok(&["feed"]);
    assert!((0..4).all(|n| feed.contains(&format!("number {n}"))), "{feed}");
}

#[test]
fn an_edit_that_changes_nothing_says_so_and_a_reply_says_to_what() {
    let home = Home::settled();
    let post = home.json(&["post", "The keys hang behind the bar."]).remove(0);
    let short = post["short"].as_str().unwrap();
    let said = home.ok(&["edit", short, "The keys hang behind the bar."]);
    assert!(said.starts_with("nothing changed"), "{said}");
    let same = home.json(&["edit", short, "The keys hang behind the bar."]).remove(0);
    assert_eq!((&same["rev"], &same["existed"]), (&post["rev"], &Value::Bool(true)));
    assert!(home.ok(&["edit", short, "In the shed."]).starts_with("edited"));
    home.ok(&["reply", short, "Thank you."]);
    let feed = home.ok(&["feed"]);
    assert!(feed.contains(&format!("in reply to Ada, {short}")), "{feed}");
}

#[test]
fn the_clock_is_named_where_the_community_goes_by_another_one() {
    let home = Home::settled();
    let post = home.json(&["post", "The keys hang behind the bar."]).remove(0);
    let short = post["short"].as_str().unwrap();
    let there = |args: &[&str]| {
        let output = home.command(args).env("TZ", "America/New_York").output().unwrap();
        assert!(output.status.success(), "{args:?}");
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let note = "times are those of America/New_York; Quiet Lane goes by Europe/Berlin";
    for args in [&["feed"][..], &["history", short]] {
        let (here, (shown, said)) = (home.run(args), there(args));
        assert!(!String::from_utf8(here.stderr).unwrap().contains("times are"), "{args:?}: one clock, no word of it");
        assert_eq!(said.lines().filter(|line| *line == note).count(), 1, "{args:?}: {said}");
        assert_ne!(shown, String::from_utf8(here.stdout).unwrap(), "{args:?}");
    }
    // The setting goes before the machine, and programs are told the moment itself.
    home.ok(&["config", "zone", "Europe/Paris"]);
    assert!(!there(&["feed"]).1.contains("times are"));
    assert_eq!(there(&["--json", "feed"]).0, home.ok(&["--json", "feed"]));
    assert!(home.json(&["feed"])[0]["created"].as_str().unwrap().ends_with('Z'));
}
