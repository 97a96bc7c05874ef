//! A form in the person's own editor, for commands that were called bare on a terminal. A line of it is a flag of the command
//! without its dashes, so the two never differ: what was filled in is read by the same code as what is typed.

use clap::{ArgAction, Args, Command, FromArgMatches};

use crate::{
    draft::Draft,
    editor,
    error::{Error, Result},
    near::near,
    session::Session,
};

/// Begins a line that says what was wrong the last time.
const WRONG: &str = "# ! ";

/// What a form shows at first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form {
    /// What it is for, a sentence or two.
    pub(crate) head: Vec<String>,
    pub(crate) lines: Vec<Field>,
    /// The last field, which goes over all lines that follow.
    pub(crate) text: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) key: &'static str,
    /// Examples.
    pub(crate) help: &'static str,
    /// One line each; at least an empty one is shown.
    pub(crate) values: Vec<String>,
}

/// What was filled in, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filled {
    lines: Vec<(String, String)>,
    text: String,
}

impl Form {
    pub(crate) fn new(head: &[&str]) -> Self {
        Self { head: head.iter().map(|line| (*line).to_owned()).collect(), ..Self::default() }
    }
    pub(crate) fn field(mut self, key: &'static str, help: &'static str, value: impl Into<Option<String>>) -> Self {
        self.lines.push(Field { key, help, values: value.into().into_iter().collect() });
        self
    }
    /// One line each; empty ones are room to write in.
    pub(crate) fn fields(mut self, key: &'static str, help: &'static str, values: Vec<String>) -> Self {
        self.lines.push(Field { key, help, values });
        self
    }
    pub(crate) fn text(mut self, text: Option<String>) -> Self {
        self.text = text.unwrap_or_default();
        self
    }

    pub(crate) fn render(&self) -> String {
        let mut out: String = self.head.iter().map(|line| format!("# {line}\n")).collect();
        for field in &self.lines {
            out.push('\n');
            if !field.help.is_empty() {
                out.push_str(&format!("# {}\n", field.help));
            }
            let empty = [String::new()];
            let values = if field.values.is_empty() { &empty[..] } else { &field.values };
            for value in values {
                // A value of several lines stays one; its end is not lost on the way back.
                let line = format!("{}: {}", field.key, value.replace('\n', " "));
                out.push_str(line.trim_end());
                out.push('\n');
            }
        }
        out.push_str("\n# Everything below this line is the text (Markdown).\ntext:\n");
        out.push_str(&self.text);
        if !self.text.is_empty() {
            out.push('\n');
        }
        out
    }

    pub(crate) fn as_filled(&self) -> Filled {
        // By its own reader, so that what was not touched is equal.
        parse(&self.render()).unwrap_or_default()
    }
}

/// Lines `key: value`; those that begin with # are left out. After `text:` all is text.
pub(crate) fn parse(form: &str) -> Result<Filled> {
    let mut filled = Filled::default();
    let mut rest = form;
    while let Some((line, after)) = rest.split_once('\n').or((!rest.is_empty()).then_some((rest, ""))) {
        rest = after;
        let line = line.trim_end_matches('\r');
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        let Some((key, value)) = line.split_once(':') else {
            return Err(Error::refused(format!("could not read the line {line:?}: it has no field before it"))
                .hint("write it like \"place: Backyard\"; the text goes below text:"));
        };
        let key = key.trim().to_lowercase().replace([' ', '_'], "-");
        if key == "text" {
            filled.text = format!("{value}\n{after}").trim().to_owned();
            break;
        }
        filled.lines.push((key, value.trim().to_owned()));
    }
    Ok(filled)
}

impl Filled {
    /// Nothing at all.
    fn is_blank(&self) -> bool {
        self.text.is_empty() && self.lines.iter().all(|(_, value)| value.is_empty())
    }

    fn of(&self, key: &str) -> Vec<&str> {
        let of_key = self.lines.iter().filter(|(k, _)| k == key).map(|(_, value)| value.as_str());
        of_key.filter(|value| !value.is_empty()).collect()
    }

    /// The one value of a field.
    pub(crate) fn one(&self, key: &str) -> Option<&str> {
        self.of(key).first().copied()
    }

