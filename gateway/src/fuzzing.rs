//! What browsers ask and what strangers wrote, for whoever tries to break it. See the module of the same name in
//! `folkmoot-schemas`.

use crate::{markdown, route};

/// Takes any bytes; true: they were accepted.
pub type Target = fn(&[u8]) -> bool;

pub const TARGETS: &[(&str, Target)] = &[("address", address), ("markdown", markdown)];

const TAGS: [&str; 18] = [
    "p",
    "br",
    "em",
    "strong",
    "del",
    "code",
    "pre",
    "blockquote",
    "ul",
    "ol",
    "li",
    "a",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
];

fn markdown(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let html = markdown::to_html(text, 2);
    for tag in html.split('<').skip(1) {
        let (name, rest) =
            tag.trim_start_matches('/').split_at(tag.trim_start_matches('/').find([' ', '>']).unwrap_or(0));
        assert!(TAGS.contains(&name), "<{tag}");
        match name {
            "a" if !tag.starts_with('/') => {
                let target = rest.strip_prefix(" href=\"").and_then(|rest| rest.split_once('"'));
                let target = target.map(|(url, _)| url).unwrap_or_default();
                let known = ["http:", "https:", "mailto:", "geo:"];
                let scheme = known.iter().any(|s| target.get(..s.len()).is_some_and(|t| t.eq_ignore_ascii_case(s)));
                assert!(scheme || rest.starts_with(" rel=") || rest.starts_with('>'), "<{tag}");
            }
            "ol" => assert!(rest.starts_with('>') || rest.starts_with(" start=\""), "<{tag}"),
            _ => assert!(rest.starts_with('>'), "<{tag}"),
        }
    }
    let plain = markdown::to_plain(text);
    assert!(!plain.contains("\n\n\n"));
    for max in [0, 1, 40, 4_000] {
        assert!(markdown::excerpt(text, max).chars().count() <= max + 1);
    }
    true
}

/// Path and query of a request.
fn address(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let (path, query) = text.split_once('?').map_or((text, None), |(path, query)| (path, Some(query)));
    let route::Parsed::Found(route) = route::parse(path, query) else { return false };
    let community = route.community.map(|cid| format!("/c/{cid}")).unwrap_or_default();
    let again = route::parse(&format!("{community}{}", route.page.path()), query);
    assert_eq!(again, route::Parsed::Found(route), "a page has one address");
    true
}

#[cfg(test)]
#[path = "../../integration-tests/fuzz/replay.rs"]
mod replay;

#[cfg(test)]
#[test]
fn every_stored_input_is_taken_or_refused_as_its_name_says() {
    replay::all(TARGETS);
}
