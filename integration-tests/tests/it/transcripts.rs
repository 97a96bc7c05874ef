//! Stories of people using `moot`, in `transcripts/`: to be read, and run as they stand.
//!
//! In a block marked `console` a line `ada$ moot …` is typed by Ada, in a home of her own, and what follows it is what
//! she sees, standard output first. `[..]` stands for anything within a line, `...` alone for any lines, `{NAME}` for a
//! word that `$NAME` means from then on. A command that only reads is asked again until it shows what is expected: what
//! others wrote takes a moment to arrive. `ada$ moot serve &` starts a node, `ada$ kill %1` stops it. A line
//! `ada$ cat > FILE` writes the lines that follow it to a file in Ada's folder.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
    process::Command,
};

use folkmoot_integration_tests::{Home, Running, eventually, moot_binary};

/// A command and what is expected of it.
struct Step {
    line: usize,
    who: String,
    command: String,
    expected: Vec<String>,
}

fn steps(text: &str) -> Vec<Step> {
    let (mut steps, mut inside) = (Vec::<Step>::new(), false);
    for (n, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            inside = line == "```console";
            continue;
        }
        if !inside {
            continue;
        }
        let prompt = line.split_once("$ ").filter(|(who, _)| !who.is_empty() && who.chars().all(char::is_alphabetic));
        match (prompt, steps.last_mut()) {
            (Some((who, command)), _) => {
                let (who, command) = (who.to_owned(), command.to_owned());
                steps.push(Step { line: n + 1, who, command, expected: Vec::new() });
            }
            (None, Some(step)) => step.expected.push(line.to_owned()),
            (None, None) => panic!("line {}: nobody has typed anything yet", n + 1),
        }
    }
    for step in &mut steps {
        while step.expected.last().is_some_and(|line| line.trim().is_empty()) {
            step.expected.pop();
        }
    }
    steps
}

/// Does a line look like the pattern? What `{NAME}` stands for goes into `found`.
fn line_matches(pattern: &str, line: &str, found: &mut HashMap<String, String>) -> bool {
    let hole = ["[..]", "{"].iter().filter_map(|mark| pattern.find(mark)).min();
    let Some(at) = hole else { return pattern == line };
    let Some(rest) = line.strip_prefix(&pattern[..at]) else { return false };
    if let Some(after) = pattern[at..].strip_prefix("[..]") {
        return (0..=rest.len())
            .filter(|at| rest.is_char_boundary(*at))
            .any(|at| line_matches(after, &rest[at..], found));
    }
    let Some((name, after)) = pattern[at + 1..].split_once('}') else { return pattern == line };
    let ends = (1..=rest.len()).filter(|at| rest.is_char_boundary(*at)).rev();
    for end in ends.filter(|end| !rest[..*end].contains(char::is_whitespace)) {
        if line_matches(after, &rest[end..], found) {
            found.insert(name.to_owned(), rest[..end].to_owned());
            return true;
        }
    }
    false
}

fn matches(patterns: &[String], lines: &[&str], found: &mut HashMap<String, String>) -> bool {
    match patterns.split_first() {
        None => lines.is_empty(),
        Some((any, rest)) if any == "..." => (0..=lines.len()).any(|skip| matches(rest, &lines[skip..], found)),
        Some((pattern, rest)) => match lines.split_first() {
            Some((line, more)) => line_matches(pattern, line, found) && matches(rest, more, found),
            None => false,
        },
    }
}

/// Whoever asks this twice changes nothing.
fn only_reads(command: &str) -> bool {
    let words: Vec<&str> = command.split_whitespace().skip(1).filter(|word| !word.starts_with('-')).collect();
    match words[..] {
        [family, "list" | "show" | "guests" | "reach", ..] => family != "profile" || words.get(1) == Some(&"show"),
        ["show" | "inbox" | "agenda" | "feed" | "status" | "history" | "whoami" | "verify" | "doctor", ..] => {
            !command.contains("--mark-read")
        }
        _ => false,
    }
}

