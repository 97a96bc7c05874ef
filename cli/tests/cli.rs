//! The `moot` binary as people and scripts meet it: help, exit codes, and commands without a running node.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

/// A home in a folder of its own, without a terminal and without settings of the machine.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
    fn settled() -> Self {
        let home = Self::new();
        home.ok(&["init", "--name", "Ada"]);
        home.ok(&["community", "create", "Quiet Lane", "--public", "--zone", "Europe/Berlin"]);
        home
    }
    fn dir(&self) -> PathBuf {
        self.0.path().join("home")
    }
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_moot"));
        command
            .args(args)
            .env_clear()
            .env("HOME", self.0.path())
            .env("MOOT_HOME", self.dir())
            .env("TZ", "Europe/Berlin");
        command.stdin(Stdio::null());
        command
    }
    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }
    fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
    fn json(&self, args: &[&str]) -> Vec<Value> {
        let args: Vec<&str> = ["--json"].iter().chain(args).copied().collect();
        self.ok(&args).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
    /// What it said, after checking the exit code and the form every error has.
    fn refused(&self, code: i32, args: &[&str]) -> String {
        let output = self.run(args);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert!(output.stdout.is_empty(), "an error prints no result");
        if code != 2 {
            let lines: Vec<&str> = said.lines().collect();
            assert!(lines.iter().any(|l| l.starts_with("moot: ")), "{said}");
            assert!(lines.last().is_some_and(|l| l.starts_with("hint: ")), "{said}");
        }
        said
    }
}

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
fn the_words_go_to_a_private_new_file_without_a_terminal() {
    let home = Home::new();
    let output = home.run(&["init"]);
    assert!(output.status.success());
    let files = fs::read_dir(home.0.path()).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_file());
    let files: Vec<PathBuf> = files.collect();
    let [file] = &files[..] else { panic!("one file beside the home: {files:?}") };
    let words = fs::read_to_string(file).unwrap();
    assert_eq!(words.split_whitespace().count(), 12);
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(said.contains(file.to_str().unwrap()), "{said}");
    assert!(!said.contains(words.trim()), "the words are in the file only");
}

