use std::process::Stdio;

use crate::home::Home;

#[test]
fn every_command_explains_itself_with_an_example() {
    let home = Home::new();
    let commands = |help: &str| -> Vec<String> {
        let list = help.split("Commands:\n").nth(1).unwrap_or_default();
        let rows = list.lines().take_while(|line| !line.is_empty());
        rows.filter(|line| line.starts_with("  ") && !line.starts_with("   "))
            .filter_map(|line| line.split_whitespace().next())
            .filter(|name| *name != "help")
            .map(ToOwned::to_owned)
            .collect()
    };
    let top = commands(&home.ok(&["--help"]));
    assert!(top.len() > 20, "{top:?}");
    for name in &top {
        let help = home.ok(&[name, "--help"]);
        let inner = commands(&help);
        assert!(help.contains("Example") || !inner.is_empty(), "{name}: {help}");
        for sub in inner {
            let help = home.ok(&[name, &sub, "--help"]);
            assert!(help.contains("Example"), "{name} {sub}: {help}");
        }
    }
    assert!(!home.dir().exists(), "asking for help makes nothing");
}

#[test]
fn a_bad_command_line_is_exit_code_2_and_names_the_nearest() {
    let home = Home::new();
    assert!(home.refused(2, &["pots", "hello"]).contains("post"));
    home.refused(2, &["community", "create", "Neither"]);
    home.refused(2, &["event", "add", "Gig", "fri 20:00", "--end", "23:00", "--duration", "2h"]);
    home.refused(2, &[]);
    let said = home.refused(2, &["event"]);
    assert!(said.contains("import") && !said.contains("Usage: moot event --home"), "{said}");
}

#[test]
fn a_command_called_bare_without_a_terminal_says_what_is_missing() {
    let home = Home::settled();
    for args in [&["event", "add"][..], &["event", "add", "Gig"], &["poll", "add"]] {
        assert!(home.refused(2, args).contains("opens a form"), "{args:?}");
    }
    home.ok(&["event", "add", "Gig", "2030-12-06 20:00"]);
    home.refused(1, &["event", "edit", "Gig"]);
    assert!(!home.dir().join("drafts").exists());
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let home = Home::settled();
    for n in 0..20 {
        home.ok(&["post", &format!("number {n}")]);
    }
    let mut feed = home.command(&["feed"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(feed.stdout.take());
    let output = feed.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_next_step_names_the_home_that_was_named() {
    let home = Home::new();
    let other = home.0.path().join("other home");
    let output = home.run(&["--home", other.to_str().unwrap(), "init"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&format!("next: moot --home '{}' community create", other.display())), "{said}");
    let said = String::from_utf8(home.run(&["init"]).stderr).unwrap();
    assert!(said.contains("next: moot community create"), "{said}");
}
