//! Whom a text speaks to: `@Name`, where the community has one member of that name. Settled when it is written.

use folkmoot_node::request::{MemberInfo, Reply, Request};
use folkmoot_schemas::{key::end_of, limits, records::post::Mention};

use crate::{
    error::Result,
    output::Line,
    session::{Session, answer},
};

/// Names that nobody has: so many are said, of so many characters.
const SHOWN: usize = 5;
const NAME: usize = 64;

/// What the names after each `@` come to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    mentions: Vec<Mention>,
    /// Names that several members have.
    doubtful: Vec<String>,
    /// Words behind an `@` that are nobody's name.
    unknown: Vec<String>,
}

/// The members a text mentions, for the record; doubt is said.
pub(crate) fn of(session: &Session, community: Option<&str>, text: &str) -> Result<Vec<Mention>> {
    if !text.contains('@') {
        return Ok(Vec::new());
    }
    let community = community.map(ToOwned::to_owned).or_else(|| session.community.clone());
    let members = answer!(session.ask(&Request::Members { community })?, Reply::Members(members) => members)?;
    let Found { mut mentions, doubtful, unknown } = find(text, &members);
    for name in doubtful {
        let line = Line::new().warn(format!("@{name} is told nothing: ")).text("several members are called so");
        session.out.note(line);
    }
    if !unknown.is_empty() {
        session.out.note(
            Line::new()
                .warn(format!("{} told nothing: ", called(&unknown)))
                .text("no member is called so, so it is plain text; moot member list has the names"),
        );
    }
    if mentions.len() > limits::MENTIONS {
        let most = format!("only the first {} people mentioned are told", limits::MENTIONS);
        session.out.note(Line::new().warn(most));
        mentions.truncate(limits::MENTIONS);
    }
    Ok(mentions)
}

/// Says who hears of it.
pub(crate) fn say(session: &Session, mentions: &[Mention]) {
    if !mentions.is_empty() {
        let names: Vec<&str> = mentions.iter().map(|mention| mention.name.as_str()).collect();
        session.out.line(Line::new().faint("  tells ").text(names.join(", ")));
    }
}

/// An `@` that begins a word, and the longest name of a member behind it, in any case; the end of a did stands for a
/// name. Addresses of mail (`bo@example.org`) are none.
fn find(text: &str, members: &[MemberInfo]) -> Found {
    let mut found = Found::default();
    for (at, _) in text.match_indices('@') {
        if text[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/')) {
            continue;
        }
        let rest = &text[at + 1..];
        let called = members
            .iter()
            .filter(|member| member.out.is_none())
            .filter_map(|member| {
                let name = begins(rest, &member.name).or_else(|| begins(rest, end_of(&member.did)))?;
                Some((name, member))
            })
            .collect::<Vec<_>>();
        let Some(longest) = called.iter().map(|(name, _)| name.len()).max() else {
            found.unknown.extend(word(rest).filter(|word| !found.unknown.iter().any(|known| known == word)));
            continue;
        };
        let mut people = called.iter().filter(|(name, _)| name.len() == longest);
        match (people.next(), people.next()) {
            (Some((name, member)), None) => {
                let mentioned = |mention: &Mention| mention.did.to_string() == member.did;
                if let Ok(did) = member.did.parse()
                    && !found.mentions.iter().any(mentioned)
                    && !member.me
                {
                    found.mentions.push(Mention { did, name: (*name).to_owned() });
                }
            }
            (Some((name, _)), Some(_)) if !found.doubtful.iter().any(|known| known == name) => {
                found.doubtful.push((*name).to_owned());
            }
            _ => {}
        }
    }
    found
}

/// The word somebody may have meant as a name.
fn word(rest: &str) -> Option<String> {
    let end = rest.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-' | '.')).unwrap_or(rest.len());
    let word = rest[..end].trim_end_matches(['.', '-']);
    // "@ 5 EUR" and "@20:00" are no names.
    word.starts_with(char::is_alphabetic).then(|| word.chars().take(NAME).collect())
}

/// "@Bo, @Cy are".
fn called(names: &[String]) -> String {
    let (shown, more) = names.split_at(names.len().min(SHOWN));
    let mut all: Vec<String> = shown.iter().map(|name| format!("@{name}")).collect();
    all.extend((!more.is_empty()).then(|| format!("{} more", more.len())));
    let verb = if names.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", all.join(", "))
}

/// What stands at the beginning of `rest`, if it is this name and the word ends there.
fn begins<'t>(rest: &'t str, name: &str) -> Option<&'t str> {
    if name.is_empty() {
        return None;
    }
    let mut chars = rest.char_indices();
    for wanted in name.chars() {
        let (_, c) = chars.next()?;
        if !c.to_lowercase().eq(wanted.to_lowercase()) {
            return None;
        }
    }
    let end = chars.next().map_or(rest.len(), |(end, _)| end);
    let over = rest[end..].chars().next().is_none_or(|c| !c.is_alphanumeric() && c != '_');
    over.then(|| &rest[..end])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use folkmoot_schemas::key::Secret;

    use super::*;

    fn member(n: u8, name: &str) -> MemberInfo {
        MemberInfo {
            did: Secret::from_seed([n; 32]).did().to_string(),
            name: name.into(),
            role: "member".into(),
            since: 0,
            by: String::new(),
            devices: 1,
            device_keys: Vec::new(),
            me: name == "Me",
            formerly: Vec::new(),
            out: None,
        }
    }

    fn names(text: &str) -> Vec<String> {
        let members = [member(1, "Anna"), member(2, "Anna Maria"), member(3, "Bo"), member(4, "Me"), member(5, "Zoë")];
        find(text, &members).mentions.into_iter().map(|mention| mention.name).collect()
    }

    #[test]
    fn the_longest_name_behind_an_at_is_meant_and_the_word_ends_there() {
        assert_eq!(names("@Anna Maria brings cake, @bo tea."), ["Anna Maria", "bo"]);
        assert_eq!(names("(@Anna) and @Annabel"), ["Anna"]);
        assert_eq!(names("@ZOË!"), ["ZOË"]);
        assert_eq!(names("@Bo @Bo @bo"), ["Bo"]);
    }

    #[test]
    fn addresses_and_oneself_are_not_mentioned() {
        assert_eq!(names("anna@bo.example, a.@Bo, https://x.example/@Bo, @Me, @, @nobody"), Vec::<String>::new());
    }

    #[test]
    fn a_name_that_nobody_has_is_said_once_and_what_is_no_name_is_not() {
        let unknown = |text: &str| find(text, &[member(1, "Bo")]).unknown;
        assert_eq!(unknown("@Bob, @Zoë-Marie and @Bob! a@b.example @20:00 @ 5 EUR @Bo"), ["Bob", "Zoë-Marie"]);
        assert_eq!(called(&unknown("@Bob.")), "@Bob is");
        assert_eq!(called(&unknown("@a @b @c @d @e @f @g")), "@a, @b, @c, @d, @e, 2 more are");
    }

    #[test]
    fn of_two_members_of_one_name_nobody_is_guessed_but_the_end_of_the_did_tells() {
        let members = [member(1, "Bo"), member(2, "Bo")];
        let found = find("@Bo", &members);
        assert_eq!((found.mentions.len(), found.doubtful), (0, vec!["Bo".to_owned()]));
        let end = end_of(&members[1].did);
        assert_eq!(find(&format!("@{end}"), &members).mentions[0].did.to_string(), members[1].did);
    }
}