    /// All but one field.
    pub(crate) fn without(&self, key: &str) -> Self {
        let lines = self.lines.iter().filter(|(k, _)| k != key).cloned().collect();
        Self { lines, text: self.text.clone() }
    }

    /// The command line that says what differs from `before`, but for the fields in `positional`, which stand at its end in that
    /// order, and `last` behind them.
    fn command_line(
        &self,
        before: &Self,
        command: &Command,
        positional: &[&str],
        last: Option<&str>,
    ) -> Result<Vec<String>> {
        let mut args = vec![command.get_name().to_owned()];
        let mut done: Vec<&str> = positional.to_vec();
        for (key, _) in self.lines.iter().chain(&before.lines) {
            if done.contains(&key.as_str()) {
                continue;
            }
            done.push(key);
            let (new, old) = (self.of(key), before.of(key));
            if new == old {
                continue;
            }
            let flag = command.get_arguments().find(|arg| {
                arg.get_long() == Some(key) || arg.get_all_aliases().is_some_and(|a| a.contains(&key.as_str()))
            });
            let Some(flag) = flag else { return Err(unknown(key, command, positional)) };
            match flag.get_action() {
                ArgAction::SetTrue => match new.as_slice() {
                    ["yes" | "true"] => args.push(format!("--{key}")),
                    [] | ["no" | "false"] => {}
                    other => {
                        return Err(Error::refused(format!(
                            "could not read the field {key}: it is {:?}",
                            other.join(", ")
                        ))
                        .hint(format!("write \"{key}: yes\", or leave the line out")));
                    }
                },
                _ if new.is_empty() => args.push(format!("--{key}=")),
                _ => args.extend(new.iter().map(|value| format!("--{key}={value}"))),
            }
        }
        if self.text != before.text {
            args.push(format!("--text={}", self.text));
        }
        args.push("--".to_owned());
        args.extend(positional.iter().filter_map(|key| self.one(key)).chain(last).map(ToOwned::to_owned));
        Ok(args)
    }

    /// The arguments of a command as they were filled in.
    pub(crate) fn args<A: Args + FromArgMatches>(
        &self,
        before: &Self,
        positional: &[&str],
        last: Option<&str>,
    ) -> Result<A> {
        let command = A::augment_args(Command::new("form").no_binary_name(false).disable_help_flag(true));
        let line = self.command_line(before, &command, positional, last)?;
        command.try_get_matches_from(line).and_then(|matches| A::from_arg_matches(&matches)).map_err(|error| {
            let said = error.to_string();
            let said = said.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Error::refused(format!("could not read the form: {said}")).hint("change that field")
        })
    }
}

fn unknown(key: &str, command: &Command, positional: &[&str]) -> Error {
    let flags = command.get_arguments().filter(|arg| !arg.is_hide_set()).filter_map(|arg| arg.get_long());
    let names: Vec<&str> = flags.chain(positional.iter().copied()).chain(["text"]).collect();
    let said = Error::refused(format!("could not read the form: there is no field {key:?}"));
    match near(key, names.iter().copied(), 2).as_slice() {
        [] => said.hint("every flag of the command is a field, without its dashes; the text goes below text:"),
        nearest => said.hint(format!("did you mean {}?", nearest.join(" or "))),
    }
}

/// Opens the form until `act` takes what was filled in, or the person gives up. `noun`: "event"; `of`: the version that is
/// edited, so that a draft is found again, and never laid over what others changed since.
pub(crate) fn fill(
    session: &Session,
    noun: &str,
    of: Option<&str>,
    form: &Form,
    act: impl Fn(&Filled, &Filled) -> Result<()>,
) -> Result<()> {
    let before = form.as_filled();
    let blank = form.render();
    let name = of.map_or(noun.to_owned(), |of| format!("{noun}-{of}"));
    let (draft, mut shown) = Draft::new(session, (&name, "txt"), &blank)?;
    let kept = |error| draft.kept(error, &blank);
    loop {
        session.release();
        editor::open(&draft.path).map_err(kept)?;
        let text = draft.read().map_err(kept)?;
        let unchanged = text == shown;
        let said = match parse(&text) {
            Ok(filled) if filled == before || filled.is_blank() => {
                draft.remove();
                return Err(Error::refused(format!("could not publish the {noun}: nothing was filled in or changed"))
                    .hint("nothing was published; change the form and save it"));
            }
            Ok(filled) => act(&filled, &before),
            Err(error) => Err(error),
        };
        match said {
            Ok(()) => {
                draft.remove();
                return Ok(());
            }
            // Closed as it was shown: they do not want to go on now.
            Err(error) if unchanged => return Err(kept(error)),
            Err(error) => {
                shown = with_error(&text, &error);
                draft.write(&shown).map_err(kept)?;
            }
        }
    }
}

