use crate::home::Home;

#[test]
fn what_is_pinned_stays_here_after_it_was_deleted() {
    let home = Home::settled();
    let short = home.json(&["post", "the first gig"])[0]["short"].as_str().unwrap().to_owned();
    let added = home.json(&["pin", "add", &short, "--name", "gig"]).remove(0);
    assert!(added["fresh"] == true && added["state"] == "current" && added["complete"] == true, "{added}");
    home.ok(&["delete", &short]);
    let said = home.ok(&["pin", "list"]);
    assert!(said.starts_with("gig  post: the first gig") && said.contains("gone elsewhere, kept here alone"), "{said}");
    assert!(home.ok(&["show", &short]).contains("your pin keeps this last version"));
    assert!(home.ok(&["verify", &short]).contains("it is gone, and your pin keeps it"));
    assert_eq!(home.json(&["show", &short])[0]["kept"], true);
    let status = home.json(&["status"]).remove(0);
    assert_eq!((&status["pins"]["count"], &status["pins"]["complete"]), (&1.into(), &1.into()), "{status}");
    assert!(status["quotas"]["member"] == 268_435_456 && status["deferred"].as_array().unwrap().is_empty());
    home.ok(&["pin", "rm", "gig"]);
    assert!(home.refused(1, &["show", &short]).contains("was deleted"));
    assert!(home.json(&["pin", "list"]).is_empty());
    let swept = home.json(&["sweep", "--dry-run"]).remove(0);
    assert!(swept["dry_run"] == true && swept["blocks"] == 0 && swept["mended"] == serde_json::json!([]), "{swept}");
    assert_eq!(home.ok(&["sweep"]), "freed nothing\n");
}

#[test]
fn pins_are_listed_and_let_go_of_by_their_short_ids() {
    let home = Home::settled();
    let post = home.json(&["post", "The keys hang behind the bar."]).remove(0);
    let short = post["short"].as_str().unwrap();
    for said in [home.ok(&["pin", "add", short]), home.ok(&["pin", "list"])] {
        assert!(said.contains(short) && !said.contains("moot://"), "{said}");
    }
    home.ok(&["delete", short]);
    home.ok(&["pin", "rm", short]);
    assert!(home.ok(&["pin", "list"]).is_empty());
}
