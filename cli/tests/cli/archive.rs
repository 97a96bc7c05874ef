use std::fs;

use crate::home::Home;

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
    assert!(said.contains("  Ada "), "the profile in it gives a name: {said}");

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
