//! Field checks every kind shares: NFC, no control characters, lengths in characters with bytes ≤ 4×, links by scheme.

use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::{error::Fault, limits};

/// One line of `min..=max` characters.
pub(crate) fn line(field: &str, value: &str, min: usize, max: usize) -> Result<(), Fault> {
    if value.contains('\n') {
        return Err(Fault::new(field, "has more than one line, one is allowed"));
    }
    if min > 0 && value.trim().is_empty() {
        return Err(Fault::new(field, "is empty"));
    }
    lines(field, value, max)?;
    match value.chars().count() {
        length if length < min => {
            Err(Fault::new(field, format!("is {length} characters long, at least {min} are needed")))
        }
        _ => Ok(()),
    }
}

/// Several lines (newline allowed) of ≤ `max` characters.
pub(crate) fn lines(field: &str, value: &str, max: usize) -> Result<(), Fault> {
    let length = value.chars().count();
    // No character is longer than four bytes, so this also holds the bytes to 4 × max.
    if length > max {
        return Err(Fault::new(field, format!("is {length} characters long, {max} are allowed")));
    }
    if let Some(c) = value.chars().find(|c| c.is_control() && *c != '\n') {
        return Err(Fault::new(field, format!("contains the control character U+{:04X}", u32::from(c))));
    }
    if !is_nfc(value) {
        return Err(Fault::new(field, "is not in Unicode normal form C"));
    }
    Ok(())
}

/// [`line`] for a field that may be absent.
pub(crate) fn line_if(field: &str, value: Option<&str>, max: usize) -> Result<(), Fault> {
    value.map_or(Ok(()), |value| line(field, value, 1, max))
}

/// [`lines`] for a field that may be absent.
pub(crate) fn lines_if(field: &str, value: Option<&str>, max: usize) -> Result<(), Fault> {
    value.map_or(Ok(()), |value| lines(field, value, max))
}

/// A list of at most `max` entries, each checked under its own name, e.g. `places[0]`.
pub(crate) fn list<T>(
    field: &str,
    entries: &[T],
    max: usize,
    mut each: impl FnMut(&str, &T) -> Result<(), Fault>,
) -> Result<(), Fault> {
    if entries.len() > max {
        return Err(Fault::new(field, format!("has {} entries, {max} are allowed", entries.len())));
    }
    entries.iter().enumerate().try_for_each(|(i, entry)| each(&format!("{field}[{i}]"), entry))
}

/// An absolute http(s) link ≤ 2 000 characters.
pub(crate) fn link(field: &str, value: &str) -> Result<(), Fault> {
    line(field, value, 1, limits::WEB_LINK)?;
    let Some(rest) = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://")) else {
        return Err(Fault::new(field, "does not begin with https:// or http://"));
    };
    if value.contains(|c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}'))
    {
        return Err(Fault::new(field, "contains a character that a link cannot have"));
    }
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() || host.starts_with([':', '.']) {
        return Err(Fault::new(field, "names no host"));
    }
    // `https://bank.example@evil.example/` reads as the wrong host.
    if host.contains('@') {
        return Err(Fault::new(field, "has a user name before the host"));
    }
    Ok(())
}

/// An absolute https link.
pub(crate) fn secure_link(field: &str, value: &str) -> Result<(), Fault> {
    link(field, value)?;
    if value.starts_with("https://") { Ok(()) } else { Err(Fault::new(field, "does not begin with https://")) }
}

/// ≤ 10 tags of 1–40 characters.
pub(crate) fn tags(field: &str, tags: &[String]) -> Result<(), Fault> {
    list(field, tags, limits::TAGS, |field, tag| line(field, tag, 1, limits::TAG))
}

/// A language tag of the form BCP 47 gives, e.g. `de` or `pt-BR`; whether it is registered is not looked up.
pub(crate) fn lang(field: &str, value: Option<&str>) -> Result<(), Fault> {
    let Some(value) = value else { return Ok(()) };
    let mut parts = value.split('-');
    let first = parts.next().is_some_and(|p| matches!(p.len(), 2..=8) && p.bytes().all(|b| b.is_ascii_alphabetic()));
    let rest = parts.all(|p| matches!(p.len(), 1..=8) && p.bytes().all(|b| b.is_ascii_alphanumeric()));
    if first && rest && value.len() <= 35 {
        Ok(())
    } else {
        Err(Fault::new(field, "is not a language tag such as en or pt-BR"))
    }
}

/// Are these names alike but for case and spaces, so that people mean one by the other?
pub fn is_same_name(a: &str, b: &str) -> bool {
    folded(a) == folded(b)
}

