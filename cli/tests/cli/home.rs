use std::{
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

/// A home in a folder of its own, without a terminal and without settings of the machine.
pub(crate) struct Home(pub(crate) tempfile::TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
    pub(crate) fn settled() -> Self {
        let home = Self::new();
        home.ok(&["init", "--name", "Ada"]);
        home.ok(&["community", "create", "Quiet Lane", "--public", "--zone", "Europe/Berlin"]);
        home
    }
    pub(crate) fn dir(&self) -> PathBuf {
        self.0.path().join("home")
    }
    pub(crate) fn command(&self, args: &[&str]) -> Command {
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
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
    pub(crate) fn json(&self, args: &[&str]) -> Vec<Value> {
        let args: Vec<&str> = ["--json"].iter().chain(args).copied().collect();
        self.ok(&args).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
    /// What it said, after checking the exit code and the form every error has.
    pub(crate) fn refused(&self, code: i32, args: &[&str]) -> String {
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