#[test]
fn an_identity_and_its_words_are_never_overwritten() {
    let home = Home::new();
    let file = home.0.path().join("words.txt");
    let path = file.to_str().unwrap();
    fs::write(&file, "mine").unwrap();
    home.refused(1, &["init", "--phrase-file", path]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    assert!(!home.dir().exists(), "no home without its words");
    fs::remove_file(&file).unwrap();
    home.ok(&["init", "--phrase-file", path]);
    let other = home.0.path().join("other.txt");
    home.refused(1, &["init", "--phrase-file", other.to_str().unwrap()]);
    assert!(!other.exists(), "words of an identity that was never made are not left behind");
}

#[test]
fn a_wrong_word_is_named_and_a_recovery_needs_to_know_where_to_look() {
    let home = Home::new();
    let file = home.0.path().join("words.txt");
    let path = file.to_str().unwrap();
    let words = |last: &str| format!("{}{last}\n", "abandon ".repeat(11));
    fs::write(&file, words("abuot")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let link = Home::settled().json(&["invite"]).remove(0)["link"].as_str().unwrap().to_owned();
    let said = home.refused(1, &["init", "--recover", "--via", &link, "--phrase-file", path]);
    assert!(said.contains("abuot") && said.contains("about"), "{said}");
    fs::write(&file, words("about")).unwrap();
    let said = home.refused(1, &["init", "--recover", "--phrase-file", path]);
    assert!(said.contains("--via"), "{said}");
    assert!(!said.contains("abandon"), "the words are never repeated");
}

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
fn events_are_planned_moved_answered_and_called_off() {
    let home = Home::settled();
    let add =
        ["event", "add", "Gig", "2031-05-02 20:00", "--end", "23:00", "--place", "The Shed", "--price", "5-8 EUR"];
    let gig = home.json(&add).remove(0);
    let short = gig["short"].as_str().unwrap();
    home.ok(&["rsvp", short, "yes", "+2"]);
    home.ok(&["event", "edit", short, "--start", "2031-05-03 20:00"]);
    let shown = home.json(&["event", "show", short]).remove(0);
    assert_eq!(shown["record"]["start"], serde_json::json!({"local": "2031-05-03T20:00", "zone": "Europe/Berlin"}));
    assert_eq!(shown["record"]["duration"], 10_800);
    assert_eq!(shown["record"]["sequence"], 1);
    assert_eq!((&shown["answers"]["going"], &shown["answers"]["before_change"]), (&3.into(), &0.into()));
    home.ok(&["event", "cancel", short, "--note", "Storm"]);
    let listed = home.json(&["event", "list", "--from", "2031-05-01", "--to", "2031-05-31"]).remove(0);
    assert_eq!((&listed["cancelled"], &listed["name"]), (&true.into(), &"Gig".into()));
    assert!(home.refused(1, &["rsvp", short, "yes"]).contains("cancelled"));
}

#[test]
fn one_date_of_a_series_is_called_off_alone() {
    let home = Home::settled();
    let add = ["event", "add", "Choir", "2031-01-02 19:30", "--repeat", "weekly on thu until 2031-01-23"];
    let choir = home.json(&add).remove(0);
    let short = choir["short"].as_str().unwrap();
    home.ok(&["event", "cancel", short, "--at", "2031-01-16"]);
    let dates = home.json(&["event", "list", "--from", "2031-01-01", "--to", "2031-12-31"]);
    let said: Vec<_> = dates.iter().map(|d| (d["at"].as_str().unwrap(), d["cancelled"].as_bool().unwrap())).collect();
    assert_eq!(
        said,
        [
            ("2031-01-02T19:30", false),
            ("2031-01-09T19:30", false),
            ("2031-01-16T19:30", true),
            ("2031-01-23T19:30", false)
        ]
    );
    home.refused(1, &["event", "cancel", short, "--at", "2031-01-17"]);
}

fn choir(home: &Home) -> String {
    let add = ["event", "add", "Choir", "2031-01-02 19:30", "--repeat", "weekly until 2031-01-23"];
    home.json(&add).remove(0)["short"].as_str().unwrap().to_owned()
}

/// Start and status of the choir's dates, in order.
fn dates(home: &Home) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let listed = home.json(&["event", "list", "--from", "2031-01-01", "--to", "2031-12-31"]);
    listed.iter().map(|d| (text(&d["start"]["local"]), text(&d["status"]))).collect()
}

#[test]
fn a_new_time_alone_keeps_the_day() {
    let home = Home::settled();
    let gig = home.json(&["event", "add", "Gig", "2031-05-02 20:00", "--end", "02:00"]).remove(0);
    let short = gig["short"].as_str().unwrap();
    let said = home.ok(&["event", "edit", short, "--start", "21:00", "--price", "5 EUR", "--place", "Shed"]);
    for words in ["Friday 2 May 2031, 21:00 – Saturday 3 May 2031, 03:00", "5 EUR", "Shed"] {
        assert!(said.contains(words), "{said}");
    }
    assert!(home.refused(1, &["event", "add", "Bad", "20:00"]).contains("today 20:00"));
}

#[test]
fn one_date_of_a_series_is_moved_and_put_back() {
    let home = Home::settled();
    let short = choir(&home);
    let edit = |args: &[&str]| home.ok(&[&["event", "edit", &short, "--at", "2031-01-16"], args].concat());
    let said = edit(&["--start", "20:15", "--duration", "1h", "--note", "Later"]);
    assert!(said.contains("Thursday 16 January 2031, 20:15–21:15") && said.contains("instead of"), "{said}");
    assert_eq!(dates(&home)[2], ("2031-01-16T20:15".into(), "confirmed".into()));
    home.ok(&["event", "cancel", &short, "--at", "2031-01-16"]);
    let listed = home.ok(&["event", "list", "--from", "2031-01-10", "--to", "2031-01-17"]);
    assert!(listed.contains("cancelled") && listed.contains("Later"), "the reason stays and is shown: {listed}");
    let again = home.refused(1, &["event", "cancel", &short, "--at", "2031-01-16"]);
    assert!(again.contains("cancelled already") && again.contains("--confirmed"), "{again}");
    edit(&["--confirmed", "--start", "19:30"]);
    assert_eq!(dates(&home)[2], ("2031-01-16T19:30".into(), "confirmed".into()));
    let said = home.refused(1, &["event", "edit", &short, "--at", "2031-01-16", "--price", "5 EUR"]);
    assert!(said.contains("whole series"), "{said}");
    assert!(home.ok(&["event", "cancel", &short]).contains("the whole series, every date"));
}

#[test]
fn a_series_that_moves_keeps_its_single_dates_or_says_what_is_lost() {
    let home = Home::settled();
    let short = choir(&home);
    home.ok(&["event", "cancel", &short, "--at", "2031-01-16", "--note", "Storm"]);
    home.ok(&["rsvp", &short, "yes", "--at", "2031-01-09"]);
    home.ok(&["event", "edit", &short, "--start", "20:00"]);
    assert_eq!(dates(&home)[2], ("2031-01-16T20:00".into(), "cancelled".into()));
    let shown = home.json(&["event", "show", &short]).remove(0);
    assert_eq!(shown["record"]["overrides"][0]["at"], "2031-01-16T20:00");

    let friday = ["event", "edit", &short, "--start", "2031-01-03 20:00"];
    let said = home.refused(1, &friday);
    assert!(said.contains("Thursday 16 January 2031, cancelled: Storm") && said.contains("--drop-changes"), "{said}");
    let moved = home.run(&[&friday[..], &["--drop-changes"]].concat());
    let said = String::from_utf8(moved.stderr).unwrap();
    assert!(moved.status.success() && said.contains("1 answer to a single date no longer applies"), "{said}");
    assert!(dates(&home).iter().all(|(_, status)| status == "confirmed"));
}

#[test]
fn earlier_answers_are_said_to_be_marked_only_where_there_are_some() {
    let home = Home::settled();
    let gig = home.json(&["event", "add", "Gig", "2031-05-02 20:00"]).remove(0);
    let short = gig["short"].as_str().unwrap();
    let edit = |start: &str| {
        let output = home.run(&["event", "edit", short, "--start", start]);
        String::from_utf8(output.stderr).unwrap().contains("given before the change")
    };
    assert!(!edit("21:00"));
    home.ok(&["rsvp", short, "YES", "2"]);
    assert!(!edit("20:30"), "whoever changes it knows of it");
    let own = &home.json(&["event", "guests", short])[0]["answers"];
    assert_eq!((&own["going"], &own["before_change"], &own["confirmed"]), (&3.into(), &0.into(), &3.into()));
    home.ok(&["rsvp", short, "yes", "--guest", "Rose"]);
    assert!(edit("20:00"));
    let all = &home.json(&["event", "guests", short])[0]["answers"];
    assert_eq!((&all["going"], &all["before_change"]), (&4.into(), &1.into()));
    assert!(!home.ok(&["event", "list", "--from", "2031-05-01"]).contains("new time"), "there and back is no news");
}

#[test]
fn a_moved_date_says_where_it_was_and_is_named_by_either_day() {
    let home = Home::settled();
    let short = choir(&home);
    let edit = |args: &[&str]| home.ok(&[&["event", "edit", &short, "--at"], args].concat());
    edit(&["2031-01-16", "--start", "2031-01-15 19:30"]);
    let listed = home.ok(&["event", "list", "--from", "2031-01-10", "--to", "2031-01-17"]);
    assert!(listed.contains("new date, was 16 January"), "{listed}");
    let said = edit(&["2031-01-15", "--place", "Church"]);
    assert!(said.contains("place  Church") && said.contains("instead of Thursday 16 January"), "{said}");
    let said = edit(&["2031-01-09", "--place", "Church"]);
    assert!(said.contains("place  Church") && !said.contains("as the series says"), "{said}");
    let said = home.refused(1, &["event", "cancel", &short, "--at", "2031-01-14"]);
    assert!(said.contains("Wednesday 15 January 2031, 19:30 (Europe/Berlin), new date, was 16 January"), "{said}");
    let shown = home.ok(&["event", "show", &short, "--at", "2031-01-15"]);
    assert!(shown.contains("was  16 January") && shown.contains("none yet"), "{shown}");
    home.ok(&["event", "edit", &short, "--at", "2031-01-02", "--start", "18:30"]);
    assert!(home.ok(&["event", "show", &short, "--at", "2031-01-02"]).contains("New time"));
}

#[test]
fn answers_to_single_dates_are_shown_beside_those_to_every_date() {
    let home = Home::settled();
    let short = choir(&home);
    home.ok(&["rsvp", &short, "no", "--at", "2031-01-09", "--note", "Family"]);
    let said = home.ok(&["rsvp", &short, "yes", "+1"]);
    assert!(said.contains("9 January 2031 stays: not going"), "{said}");
    let shown = home.ok(&["event", "show", &short]);
    assert!(shown.contains("9 January 2031: Ada not going (Family)"), "{shown}");
    assert!(shown.contains("2 going") && !shown.contains("notgoing"), "{shown}");
    let date = home.ok(&["event", "show", &short, "--at", "2031-01-09"]);
    assert!(date.contains("1 not going") && date.contains("Ada  not going") && !date.contains("2 going"), "{date}");
    home.ok(&["event", "edit", &short, "--start", "20:00"]);
    let shown = home.ok(&["event", "show", &short]);
    assert!(shown.contains("2 going") && !shown.contains("before the last change"), "{shown}");
    let date = home.json(&["event", "show", &short, "--at", "2031-01-09"]).remove(0);
    assert_eq!((&date["at"], &date["answers"]["not_going"]), (&"2031-01-09T20:00".into(), &1.into()));
}

#[test]
fn what_was_understood_is_said_and_doors_open_before_the_start() {
    let home = Home::settled();
    let add = ["event", "add", "Gig", "2031-05-02 20:00", "--doors", "19:00", "--capacity", "80", "--plus", "2"];
    let said = home.ok(&add);
    for words in ["doors 19:00", "80 places", "each answer may bring 2 people"] {
        assert!(said.contains(words), "{said}");
    }
    let said = home.refused(1, &["event", "edit", "Gig", "--doors", "20:30"]);
    assert!(said.contains("doors would open after it starts") && said.contains("--doors"), "{said}");
    let moved = home.run(&["event", "edit", "Gig", "--start", "18:00"]);
    let said = String::from_utf8(moved.stderr).unwrap();
    assert!(said.contains("doors go with the start: 17:00, not 19:00"), "{said}");
    home.ok(&["event", "edit", "Gig", "--start", "19:00", "--doors", "18:30"]);
}

#[test]
fn words_in_the_wrong_place_are_noticed() {
    let home = Home::settled();
    let said = home.refused(1, &["event", "add", "fri 20:00", "Band night"]);
    assert!(said.contains("did you swap name and time?"), "{said}");
    assert!(home.refused(2, &["event", "add", "Band", "night", "fri", "20:00"]).contains("in quotes"));
    let short = choir(&home);
    assert!(home.refused(2, &["rsvp", "yes", &short]).contains(&format!("moot rsvp {short} yes")));
    assert!(home.refused(2, &["rsvp", &short, "perhaps"]).contains("yes, maybe, interested or no"));
}

#[test]
fn what_makes_no_sense_is_refused_with_the_reason() {
    let home = Home::settled();
    let said = home.refused(1, &["event", "add", "Gig", "2026-05-01 20:00", "--end", "2026-05-01 02:00"]);
    assert!(said.contains("starts 2026-05-01 20:00, ends 2026-05-01 02:00 (Europe/Berlin)"), "{said}");
    assert!(said.contains("--end \"2026-05-02 02:00\""), "{said}");
    assert!(home.refused(1, &["event", "add", "Gig", "fri 20:00", "--zone", "berlin"]).contains("Europe/Berlin"));
    let said = home.refused(1, &["event", "add", "Gig", "2031-01-03 20:00", "--repeat", "weekly on thu"]);
    assert!(said.contains("Thursday"), "{said}");
    assert!(home.refused(1, &["post", &"ä".repeat(5_001)]).contains("5001"));
    home.refused(1, &["event", "add", "Gig", "soon"]);
    home.refused(1, &["join", "https://example.org/"]);
    home.refused(1, &["--community", "Elsewhere", "post", "hello"]);
    home.refused(1, &["peer", "add", "192.0.2.7:4700"]);
    assert!(home.ok(&["feed"]).is_empty() && home.json(&["event", "list"]).is_empty());
}

#[test]
fn a_venue_is_described_once_and_its_doubles_are_noticed() {
    let home = Home::settled();
    home.ok(&[
        "venue",
        "add",
        "The Mill",
        "--street",
        "River Street 1",
        "--locality",
        "Cottbus",
        "--geo",
        "51.7563,14.3329",
    ]);
    let said = home.refused(1, &["venue", "add", "the MILL"]);
    assert!(said.contains("there is already “The Mill, Cottbus”") && said.contains("--new"), "{said}");
    home.refused(1, &["venue", "add", "Elsewhere", "--geo", "51.75631,14.33291"]);
    home.ok(&["venue", "add", "Old Mill", "--same-as", "the mill", "--alias", "Mühle"]);
    let list = home.json(&["venue", "list"]);
    assert_eq!((list.len(), &list[0]["record"]["name"]), (1, &Value::from("The Mill")));
    assert_eq!(list[0]["same"].as_array().unwrap().len(), 1);

    let gig = &home.json(&["event", "add", "Gig", "2030-12-05 20:00", "--venue", "mühle"])[0];
    let place = &home.json(&["show", gig["short"].as_str().unwrap()])[0]["record"]["places"][0];
    assert_eq!((&place["street"], &place["venue"]), (&Value::from("River Street 1"), &list[0]["uri"]));
    let output = home.run(&["event", "add", "Fair", "2030-12-06 20:00", "--place", "Mill"]);
    assert!(output.status.success() && output.stderr.is_empty(), "another name is another place");
    let output = home.run(&["event", "add", "Fair", "2030-12-07 20:00", "--place", "the mill"]);
    assert!(String::from_utf8(output.stderr).unwrap().contains("--venue"));
}

#[test]
fn an_address_that_is_kept_back_is_in_nothing_that_is_published() {
    let home = Home::settled();
    let told = |args: &[&str]| home.ok(args).contains("only on this machine  Hidden Road 1, 03046 Leeds");
    let place = ["--place", "Ada's flat", "--street", "Hidden Road 1", "--postcode", "03046", "--locality", "Leeds"];
    let add = |more: &[&'static str]| [&["event", "add", "Party", "2030-12-05 20:00"], &place[..], more].concat();
    let said = home.refused(1, &add(&["--show-place", "ask", "--text", "Hidden  road 1, third floor"]));
    assert!(said.contains("the text of the event names the street"), "{said}");
    assert!(told(&add(&["--show-place", "ask", "--repeat", "weekly"])) && told(&["event", "show", "Party"]));
    assert!(told(&["event", "edit", "Party", "--price", "free"]));
    let said = home.ok(&["event", "edit", "Party", "--price", "3 EUR"]);
    assert!(said.contains("\n  Ada's flat, Leeds\n") && said.matches("Hidden Road").count() == 1, "{said}");
    assert!(told(&["event", "edit", "Party", "--at", "2030-12-12", "--street", "Secret Lane 2"]));
    let unnamed = ["event", "edit", "Party", "--at", "2030-12-19", "--place", "", "--street", "Secret Lane 3"];
    let said = home.ok(&unnamed);
    assert!(said.contains("  place  Leeds\n") && said.matches("Secret Lane 3").count() == 1, "{said}");
    let date = home.ok(&["event", "show", "Party", "--at", "2030-12-12"]);
    assert!(date.contains("Secret Lane 2") && !date.contains("Hidden Road"), "{date}");
    for (args, field) in [
        (&["event", "cancel", "Party", "--note", "Hidden Road 1 burned"][..], "the note"),
        (&["event", "postpone", "Party", "--at", "2030-12-26", "--note", "hidden road 1"], "a changed date"),
        (&["event", "edit", "Party", "--tag", "HiddenRoad1"], "a tag"),
        (&["event", "edit", "Party", "--act", "The Hidden Road 1 Band"], "an act"),
        (&["event", "edit", "Party", "--link", "Map=https://maps.example/?q=Hidden+Road+1"], "a link"),
        (&["event", "edit", "Party", "--online", "https://maps.example/Hidden%20Road%201"], "an online link"),
        (&["event", "edit", "Party", "--host", "Hidden Road 1"], "a host"),
        (&["event", "clone", "Party", "2031-01-08", "--summary", "Hidden Road 1"], "the summary"),
    ] {
        let said = home.refused(1, args);
        assert!(said.contains(&format!("{field} of the event names the street")), "{said}");
    }
    for more in [&["--update"][..], &["--title", "Come"]] {
        let said = home.refused(1, &[&["post", "--about", "Party", "Ring at Hidden Road 1"], more].concat());
        assert!(said.contains("names the street") && said.contains("read by everybody"), "{said}");
    }
    home.refused(1, &["reply", "Party", "Ring at Hidden Road 1"]);
    let post = home.json(&["post", "--about", "Party", "--update", "Ring twice"]);
    home.refused(1, &["edit", post[0]["short"].as_str().unwrap(), "Ring twice at Hidden Road 1"]);
    let guests = home.ok(&["event", "guests", "Party", "--at", "2030-12-12"]);
    assert!(guests.contains("address for those who come (tell them yourself)  Secret Lane 2"), "{guests}");
    let kept = fs::read_dir(home.dir().join("addresses")).unwrap().next().unwrap().unwrap();
    assert_eq!(kept.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    let store = fs::read(home.dir().join("store.redb")).unwrap();
    let holds = |text: &str| store.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds("Ada's flat") && holds("Leeds"));
    assert!(!holds("Hidden Road") && !holds("Secret Lane") && !holds("03046"));

    // The neighbour's street is named before it is kept back: whatever mends that is possible.
    home.ok(&["event", "edit", "Party", "--note", "Beside Other Road 5"]);
    for change in [["--street", "Other Road 5"], ["--price", "4 EUR"]] {
        let output = home.run(&[&["event", "edit", "Party"], &change[..]].concat());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && said.contains("the note of the event names the street"), "{said}");
    }
    home.refused(1, &["event", "edit", "Party", "--note", "In Other Road 5"]);
    home.ok(&["event", "edit", "Party", "--note", "Ill"]);
    home.ok(&["event", "edit", "Party", "--street", "Hidden Road 1"]);

    let output = home.run(&["event", "edit", "Party", "--show-place", "public"]);
    assert!(output.status.success());
    let shown = &home.json(&["event", "show", "Party"])[0];
    assert_eq!(shown["record"]["places"][0]["street"], "Hidden Road 1");
    home.ok(&["delete", "Party"]);
    assert_eq!(fs::read_dir(home.dir().join("addresses")).unwrap().count(), 0);
}

#[test]
fn a_calendar_that_names_the_street_which_is_kept_back_is_not_taken_over() {
    let home = Home::settled();
    let file = home.dir().join("party.ics");
    let write = |stamp: u8, text: &str| {
        let lines = [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:-//x//x",
            "BEGIN:VEVENT",
            "UID:party@example.org",
            &format!("DTSTAMP:2030010{stamp}T000000Z"),
            "DTSTART:20301205T200000Z",
            "SUMMARY:Party",
            &format!("DESCRIPTION:{text}"),
            "END:VEVENT",
            "END:VCALENDAR",
            "",
        ];
        fs::write(&file, lines.join("\r\n")).unwrap();
    };
    let import = ["event", "import", file.to_str().unwrap()];
    write(1, "Come");
    home.ok(&import);
    let place = ["--street", "Hidden Road 1", "--locality", "Leeds", "--show-place", "area"];
    home.ok(&[&["event", "edit", "Party"], &place[..]].concat());
    write(2, "Come to Hidden Road 1");
    let said = home.refused(1, &import);
    assert!(said.contains("the text of the event names the street"), "{said}");
    write(3, "Come and sing");
    home.ok(&import);
    let shown = home.ok(&["event", "show", "Party"]);
    assert!(shown.contains("Come and sing") && shown.contains("only on this machine  Hidden Road 1"), "{shown}");
}

#[test]
fn a_poll_of_dates_becomes_the_event_and_votes_count_until_people_answer() {
    let home = Home::settled();
    home.ok(&[
        "poll",
        "add",
        "When?",
        "--date",
        "2030-12-06 20:00",
        "--date",
        "2030-12-07 20:00",
        "--place",
        "Backyard",
    ]);
    assert!(home.refused(1, &["poll", "vote", "When?", "3"]).contains("1  Friday 6 December 2030"));
    home.ok(&["poll", "vote", "When?", "1", "2"]);
    let tie = home.refused(1, &["poll", "close", "When?", "--event", "Gig"]);
    assert!(tie.contains("several dates are equally ahead") && tie.contains("--winner"), "{tie}");
    home.ok(&["poll", "vote", "When?", "2030-12-06", "--maybe", "2"]);
    let shown = &home.json(&["poll", "show", "When?"])[0];
    assert_eq!((&shown["audience"], &shown["tally"]["counts"][0]["yes"]), (&Value::from("members"), &Value::from(1)));
    home.ok(&["poll", "close", "When?", "--event", "Gig", "--price", "8 EUR"]);
    let gig = &home.json(&["event", "show", "Gig"])[0];
    assert_eq!(
        (&gig["answers"]["going"], &gig["record"]["start"]["local"]),
        (&Value::from(1), &Value::from("2030-12-06T20:00"))
    );
    assert_eq!(gig["record"]["places"][0]["name"], "Backyard");
    home.ok(&["rsvp", "Gig", "no"]);
    assert_eq!(home.json(&["event", "show", "Gig"])[0]["answers"]["going"], 0);
    home.refused(1, &["poll", "vote", "When?", "2"]);
    home.refused(1, &["poll", "close", "When?"]);
    assert!(home.ok(&["poll", "list"]).is_empty() && home.ok(&["poll", "list", "--all"]).contains("decided"));
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
fn an_event_is_cloned_to_another_day_and_forgets_what_was() {
    let home = Home::settled();
    home.ok(&["event", "add", "Gig", "2030-12-06 20:00", "--duration", "2h", "--price", "8 EUR"]);
    home.ok(&["event", "cancel", "Gig", "--note", "Ill"]);
    home.ok(&["event", "clone", "Gig", "2031-01-10", "--name", "Gig again", "--price", ""]);
    let again = &home.json(&["event", "show", "Gig again"])[0]["record"];
    assert_eq!(again["start"]["local"], "2031-01-10T20:00");
    assert_eq!(
        (&again["duration"], &again["status"], &again["sequence"]),
        (&7200.into(), &"confirmed".into(), &0.into())
    );
    assert!(again.get("price").is_none() && again.get("status_note").is_none());
    let twin = home.run(&["event", "clone", "Gig again", "2031-01-10", "--price", ""]);
    let said = String::from_utf8(twin.stderr).unwrap();
    assert!(said.contains("called so too: ") && said.contains("event: Gig again, Friday 10 January 2031"), "{said}");
    let refused = home.refused(1, &["event", "show", "Gig again"]);
    assert_eq!(refused.matches("event: Gig again, Friday 10 January 2031").count(), 2, "{refused}");
}

#[test]
fn a_picture_is_shown_without_what_it_tells_of_where_it_was_taken() {
    let home = Home::settled();
    let chunk = |kind: &[u8], body: &[u8]| [&(body.len() as u32).to_be_bytes()[..], kind, body, b"sum!"].concat();
    let poster = [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"IHDR", b"\0\0\0\x04\0\0\0\x03\x08\x02\0\0\0"),
        chunk(b"eXIf", b"behind the old mill"),
        chunk(b"IDAT", b"three herons"),
        chunk(b"IEND", b""),
    ];
    let file = |name: &str, bytes: &[u8]| {
        let path = home.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (poster, text) = (file("poster.png", &poster.concat()), file("poster.txt", b"three herons"));
    let add = ["event", "add", "Gig", "2031-05-02 20:00", "--image"];
    let with = |more: &[&str]| add.iter().chain(more).map(|arg| (*arg).to_owned()).collect::<Vec<_>>();
    let refused = |more: &[&str], code: i32| {
        let args = with(more);
        home.refused(code, &args.iter().map(String::as_str).collect::<Vec<_>>())
    };
    assert!(refused(&[&poster], 2).contains("--alt"), "who cannot see it is told");
    assert!(refused(&[&text, "--alt", "Herons"], 1).contains("no JPEG, PNG or WebP"));
    assert!(refused(&["/nowhere.png", "--alt", "Herons"], 1).contains("/nowhere.png"));
    let args = with(&[&poster, "--alt", "Three herons"]);
    home.ok(&args.iter().map(String::as_str).collect::<Vec<_>>());
    let image = &home.json(&["event", "show", "Gig"])[0]["record"]["image"];
    assert_eq!((&image["alt"], &image["width"], &image["height"]), (&"Three herons".into(), &4.into(), &3.into()));
    assert!(home.ok(&["event", "show", "Gig"]).contains("picture  Three herons"));
    let post = home.json(&["post", "Look", "--image", &poster, "--alt", "Three herons"]).remove(0);
    let shown = &home.json(&["show", post["short"].as_str().unwrap()])[0]["record"]["images"];
    assert_eq!(shown[0]["blob"], image["blob"]);
    let store = fs::read(home.dir().join("store.redb")).unwrap();
    let holds = |text: &[u8]| store.windows(text.len()).any(|part| part == text);
    assert!(holds(b"IDATthree herons") && !holds(b"old mill"));
    home.ok(&["event", "edit", "Gig", "--image", ""]);
    assert!(home.json(&["event", "show", "Gig"])[0]["record"].get("image").is_none());
}

#[test]
fn a_calendar_is_imported_once_and_its_changes_later() {
    let home = Home::settled();
    let file = home.0.path().join("c.ics");
    let write = |name: &str| {
        let event = format!(
            "BEGIN:VEVENT\r\nUID:1\r\nSUMMARY:{name}\r\nDTSTART:20310102T190000\r\nDURATION:PT2H\r\nX-COLOUR:red\r\nEND:VEVENT\r\n"
        );
        fs::write(&file, format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{event}END:VCALENDAR\r\n")).unwrap();
    };
    let path = file.to_str().unwrap();
    write("Choir");
    let lines = home.json(&["event", "import", path]);
    assert_eq!((&lines[0]["action"], &lines[0]["said"][0]), (&"added".into(), &"not kept: X-COLOUR".into()));
    // Set here, unknown to the file: stays.
    home.ok(&["event", "edit", lines[0]["short"].as_str().unwrap(), "--price", "free"]);
    assert_eq!(summary(home.json(&["event", "import", path]))["unchanged"], 1);
    write("Choir and friends");
    assert_eq!(summary(home.json(&["event", "import", path]))["changed"], 1);
    let all = home.json(&["event", "list", "--from", "2031-01-01", "--to", "2031-01-31"]);
    assert_eq!((all.len(), &all[0]["name"]), (1, &"Choir and friends".into()));
    let shown = home.json(&["show", all[0]["short"].as_str().unwrap()]).remove(0);
    assert_eq!(shown["record"]["price"]["min"], 0);
    fs::write(&file, &fs::read(&file).unwrap()[..120]).unwrap();
    assert!(home.refused(1, &["event", "import", path]).contains("END:"));
}

/// A calendar file of these components.
fn calendar(events: impl IntoIterator<Item = String>) -> String {
    let events: String = events.into_iter().map(|event| format!("BEGIN:VEVENT\r\n{event}END:VEVENT\r\n")).collect();
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n")
}

fn summary(lines: Vec<Value>) -> Value {
    lines.into_iter().find(|line| line["summary"] == true).unwrap()
}

#[test]
fn a_long_calendar_is_known_again_and_listed_whole() {
    // More than one answer of a store holds.
    const EVENTS: u64 = 520;
    let home = Home::settled();
    let file = home.0.path().join("long.ics");
    let event = |n| format!("UID:{n}\r\nSUMMARY:Gig {n}\r\nDTSTART:2031{:02}{:02}T200000\r\n", n % 12 + 1, n % 28 + 1);
    fs::write(&file, calendar((0..EVENTS).map(event))).unwrap();
    let import = ["event", "import", file.to_str().unwrap()];
    assert_eq!(summary(home.json(&import))["added"], EVENTS);
    let again = summary(home.json(&import));
    assert_eq!((&again["added"], &again["changed"], &again["unchanged"]), (&0.into(), &0.into(), &EVENTS.into()));
    let listed = home.json(&["event", "list", "--from", "2031-01-01", "--to", "2031-12-31", "-n", "10000"]);
    assert_eq!(listed.len() as u64, EVENTS);
}

#[test]
fn what_was_changed_here_survives_the_next_import() {
    let home = Home::settled();
    let file = home.0.path().join("c.ics");
    let import = ["event", "import", file.to_str().unwrap()];
    let write = |place: &str| {
        let choir = format!(
            "UID:choir\r\nSUMMARY:Choir\r\nDTSTART:20310102T193000\r\nRRULE:FREQ=WEEKLY;COUNT=4\r\nLOCATION:{place}\r\n"
        );
        let gig = "UID:gig\r\nSUMMARY:Gig\r\nDTSTART:20310105T200000\r\nDURATION:PT2H\r\n".to_owned();
        fs::write(&file, calendar([choir, gig])).unwrap();
    };
    write("Town hall");
    home.ok(&import);
    home.ok(&["event", "cancel", "Choir", "--at", "2031-01-16"]);
    home.ok(&["event", "cancel", "gig", "--note", "Storm"]);
    let unchanged = home.json(&import);
    assert_eq!(unchanged[1]["said"][0], "stays as changed here: status");
    assert_eq!(summary(unchanged)["unchanged"], 2);
    write("The Shed");
    assert_eq!(summary(home.json(&import))["changed"], 1);

    let dates = home.json(&["event", "list", "--from", "2031-01-01", "--to", "2031-01-31"]);
    let off: Vec<_> = dates.iter().filter(|d| d["cancelled"] == true).map(|d| d["at"].as_str().unwrap()).collect();
    assert_eq!(off, ["2031-01-05T20:00", "2031-01-16T19:30"]);
    assert!(dates.iter().filter(|d| d["name"] == "Choir").all(|d| d["place"].as_str().unwrap().contains("Shed")));
}

#[test]
fn folders_several_files_and_stdin_are_imported_together() {
    let home = Home::settled();
    let at = |name: &str| home.0.path().join(name);
    let event =
        |uid: &str, name: &str, day: u8| format!("UID:{uid}\r\nSUMMARY:{name}\r\nDTSTART:203101{day:02}T190000\r\n");
    fs::create_dir_all(at("club/inner")).unwrap();
    fs::write(at("club/a.ics"), calendar([event("a", "Choir", 2)])).unwrap();
    fs::write(at("club/inner/b.ICS"), calendar([event("b", "Quiz", 3)])).unwrap();
    fs::write(at("club/.hidden.ics"), calendar([event("h", "Hidden", 4)])).unwrap();
    fs::write(at("club/notes.txt"), "no calendar").unwrap();
    fs::write(at("more.ics"), calendar([event("c", "Gig", 5), event("a", "Choir", 2)])).unwrap();
    let paths = [at("club"), at("more.ics")].map(|path| path.to_str().unwrap().to_owned());
    let lines = home.json(&["event", "import", &paths[0], &paths[1]]);
    let names: Vec<_> = lines.iter().filter_map(|line| line["name"].as_str()).collect();
    assert_eq!(names, ["Choir", "Quiz", "Gig"], "what is in two files is one event");
    assert_eq!(summary(home.json(&["event", "import", &paths[1], &paths[0]]))["unchanged"], 3);

    // Of several, what can be read is imported, and what cannot be is named.
    fs::write(at("club/cut.ics"), "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n").unwrap();
    fs::write(at("club/new.ics"), calendar([event("n", "New", 6)])).unwrap();
    let output = home.run(&["event", "import", &paths[0]]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("cut.ics") && said.contains("could not read 1 file\n"), "{said}");
    assert!(String::from_utf8(output.stdout).unwrap().contains("added  New"));

    fs::create_dir(at("empty")).unwrap();
    assert!(home.refused(1, &["event", "import", at("empty").to_str().unwrap()]).contains("without a calendar file"));
    let mut piped = home.command(&["event", "import", "-"]);
    let piped = piped.stdin(fs::File::open(at("more.ics")).unwrap()).output().unwrap();
    assert!(String::from_utf8(piped.stdout).unwrap().contains("2 events: 0 added, 0 changed, 2 unchanged"));
}

#[test]
fn what_is_gone_at_the_source_stays_and_what_is_called_off_there_is_called_off_here() {
    let home = Home::settled();
    let file = home.0.path().join("c.ics");
    let import = ["event", "import", file.to_str().unwrap()];
    let gig = |status: &str| format!("UID:gig\r\nSUMMARY:Gig\r\nDTSTART:20310105T200000\r\n{status}");
    let choir = "UID:choir\r\nSUMMARY:Choir\r\nDTSTART:20310106T200000\r\n".to_owned();
    fs::write(&file, calendar([gig(""), choir.clone()])).unwrap();
    home.ok(&import);
    fs::write(&file, calendar([gig("STATUS:CANCELLED\r\n")])).unwrap();
    assert_eq!(summary(home.json(&import))["changed"], 1);
    let statuses = || -> Vec<(String, String)> {
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        let dates = home.json(&["event", "list", "--from", "2031-01-01", "--to", "2031-01-31"]);
        dates.iter().map(|date| (word(&date["name"]), word(&date["status"]))).collect()
    };
    let expected = [("Gig", "cancelled"), ("Choir", "confirmed")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(statuses(), expected);
    assert_eq!(summary(home.json(&import))["unchanged"], 1);
}

/// A message from a mail program about one event.
fn message(method: &str, uid: &str, lines: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:{method}\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20300101T000000Z\r\n\
         {lines}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

#[test]
fn a_cancellation_by_mail_calls_off_what_was_imported_and_nothing_else() {
    let home = Home::settled();
    let file = home.0.path().join("c.ics");
    let import = |text: &str| {
        fs::write(&file, text).unwrap();
        home.json(&["event", "import", file.to_str().unwrap()])
    };
    let choir =
        "UID:choir\r\nSUMMARY:Choir\r\nDTSTART;TZID=Europe/Berlin:20310102T193000\r\nRRULE:FREQ=WEEKLY;COUNT=3\r\n";
    import(&calendar([choir.to_owned(), "UID:gig\r\nSUMMARY:Gig\r\nDTSTART:20310105T200000\r\n".to_owned()]));
    let one = import(&message("CANCEL", "choir", "RECURRENCE-ID:20310109T183000Z\r\nCOMMENT:Ill"));
    assert_eq!(one[0]["action"], "changed");
    assert_eq!(import(&message("CANCEL", "gig", "STATUS:CANCELLED"))[0]["action"], "changed");
    let dates = home.json(&["event", "list", "--from", "2031-01-01", "--to", "2031-01-31"]);
    let off: Vec<_> = dates.iter().filter(|d| d["cancelled"] == true).map(|d| (&d["at"], &d["note"])).collect();
    assert_eq!(off, [(&"2031-01-05T20:00".into(), &Value::Null), (&"2031-01-09T19:30".into(), &"Ill".into())]);
    assert_eq!(import(&message("CANCEL", "gig", "STATUS:CANCELLED"))[0]["action"], "unchanged");

    for (uid, lines, why) in [("nobody", "", "not here"), ("choir", "RECURRENCE-ID:20310110T183000Z", "no such date")] {
        let lines = import(&message("CANCEL", uid, lines));
        assert!(lines[0]["said"][0].as_str().is_some_and(|said| said.contains(why)), "{lines:?}");
    }
    let own = home.json(&["event", "add", "Own", "2031-02-02 20:00"]).remove(0);
    let ics = home.ok(&["event", "export", own["short"].as_str().unwrap()]);
    let uid = ics.lines().find_map(|line| line.strip_prefix("UID:")).unwrap().trim();
    let lines = import(&message("CANCEL", uid, "STATUS:CANCELLED"));
    assert!(lines[0]["said"][0].as_str().unwrap().contains("moot event cancel"), "{lines:?}");
}

#[test]
fn an_answer_to_one_date_stays_with_its_day_however_often_the_series_gets_another_time() {
    let home = Home::settled();
    home.ok(&["event", "add", "Choir", "2031-01-02 19:30", "--repeat", "every week", "--duration", "2h"]);
    home.ok(&["rsvp", "Choir", "yes", "+2", "--at", "2031-01-09", "--note", "With the twins", "--guest", "Rose"]);
    let rose = || {
        let said = home.json(&["event", "guests", "Choir", "--at", "2031-01-09"]).remove(0);
        let people = said["answers"]["people"].as_array().unwrap().clone();
        assert_eq!(people.len(), 1, "{people:?}");
        (people[0]["status"].clone(), people[0]["count"].clone(), people[0]["note"].clone())
    };
    let stands = ("going".into(), 3.into(), "With the twins".into());
    for start in ["19:00", "19:30", "18:00", "18:15", "18:30", "18:45", "20:00"] {
        home.ok(&["event", "edit", "Choir", "--start", start]);
        assert_eq!(rose(), stands, "at {start}");
    }
    home.ok(&["rsvp", "Choir", "no", "--at", "2031-01-09", "--guest", "Rose"]);
    home.ok(&["event", "edit", "Choir", "--start", "19:30"]);
    assert_eq!(rose().0, "notgoing");
}

#[test]
fn an_answer_and_the_event_it_answers_come_in_one_import() {
    let home = Home::settled();
    let (event, reply) = (home.0.path().join("b.ics"), home.0.path().join("a.ics"));
    fs::write(&event, calendar(["UID:gig\r\nSUMMARY:Gig\r\nDTSTART:20310105T200000\r\n".to_owned()])).unwrap();
    fs::write(&reply, message("REPLY", "gig", "ATTENDEE;CN=Rose;PARTSTAT=ACCEPTED:mailto:rose@example.org")).unwrap();
    let import = || home.json(&["event", "import", event.to_str().unwrap(), reply.to_str().unwrap()]).pop().unwrap();
    assert_eq!(import()["answers"]["added"], 1);
    assert_eq!(import()["answers"]["unchanged"], 1);
    // What was entered of her here stays, as far as a later message says nothing else.
    home.ok(&["rsvp", "Gig", "maybe", "+2", "--guest", "Rose", "--note", "Needs the ramp"]);
    let later = message("REPLY", "gig", "ATTENDEE;CN=Rose;PARTSTAT=ACCEPTED:mailto:rose@example.org");
    fs::write(&reply, later.replace("20300101T", "20400101T")).unwrap();
    assert_eq!(import()["answers"]["changed"], 1);
    let rose = home.json(&["event", "guests", "Gig"]).remove(0)["answers"]["people"][0].clone();
    assert_eq!((&rose["status"], &rose["count"]), (&"going".into(), &3.into()), "{rose}");
    assert_eq!(rose["note"], "Needs the ramp");
}

#[test]
fn an_answer_by_mail_is_a_guests_and_the_newest_counts() {
    let home = Home::settled();
    let file = home.0.path().join("reply.ics");
    let reply = |uid: &str, lines: &str| {
        fs::write(&file, message("REPLY", uid, lines)).unwrap();
        home.json(&["event", "import", file.to_str().unwrap()])
    };
    let choir = home
        .json(&["event", "add", "Choir", "2031-01-02 19:30", "--repeat", "every week", "--duration", "2h"])
        .remove(0);
    let short = choir["short"].as_str().unwrap();
    let ics = home.ok(&["event", "export", short]);
    let uid = ics.lines().find_map(|line| line.strip_prefix("UID:")).unwrap().trim();
    let grandma = |status: &str| {
        format!("ATTENDEE;CN=Grandma;PARTSTAT={status};X-NUM-GUESTS=1:mailto:g@example.org\r\nCOMMENT:With cake")
    };

    let yes = reply(uid, &grandma("ACCEPTED"));
    assert_eq!(
        (&yes[0]["action"], &yes[0]["guest"], &yes[0]["count"]),
        (&"added".into(), &"Grandma".into(), &2.into())
    );
    assert_eq!(reply(uid, &grandma("ACCEPTED"))[0]["action"], "unchanged");
    let answers = || home.json(&["event", "show", short])[0]["answers"].clone();
    assert_eq!((&answers()["going"], &answers()["people"][0]["note"]), (&2.into(), &"With cake".into()));
    // One date alone, by its moment in UTC.
    let one = reply(uid, &format!("RECURRENCE-ID:20310109T183000Z\r\n{}", grandma("TENTATIVE")));
    assert_eq!((&one[0]["action"], &one[0]["occurrence"]), (&"added".into(), &"2031-01-09".into()));
    assert_eq!(reply(uid, &grandma("DECLINED"))[0]["action"], "changed");
    assert_eq!(answers()["going"], 0);
    let summary = summary(reply(uid, &grandma("DECLINED")));
    assert_eq!(summary["answers"]["unchanged"], 1);

    let dry = home.json(&["event", "import", "--dry-run", file.to_str().unwrap()]);
    assert_eq!(dry[0]["action"], "unchanged");
    // After a change of the plan, an answer to the old one does not overrule one to the new one.
    home.ok(&["event", "edit", short, "--start", "20:00"]);
    assert_eq!(reply(uid, &format!("SEQUENCE:1\r\n{}", grandma("ACCEPTED")))[0]["action"], "changed");
    let late = reply(uid, &format!("SEQUENCE:0\r\n{}", grandma("DECLINED")));
    assert!(
        late[0]["action"] == "unchanged" && late[0]["said"][0].as_str().unwrap().contains("older plan"),
        "{late:?}"
    );
    assert_eq!(answers()["going"], 2);

    for (uid, lines, why) in [
        ("nobody@example.org", grandma("ACCEPTED"), "not here"),
        (uid, format!("RECURRENCE-ID:20310110T183000Z\r\n{}", grandma("ACCEPTED")), "has no date"),
    ] {
        let lines = reply(uid, &lines);
        assert!(lines[0]["said"][0].as_str().unwrap().contains(why), "{lines:?}");
    }
}

#[test]
fn events_are_exported_as_they_are_and_a_copy_that_comes_back_changes_nothing() {
    let home = Home::settled();
    home.ok(&["event", "add", "Choir", "2020-01-02 19:30", "--repeat", "every week", "--duration", "2h"]);
    let gig = home.json(&["event", "add", "Gig", "2031-01-05 20:00"]).remove(0);
    home.ok(&["event", "cancel", "Choir", "--at", "2031-01-09"]);
    let one = home.ok(&["event", "export", gig["short"].as_str().unwrap()]);
    assert!(one.starts_with("BEGIN:VCALENDAR\r\n") && one.matches("BEGIN:VEVENT").count() == 1 && !one.contains("URL"));
    let file = home.0.path().join("all.ics");
    let path = file.to_str().unwrap();
    assert_eq!(home.json(&["event", "export", "--all", "-o", path])[0]["events"], 2);
    let all = fs::read_to_string(&file).unwrap();
    assert_eq!(all, home.ok(&["event", "export", "--all"]), "two renders are equal");
    assert_eq!(all, home.ok(&["event", "export", "Gig", "choir", "Gig"]), "whatever the order they are named in");
    assert!(all.contains("STATUS:CANCELLED") && all.contains("RRULE:FREQ=WEEKLY"));
    assert!(home.refused(1, &["event", "export", "--all", "-o", path]).contains("already"));
    home.ok(&["event", "export", "--all", "-o", path, "--force"]);
    home.refused(2, &["event", "export"]);
    let back = home.json(&["event", "import", path]);
    let summary = summary(back);
    assert_eq!((&summary["unchanged"], &summary["added"]), (&2.into(), &0.into()));

    // In another home they are new, and the export of that holds the same dates.
    let other = Home::settled();
    other.ok(&["event", "import", path]);
    let dates = |home: &Home| {
        let dates = home.json(&["event", "list", "--from", "2031-01-01", "--to", "2031-03-01"]);
        dates
            .into_iter()
            .map(|d| (d["name"].clone(), d["from"].clone(), d["to"].clone(), d["status"].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(dates(&home), dates(&other));
}

#[test]
fn an_event_is_named_by_its_title_unless_several_have_it() {
    let home = Home::settled();
    home.ok(&["event", "add", "Harbour Gig", "2031-05-02 20:00"]);
    let answer = home.json(&["rsvp", "harbour gig", "yes", "+1"]).remove(0);
    assert_eq!(answer["existed"], false);
    assert_eq!(home.json(&["event", "show", "Harbour Gig"])[0]["answers"]["going"], 2);
    home.ok(&["event", "add", "Harbour Gig", "2031-06-06 20:00"]);
    let said = home.refused(1, &["event", "cancel", "Harbour Gig"]);
    assert!(said.contains("2 May 2031") && said.contains("6 June 2031"), "{said}");
    assert!(home.refused(1, &["rsvp", "Harbour", "yes"]).contains("nothing called"));
}

#[test]
fn a_name_is_known_before_the_first_community_and_asked_for_where_there_is_none() {
    let home = Home::new();
    home.ok(&["init", "--name", "Ada"]);
    assert_eq!(home.json(&["whoami"])[0]["name"], "Ada");
    let nameless = Home::new();
    nameless.ok(&["init"]);
    let create = |home: &Home| {
        let output = home.run(&["community", "create", "Quiet Lane", "--public"]);
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(create(&nameless).contains("moot profile set --name"));
    assert!(!create(&home).contains("moot profile set --name"));
    assert_eq!(home.json(&["member", "list"])[0]["name"], "Ada");
}

#[test]
fn quickstart_founds_no_second_community_unasked() {
    let home = Home::settled();
    let said = home.refused(1, &["quickstart", "Quite Lane", "--public"]);
    assert!(said.contains("Quiet Lane") && said.contains("--another"), "{said}");
    assert_eq!(home.json(&["community", "list"]).len(), 1);
}

#[test]
fn a_name_nobody_could_publish_is_refused_before_anything_is_made() {
    let home = Home::new();
    assert!(home.refused(1, &["init", "--name", &"x".repeat(65)]).contains("64"));
    assert!(!home.dir().exists());
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

#[test]
fn settings_say_where_they_came_from() {
    let home = Home::settled();
    home.ok(&["config", "http", "127.0.0.1:9999"]);
    let rows = home.json(&["config"]);
    let origin = |key: &str| rows.iter().find(|r| r["key"] == key).map(|r| r["origin"].clone()).unwrap();
    assert_eq!((origin("http"), origin("listen")), ("config.toml".into(), "default".into()));
    assert!(home.refused(1, &["config", "htp"]).contains("http"));
    home.ok(&["use", "quiet"]);
    assert_eq!(home.json(&["config", "community"])[0]["origin"], "config.toml");
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
fn a_quota_of_ones_own_refuses_in_a_sentence() {
    let home = Home::settled();
    home.ok(&["config", "quota_member", "1KiB"]);
    home.ok(&["post", "short"]);
    let said = home.refused(1, &["post", &"long ".repeat(200)]);
    assert!(said.contains("this node keeps 1 KiB for a member") && said.contains("moot config quota_member"), "{said}");
    home.ok(&["config", "quota_member", "200"]);
    assert!(home.ok(&["status"]).contains("filling up"));
    home.ok(&["config", "quota_member", "none"]);
    home.ok(&["post", &"long ".repeat(200)]);
    assert!(home.refused(1, &["config", "quota_member", "much"]).contains("256MiB"));
}

#[test]
fn a_file_that_is_not_there_or_no_archive_is_called_that() {
    let home = Home::new();
    let said = home.refused(1, &["verify", "river.car"]);
    assert!(said.contains("could not read river.car: there is no such file") && !said.contains("home"), "{said}");
    let said = home.refused(1, &["verify", "riverstreet"]);
    assert!(said.contains("no such file") && said.contains("need no home"), "{said}");
    let letter = home.0.path().join("letter.txt");
    fs::write(&letter, "Dear all, this letter is long enough to be taken for more than a letter. ".repeat(9)).unwrap();
    let letter = letter.to_str().unwrap();
    home.ok(&["init"]);
    for command in ["verify", "import"] {
        let said = home.refused(1, &[command, letter]);
        assert!(said.contains("it is no archive") && !said.contains("byte"), "{said}");
        let said = home.refused(1, &[command, "/nowhere/river.car"]);
        assert!(said.contains("no such file") && said.contains("check its name"), "{said}");
        let said = home.refused(1, &[command, home.0.path().to_str().unwrap()]);
        assert!(said.contains("it is a folder"), "{said}");
    }
}

#[test]
fn damage_is_told_in_plain_words_and_names_its_block_once() {
    let home = Home::settled();
    home.ok(&["post", "The keys hang behind the bar."]);
    let file = home.0.path().join("lane.car");
    home.ok(&["export", "--all", "-o", file.to_str().unwrap()]);
    let nobody = Home::new();
    let said = nobody.ok(&["verify", file.to_str().unwrap()]);
    assert!(said.contains("  Ada z6Mk"), "the profile in it gives a name: {said}");

    let whole = fs::read(&file).unwrap();
    let at = |word: &[u8]| whole.windows(word.len()).position(|w| w == word).unwrap();
    let damaged = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        let path = nobody.0.path().join("damaged.car");
        fs::write(&path, bytes).unwrap();
        nobody.refused(1, &["verify", path.to_str().unwrap()])
    };
    let said = damaged(at(b"roots"));
    assert!(said.contains("its header cannot be read") && !said.contains("Msg"), "{said}");
    let said = damaged(at(b"The keys hang"));
    let line = said.lines().find(|line| line.contains("damaged at byte")).unwrap();
    assert_eq!(line.matches("bafyrei").count(), 1, "{line}");
    assert!(said.contains("1 of its blocks is missing"), "{said}");
}

#[test]
fn what_cannot_be_restored_is_said_before_any_words_are_asked_for() {
    let home = Home::settled();
    let file = |name: &str| home.0.path().join(name).to_str().unwrap().to_owned();
    home.ok(&["backup", &file("lane.backup")]);
    let whole = fs::read(file("lane.backup")).unwrap();
    fs::write(file("cut"), &whole[..whole.len() / 2]).unwrap();
    fs::write(file("letter"), "Dear all").unwrap();
    fs::copy(home.dir().join("store.redb"), file("store")).unwrap();
    let before = fs::read(home.dir().join("store.redb")).unwrap();
    let said = home.refused(1, &["restore", &file("lane.backup"), "--via", "nonsense"]);
    assert!(said.contains("there is a home at") && said.contains("nothing was changed"), "{said}");
    assert!(before == fs::read(home.dir().join("store.redb")).unwrap());

    let other = Home::new();
    for (name, why, hint) in [
        ("nowhere", "there is no such file", "check its name"),
        ("letter", "it is no backup", "moot backup wrote"),
        ("store", "and no backup", "moot backup FILE"),
        ("cut", "it is damaged, or was cut", "copy it again"),
    ] {
        let said = other.refused(1, &["restore", &file(name)]);
        assert!(said.contains(why) && said.contains(hint), "{name}: {said}");
        assert!(!said.contains("12 words") && !other.dir().exists(), "{name}: {said}");
    }
}

#[test]
fn a_size_that_cannot_be_read_is_refused_with_the_forms_that_can() {
    let home = Home::new();
    home.ok(&["init"]);
    for (key, value, form) in
        [("quota_member", "20kb", "256MiB"), ("http", "8080", "127.0.0.1:4780"), ("gateway", "maybe", "true or false")]
    {
        let said = home.refused(1, &["config", key, value]);
        assert!(said.lines().last().unwrap().contains(form), "{said}");
    }
    let listed = home.ok(&["config"]);
    assert!(listed.lines().any(|line| line.starts_with("quota_community  4GiB")), "{listed}");
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

#[test]
fn every_key_of_the_status_is_in_the_manual() {
    fn keys(value: &Value, all: &mut Vec<String>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| {
                all.push(key.clone());
                keys(value, all);
            }),
            Value::Array(list) => list.iter().for_each(|value| keys(value, all)),
            _ => {}
        }
    }
    let home = Home::settled();
    home.ok(&["post", "The keys hang behind the bar."]);
    let mut all = Vec::new();
    keys(&home.json(&["status"])[0], &mut all);
    let manual = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/manual.md")).unwrap();
    for key in all {
        assert!(manual.contains(&format!("`{key}`")), "{key}");
    }
}
