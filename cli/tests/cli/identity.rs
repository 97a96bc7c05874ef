use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use crate::home::Home;

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
fn a_name_nobody_could_publish_is_refused_before_anything_is_made() {
    let home = Home::new();
    assert!(home.refused(1, &["init", "--name", &"x".repeat(65)]).contains("64"));
    assert!(!home.dir().exists());
}

#[test]
fn whoever_joins_unattended_names_the_file_for_the_words() {
    let link = Home::settled().json(&["invite"]).remove(0)["link"].as_str().unwrap().to_owned();
    let home = Home::new();
    let file = home.0.path().join("words.txt");
    let path = file.to_str().unwrap();
    fs::write(&file, "mine").unwrap();
    let join = ["join", &link, "--name", "Ben", "--phrase-file", path];
    assert!(home.refused(1, &join).contains("could not write the 12 words"));
    assert!(!home.dir().exists(), "no home without its words");
    fs::remove_file(&file).unwrap();
    // Nobody can be reached, which is said; the identity is made all the same.
    assert_eq!(home.run(&join).status.code(), Some(3));
    let words = fs::read_to_string(&file).unwrap();
    assert_eq!(words.split_whitespace().count(), 12);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let said = home.run(&join);
    assert!(String::from_utf8(said.stderr).unwrap().contains("--phrase-file has no effect"));
    assert_eq!(fs::read_to_string(&file).unwrap(), words);
}