/// A name as those that are alike have it in common, see [`is_same_name`].
pub fn folded(name: &str) -> String {
    name.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Makes text fit for a record: NFC, CRLF → LF, control characters removed, ends trimmed, and no direction of writing that
/// reaches beyond it (see [`settled`]). A tab becomes four spaces.
pub fn clean(value: &str) -> String {
    let text: String = value
        .replace("\r\n", "\n")
        .replace('\r', "\n")
        .replace('\t', "    ")
        .chars()
        .filter(|c| *c == '\n' || !c.is_control())
        .nfc()
        .collect();
    settled(text.trim())
}

/// Without what would turn the direction of writing of whatever stands behind the text, or of letters against their own:
/// embeddings and isolates that are not closed in their line, and overrides. Marks (U+200E, U+200F, U+061C) reach no further
/// than the word they stand at, and right-to-left text needs them. Records may hold all of these; whoever writes one, or
/// prints one beside other text, need not.
pub fn settled(text: &str) -> String {
    if !text.contains(turns) {
        return text.to_owned();
    }
    text.split('\n').map(settled_line).collect::<Vec<_>>().join("\n")
}

fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn settled_line(line: &str) -> String {
    let chars: Vec<char> = line.chars().collect();
    let mut kept: Vec<bool> = chars.iter().map(|c| !turns(*c)).collect();
    let is_isolate = |at: usize| matches!(chars[at], '\u{2066}'..='\u{2068}');
    let is_override = |at: usize| matches!(chars[at], '\u{202d}' | '\u{202e}');
    let mut open: Vec<usize> = Vec::new();
    for (at, c) in chars.iter().enumerate() {
        let opener = match c {
            '\u{202a}' | '\u{202b}' | '\u{202d}' | '\u{202e}' | '\u{2066}'..='\u{2068}' => {
                open.push(at);
                continue;
            }
            // Closes the last one, unless that is an isolate.
            '\u{202c}' => open.pop_if(|last| !is_isolate(*last)),
            // Closes the last isolate and what was opened in it.
            '\u{2069}' => open.iter().rposition(|at| is_isolate(*at)).map(|last| {
                let opener = open[last];
                open.truncate(last);
                opener
            }),
            _ => continue,
        };
        if let Some(opener) = opener.filter(|opener| !is_override(*opener)) {
            (kept[opener], kept[at]) = (true, true);
        }
    }
    chars.iter().zip(kept).filter(|(_, kept)| *kept).map(|(c, _)| *c).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(result: Result<(), Fault>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn names_that_differ_in_case_and_spaces_alone_are_the_same() {
        assert!(is_same_name("Aunt  Rose", " aunt rose") && is_same_name("ÉLISE", "Élise"));
        assert!(!is_same_name("Rose", "Rosa") && !is_same_name("Annette", "Ann Ette"));
    }

    #[test]
    fn lengths_count_characters_and_the_fault_says_both_numbers() {
        assert_eq!(line("name", &"ü".repeat(200), 1, 200), Ok(()));
        assert_eq!(reason(line("name", &"ü".repeat(212), 1, 200)), "name: is 212 characters long, 200 are allowed");
        assert_eq!(reason(line("name", " \u{2003}", 1, 200)), "name: is empty");
        assert_eq!(reason(line("name", "a\nb", 1, 200)), "name: has more than one line, one is allowed");
    }

    #[test]
    fn control_characters_but_newline_and_decomposed_text_are_refused() {
        assert_eq!(lines("text", "a\nb", 10), Ok(()));
        assert_eq!(reason(lines("text", "a\tb", 10)), "text: contains the control character U+0009");
        assert_eq!(reason(lines("text", "a\u{85}b", 10)), "text: contains the control character U+0085");
        assert_eq!(reason(lines("text", "u\u{308}", 10)), "text: is not in Unicode normal form C");
    }

    #[test]
    fn cleaned_text_passes_the_check() {
        let cleaned = clean(" u\u{308}ber\r\nall\ro\u{0}ne\tx \n");
        assert_eq!(cleaned, "über\nall\none    x");
        assert_eq!(lines("text", &cleaned, 100), Ok(()));
    }

    #[test]
    fn no_direction_of_writing_reaches_beyond_its_line_and_none_is_overridden() {
        for (text, want) in [
            ("Gig \u{202e}gnp.exe", "Gig gnp.exe"),
            ("a \u{202e}b\u{202c} c", "a b c"),
            ("\u{2067}שלום\u{2069} (\u{200f}12\u{200e})", "\u{2067}שלום\u{2069} (\u{200f}12\u{200e})"),
            ("\u{202b}שלום\u{202c}!", "\u{202b}שלום\u{202c}!"),
            ("\u{2067}open\nand \u{2069}shut", "open\nand shut"),
            // An embedding ends with the isolate it was opened in.
            ("\u{2066}\u{202b}x\u{2069}\u{202c}", "\u{2066}x\u{2069}"),
            // An isolate is not closed by the end of an embedding.
            ("\u{202a}\u{2067}x\u{202c}y", "xy"),
            ("\u{61c}ا", "\u{61c}ا"),
        ] {
            assert_eq!(settled(text), want, "{text:?}");
            assert_eq!(settled(want), want, "{text:?}");
        }
        assert_eq!(clean("Gig\u{202e}"), "Gig");
        assert_eq!(line("name", "Gig\u{202e}", 1, 9), Ok(()), "what others wrote stays valid");
        let deep = format!("{}x{}", "\u{2067}".repeat(50_000), "\u{2069}".repeat(50_000));
        assert_eq!(settled(&deep), deep);
    }

    #[test]
    fn only_absolute_web_links_without_a_user_name_pass() {
        for good in ["https://example.org", "http://example.org:8080/a?b#c", "https://münchen.example/@someone"] {
            assert_eq!(link("url", good), Ok(()), "{good}");
        }
        for bad in [
            "javascript:alert(1)",
            "//example.org",
            "https://",
            "https:///path",
            "https://a b",
            "https://bank.example@evil.example/",
            "https://example.org/\"onload",
            "ftp://example.org",
        ] {
            assert!(link("url", bad).is_err(), "{bad}");
        }
        assert!(secure_link("url", "http://example.org").is_err());
    }

    #[test]
    fn language_tags_are_checked_by_form() {
        for good in ["de", "pt-BR", "zh-Hant-TW", "sr-Latn-RS"] {
            assert_eq!(lang("lang", Some(good)), Ok(()), "{good}");
        }
        for bad in ["", "d", "de_AT", "de--AT", "deutschland", "1a"] {
            assert!(lang("lang", Some(bad)).is_err(), "{bad}");
        }
    }
}
