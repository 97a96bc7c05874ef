use crate::home::Home;

#[test]
fn quickstart_founds_no_second_community_unasked() {
    let home = Home::settled();
    let said = home.refused(1, &["quickstart", "Quite Lane", "--public"]);
    assert!(said.contains("Quiet Lane") && said.contains("--another"), "{said}");
    assert_eq!(home.json(&["community", "list"]).len(), 1);
}

#[test]
fn the_zone_is_said_when_founding_and_checked_when_set() {
    let home = Home::new();
    home.ok(&["init", "--name", "Ada"]);
    let output = home.run(&["community", "create", "Quiet Lane", "--public"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("Europe/Berlin"), "{output:?}");
    assert!(home.refused(1, &["config", "zone", "berlin"]).contains("Europe/Berlin"));
    home.ok(&["config", "zone", "Europe/Paris"]);
    home.ok(&["config", "zone", ""]);
}