/// What was wrong, above what was filled in.
fn with_error(form: &str, error: &Error) -> String {
    let lines = std::iter::once(&error.message).chain(&error.detail).cloned();
    let hint = error.hint.iter().map(|hint| format!("hint: {hint}"));
    let said: String = lines.chain(hint).map(|line| format!("{WRONG}{}\n", line.replace('\n', " "))).collect();
    // Those of the last time stand at the top, and nowhere below the text.
    let mut rest = form;
    while let Some(after) = rest.strip_prefix(WRONG) {
        rest = after.split_once('\n').map_or("", |(_, after)| after);
    }
    said + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, clap::Args, PartialEq)]
    struct Gig {
        name: String,
        #[arg(long)]
        place: Option<String>,
        #[arg(long)]
        tag: Vec<String>,
        #[arg(long)]
        all_day: bool,
        #[arg(long)]
        text: Option<String>,
    }

    fn form() -> Form {
        Form::new(&["A gig."])
            .field("name", "", None)
            .field("place", "Backyard", "Old Hall".to_owned())
            .fields("tag", "", vec!["punk".into(), "folk".into()])
            .text(Some("# Heading\n\nname: of the band".into()))
    }

    fn read(text: &str) -> Result<Gig> {
        parse(text)?.args(&form().as_filled(), &["name"], None)
    }

    #[test]
    fn what_was_not_touched_is_not_said_again() {
        let untouched = form().render();
        assert_eq!(parse(&untouched).unwrap(), form().as_filled());
        let gig = read(&untouched.replace("name:\n", "name: Herons: live\n")).unwrap();
        assert_eq!(gig, Gig { name: "Herons: live".into(), place: None, tag: vec![], all_day: false, text: None });
    }

    #[test]
    fn what_was_changed_added_or_emptied_becomes_flags() {
        let text = "# a comment\nname: Gig\nplace:\ntag: punk\nTag: -x\nall day: yes\ntext: One\n# two\n";
        let gig = read(text).unwrap();
        let want = Gig {
            name: "Gig".into(),
            place: Some(String::new()),
            tag: vec!["punk".into(), "-x".into()],
            all_day: true,
            text: Some("One\n# two".into()),
        };
        assert_eq!(gig, want);
        assert_eq!(read("name: --help\n").unwrap().name, "--help");
    }

    #[test]
    fn an_emptied_form_takes_nothing_away() {
        for text in ["", "\n\n", "# only this\n", "name:\nplace:\n\ntext:\n \n"] {
            assert!(parse(text).unwrap().is_blank(), "{text:?}");
        }
        assert!(!parse("text: x").unwrap().is_blank() && !form().as_filled().is_blank());
    }

    #[test]
    fn what_cannot_be_read_is_told_with_the_nearest_field() {
        let said = |text: &str| {
            let error = read(text).unwrap_err();
            format!("{}; {}", error.message, error.hint.unwrap_or_default())
        };
        assert!(said("name: x\nplac: y").contains("did you mean place"));
        assert!(said("Backyard").contains("no field before it"));
        assert!(said("name: x\nall-day: perhaps").contains("all-day: yes"));
        assert!(said("place: y\n").contains("could not read the form"));
    }

    #[test]
    fn an_error_stands_above_the_form_until_the_next_one_and_the_text_keeps_its_lines() {
        let error = |message: &str| Error::refused(message).because("why").hint("do this");
        let once = with_error("name: x\ntext:\n# ! mine\n", &error("first"));
        assert_eq!(once, "# ! first\n# ! why\n# ! hint: do this\nname: x\ntext:\n# ! mine\n");
        let twice = with_error(&once, &error("second"));
        assert!(twice.starts_with("# ! second\n") && !twice.contains("first") && twice.contains("# ! mine"));
        assert_eq!(parse(&once).unwrap().text, "# ! mine");
    }
}
