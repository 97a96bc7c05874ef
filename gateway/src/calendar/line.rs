//! Content lines: escaped, folded at 75 octets, ended by CRLF.

use folkmoot_schemas::records::text::settled;

const OCTETS: usize = 75;

#[derive(Debug, Default)]
pub(super) struct Lines(String);

impl Lines {
    /// A value that is no text (a date, a number, a URI) and is ours or was checked.
    pub(super) fn raw(&mut self, name: &str, value: &str) {
        let value: String = value.chars().filter(|c| !c.is_control()).collect();
        self.fold(&format!("{name}:{value}"));
    }

    pub(super) fn text(&mut self, name: &str, value: &str) {
        self.fold(&format!("{name}:{}", escape(value)));
    }

    /// Texts apart by commas.
    pub(super) fn list(&mut self, name: &str, values: &[String]) {
        let values: Vec<String> = values.iter().map(|v| escape(v)).collect();
        self.fold(&format!("{name}:{}", values.join(",")));
    }

    pub(super) fn finish(self) -> String {
        self.0
    }

    /// A line goes on behind CRLF and a blank, which counts. Never within a character.
    fn fold(&mut self, line: &str) {
        let mut room = OCTETS;
        for c in line.chars() {
            if c.len_utf8() > room {
                self.0.push_str("\r\n ");
                room = OCTETS - 1;
            }
            self.0.push(c);
            room -= c.len_utf8();
        }
        self.0.push_str("\r\n");
    }
}

fn escape(text: &str) -> String {
    // Calendar programs show it beside other text.
    let text = settled(text);
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// A parameter's value: quoted where it has to be. Quotes cannot be written and become apostrophes.
pub(super) fn parameter(text: &str) -> String {
    let clean: String =
        settled(text).chars().filter(|c| !c.is_control()).map(|c| if c == '"' { '\'' } else { c }).collect();
    if clean.contains([':', ';', ',']) { format!("\"{clean}\"") } else { clean }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, value: &str) -> String {
        let mut out = Lines::default();
        out.text(name, value);
        out.finish()
    }

    #[test]
    fn lines_fold_at_75_octets_and_never_within_a_character() {
        let text = "ä€😀x".repeat(60);
        let folded = line("SUMMARY", &text);
        for part in folded.trim_end().split("\r\n") {
            assert!(part.len() <= 75, "{} octets", part.len());
        }
        assert_eq!(folded.replace("\r\n ", ""), format!("SUMMARY:{text}\r\n"));
        assert_eq!(line("A", &"x".repeat(73)).matches("\r\n").count(), 1);
        assert_eq!(line("A", &"x".repeat(74)).matches("\r\n").count(), 2);
    }

    #[test]
    fn text_cannot_begin_a_line_of_its_own() {
        assert_eq!(line("SUMMARY", "a;b,c\\d\r\nBEGIN:VALARM\u{7}"), "SUMMARY:a\\;b\\,c\\\\d\\nBEGIN:VALARM\r\n");
        assert_eq!(line("SUMMARY", "a\u{202e}b"), "SUMMARY:ab\r\n");
        assert_eq!(parameter("a\";X=y:\r\nz"), "\"a';X=y:z\"");
    }
}