struct Stage<'h> {
    homes: &'h BTreeMap<String, Home>,
    running: HashMap<String, Running<'h>>,
    said: HashMap<String, String>,
}

impl<'h> Stage<'h> {
    fn play(&mut self, step: &Step) {
        let home = &self.homes[&step.who];
        let mut command = step.command.clone();
        for (name, value) in &self.said {
            command = command.replace(&format!("${name}"), value);
        }
        if let Some(serving) = command.strip_suffix(" &") {
            let args: Vec<&str> = serving.split_whitespace().skip(1).collect();
            self.running.insert(step.who.clone(), home.start(&args));
        } else if command == "kill %1" {
            self.running.remove(&step.who).expect("a node of theirs runs").stop();
        } else if let Some(file) = command.strip_prefix("cat > ") {
            fs::write(home.scratch(file), step.expected.join("\n") + "\n").expect("a file");
        } else if only_reads(&command) {
            eventually(&format!("line {}: {}$ {command}", step.line, step.who), || self.look(home, step, &command));
        } else if let Err(why) = self.look(home, step, &command) {
            panic!("line {}: {}$ {command}\n{why}", step.line, step.who);
        }
    }

    fn look(&mut self, home: &Home, step: &Step, command: &str) -> Result<(), String> {
        let said = shell(home, command);
        let lines: Vec<&str> = said.lines().map(str::trim_end).collect();
        if matches(&step.expected, &lines, &mut self.said) {
            return Ok(());
        }
        Err(format!("is to show\n{}\n\nand shows\n{said}", step.expected.join("\n")))
    }
}

/// Through a shell, as it was typed: both streams, and the exit code where it is not 0.
fn shell(home: &Home, command: &str) -> String {
    let sample = home.command(&[]);
    let mut shell = Command::new("sh");
    shell.env_clear();
    shell.envs(sample.get_envs().filter_map(|(key, value)| Some((key, value?))));
    let folder = moot_binary().parent().map(Path::to_owned).expect("the binary is in a folder");
    let path = std::env::var("PATH").unwrap_or_default();
    shell.env("PATH", format!("{}:{path}", folder.display())).env_remove("RUST_BACKTRACE");
    let output = shell.current_dir(home.scratch("")).args(["-c", command]).output().expect("sh starts");
    let mut said = folkmoot_integration_tests::text(&output);
    match output.status.code() {
        Some(0) => {}
        code => said.push_str(&format!("exit code {}\n", code.unwrap_or(-1))),
    }
    said
}

fn play(name: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts").join(name);
    let steps = steps(&fs::read_to_string(&file).unwrap_or_else(|why| panic!("{}: {why}", file.display())));
    assert!(!steps.is_empty(), "{name} has nothing to run");
    let homes: BTreeMap<String, Home> = steps.iter().map(|step| (step.who.clone(), Home::new(&step.who))).collect();
    let mut stage = Stage { homes: &homes, running: HashMap::new(), said: HashMap::new() };
    for step in &steps {
        stage.play(step);
    }
}

#[test]
fn a_house_concert() {
    play("house-concert.md");
}

#[test]
fn a_pattern_has_holes_names_and_nothing_else() {
    let mut found = HashMap::new();
    assert!(line_matches("posted {ID} in [..]", "posted abc in River Street", &mut found));
    assert_eq!(found["ID"], "abc");
    for (pattern, line) in [("posted {ID}", "posted a b"), ("a[..]c", "ab"), ("a", "a "), ("{X}", "")] {
        assert!(!line_matches(pattern, line, &mut HashMap::new()), "{pattern:?} {line:?}");
    }
    let lines = ["one", "two", "three"];
    let patterns = |all: &[&str]| all.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    assert!(matches(&patterns(&["one", "...", "three"]), &lines, &mut HashMap::new()));
    assert!(!matches(&patterns(&["one", "three"]), &lines, &mut HashMap::new()));
}
