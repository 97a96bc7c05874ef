//! Markdown of strangers to HTML that is safe to show. Raw HTML becomes text, images are dropped to their description,
//! links keep only schemes that cannot run anything. What comes out of the parser is cleaned once more by ammonia with
//! a short allow-list, so that a slip in one of the two stays harmless.

use std::{collections::HashSet, sync::LazyLock};

use ammonia::{Builder, UrlRelative};
use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// Longest text that is rendered; records are below it by their own limits.
const SOURCE_MAX: usize = 64 * 1024;
/// Quotes and lists inside each other.
const NESTING_MAX: usize = 8;
const SCHEMES: [&str; 4] = ["http", "https", "mailto", "geo"];

static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut cleaner = Builder::empty();
    cleaner
        .tags(HashSet::from([
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
        ]))
        .add_tag_attributes("a", ["href"])
        .add_tag_attributes("ol", ["start"])
        .url_schemes(HashSet::from(SCHEMES))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("nofollow noopener ugc"));
    cleaner
});

/// HTML whose highest heading is `<h{top}>`.
pub(crate) fn to_html(source: &str, top: u8) -> String {
    let mut out = String::with_capacity(source.len() * 2);
    // A line that somebody ended stays ended: most people never heard of Markdown.
    let lines = Tame::new(source, top).map(|event| if event == Event::SoftBreak { Event::HardBreak } else { event });
    html::push_html(&mut out, lines);
    CLEANER.clean(&out).to_string()
}

/// The words alone, paragraphs apart by an empty line, link targets in brackets.
pub(crate) fn to_plain(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut target: Option<(String, usize)> = None;
    for event in Tame::new(source, 2) {
        match event {
            Event::Text(text) | Event::Code(text) => out.push_str(&text),
            Event::SoftBreak | Event::HardBreak | Event::Rule => out.push('\n'),
            Event::Start(Tag::Item) => out.push_str("- "),
            Event::Start(Tag::Link { dest_url, .. }) => target = Some((dest_url.into_string(), out.len())),
            Event::End(TagEnd::Link) => {
                if let Some((url, from)) = target.take().filter(|(url, from)| out.get(*from..) != Some(url.as_str())) {
                    let gap = if out.len() > from { " " } else { "" };
                    out.push_str(&format!("{gap}({url})"));
                }
            }
            Event::End(TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::CodeBlock) => out.push_str("\n\n"),
            Event::End(TagEnd::Item) => end_line(&mut out, "\n"),
            Event::End(TagEnd::List(_)) => out.push('\n'),
            _ => {}
        }
    }
    while out.contains("\n\n\n") {
        out = out.replace("\n\n\n", "\n\n");
    }
    out.trim().to_owned()
}

fn end_line(out: &mut String, end: &str) {
    out.truncate(out.trim_end().len());
    out.push_str(end);
}

/// One line of at most `max` characters, cut at a word.
pub(crate) fn excerpt(source: &str, max: usize) -> String {
    let words = to_plain(source).split_whitespace().collect::<Vec<_>>().join(" ");
    shorten(&words, max)
}

/// Cuts plain text at a word and says so with an ellipsis.
pub(crate) fn shorten(text: &str, max: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(max) else { return text.to_owned() };
    let cut = &text[..end];
    let cut = cut.rsplit_once(' ').map_or(cut, |(head, _)| head);
    format!("{}…", cut.trim_end_matches([',', ';', ':', '.', ' ']))
}

/// A link target of a record's field, if it is one that may be followed.
pub(crate) fn link(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once(':')?;
    let known = SCHEMES.iter().any(|s| s.eq_ignore_ascii_case(scheme));
    let clean = url.len() <= 2_000 && !url.chars().any(|c| c.is_control() || c.is_whitespace());
    (known && clean && !rest.is_empty()).then_some(url)
}

/// Parser events with everything that is not plain formatting taken out.
struct Tame<'a> {
    inner: Parser<'a>,
    top: u8,
    depth: usize,
    in_image: usize,
    in_link: bool,
    in_code: bool,
    /// Rest of a text that is being split into words and bare addresses, last first.
    queue: Vec<Event<'a>>,
}

impl<'a> Tame<'a> {
    fn new(source: &'a str, top: u8) -> Self {
        let end = (0..=SOURCE_MAX.min(source.len())).rev().find(|i| source.is_char_boundary(*i)).unwrap_or(0);
        Self {
            inner: Parser::new_ext(&source[..end], Options::ENABLE_STRIKETHROUGH),
            top,
            depth: 0,
            in_image: 0,
            in_link: false,
            in_code: false,
            queue: Vec::new(),
        }
    }

    fn shift(&self, level: HeadingLevel) -> HeadingLevel {
        let shifted = (level as usize + usize::from(self.top) - 1).clamp(2, 6);
        HeadingLevel::try_from(shifted).unwrap_or(HeadingLevel::H6)
    }

    /// None: left out.
    fn tame(&mut self, event: Event<'a>) -> Option<Event<'a>> {
        match event {
            Event::Html(text) | Event::InlineHtml(text) => Some(Event::Text(text)),
            Event::Start(Tag::HtmlBlock) => Some(Event::Start(Tag::Paragraph)),
            Event::End(TagEnd::HtmlBlock) => Some(Event::End(TagEnd::Paragraph)),
            Event::Start(Tag::Image { .. }) => {
                self.in_image += 1;
                None
            }
            Event::End(TagEnd::Image) => {
                self.in_image = self.in_image.saturating_sub(1);
                None
            }
            Event::Start(Tag::Heading { level, .. }) => {
                let level = self.shift(level);
                Some(Event::Start(Tag::Heading { level, id: None, classes: Vec::new(), attrs: Vec::new() }))
            }
            Event::End(TagEnd::Heading(level)) => Some(Event::End(TagEnd::Heading(self.shift(level)))),
            Event::Start(Tag::Link { link_type, dest_url, id, .. }) => {
                let mail = matches!(link_type, pulldown_cmark::LinkType::Email);
                let dest_url = if mail { CowStr::from(format!("mailto:{dest_url}")) } else { dest_url };
                self.in_link = link(&dest_url).is_some();
                let link_type = pulldown_cmark::LinkType::Inline;
                let start = Event::Start(Tag::Link { link_type, dest_url, title: CowStr::Borrowed(""), id });
                self.in_link.then_some(start)
            }
            Event::End(TagEnd::Link) => std::mem::take(&mut self.in_link).then_some(event),
            Event::Start(Tag::BlockQuote(_) | Tag::List(_) | Tag::Item) => {
                self.depth += 1;
                (self.depth <= NESTING_MAX).then_some(event)
            }
            Event::End(TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::Item) => {
                self.depth -= 1;
                (self.depth < NESTING_MAX).then_some(event)
            }
            Event::Start(Tag::CodeBlock(_)) => {
                self.in_code = true;
                Some(Event::Start(Tag::CodeBlock(pulldown_cmark::CodeBlockKind::Indented)))
            }
            Event::End(TagEnd::CodeBlock) => {
                self.in_code = false;
                Some(event)
            }
            Event::Text(text) if !self.in_link && !self.in_code => self.split(text),
            event => Some(event),
        }
    }

    /// Makes links of bare `https://…` in a text.
    fn split(&mut self, text: CowStr<'a>) -> Option<Event<'a>> {
        if !text.contains("://") {
            return Some(Event::Text(text));
        }
        let mut parts = Vec::new();
        let mut rest: &str = &text;
        while let Some(at) = ["https://", "http://"].iter().filter_map(|s| rest.find(s)).min() {
            let end = rest[at..]
                .find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"'))
                .map_or(rest.len(), |e| at + e);
            let url = rest[at..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '\'', '*', '_']);
            let end = at + url.len();
            parts.push(Event::Text(CowStr::from(rest[..at].to_owned())));
            let words = Event::Text(CowStr::from(url.to_owned()));
            if link(url).is_some() && url.len() > "https://".len() {
                parts.push(Event::Start(Tag::Link {
                    link_type: pulldown_cmark::LinkType::Autolink,
                    dest_url: CowStr::from(url.to_owned()),
                    title: CowStr::Borrowed(""),
                    id: CowStr::Borrowed(""),
                }));
                parts.push(words);
                parts.push(Event::End(TagEnd::Link));
            } else {
                parts.push(words);
            }
            rest = &rest[end..];
        }
        parts.push(Event::Text(CowStr::from(rest.to_owned())));
        parts.reverse();
        self.queue = parts;
        self.queue.pop()
    }
}

impl<'a> Iterator for Tame<'a> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        if let Some(event) = self.queue.pop() {
            return Some(event);
        }
        loop {
            let event = self.inner.next()?;
            if let Some(event) = self.tame(event) {
                return Some(event);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_html_is_shown_as_text() {
        let html = to_html("<script>alert(1)</script>\n\nhi <b onclick=x>there</b>", 2);
        assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{html}");
        assert!(html.contains("&lt;b onclick=x&gt;there&lt;/b&gt;"), "{html}");
        assert!(!html.contains("<script") && !html.contains("<b "));
    }

    #[test]
    fn only_harmless_schemes_become_links() {
        for bad in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "//evil.example",
            "/x",
            "file:///etc",
        ] {
            let html = to_html(&format!("[here](<{bad}>)"), 2);
            assert!(!html.contains("<a"), "{bad}: {html}");
            assert!(link(bad).is_none(), "{bad}");
        }
        assert_eq!(
            to_html("[here](https://a.example/?a=1&b=2 \"t\")", 2).trim(),
            r#"<p><a href="https://a.example/?a=1&amp;b=2" rel="nofollow noopener ugc">here</a></p>"#
        );
        assert!(to_html("<club@a.example>", 2).contains(r#"href="mailto:club@a.example""#));
        assert!(to_html("[map](geo:52.5,13.4)", 2).contains(r#"href="geo:52.5,13.4""#));
    }

    #[test]
    fn images_are_dropped_to_their_description() {
        let html = to_html("![a cat](https://tracker.example/x.png)", 2);
        assert!(!html.contains("<img") && !html.contains("tracker") && html.contains("a cat"), "{html}");
    }

    #[test]
    fn headings_start_below_the_page() {
        assert_eq!(to_html("# One\n\n###### Six", 3).trim(), "<h3>One</h3>\n<h6>Six</h6>");
    }

    #[test]
    fn a_bare_address_becomes_a_link_without_its_full_stop() {
        let html = to_html("See https://a.example/x_y. Or `https://b.example`", 2);
        assert!(
            html.contains(r#"<a href="https://a.example/x_y" rel="nofollow noopener ugc">https://a.example/x_y</a>."#),
            "{html}"
        );
        assert!(html.contains("<code>https://b.example</code>"), "{html}");
    }

    #[test]
    fn a_line_that_was_ended_stays_ended() {
        assert_eq!(to_html("one\ntwo\n\nthree", 2).trim(), "<p>one<br>\ntwo</p>\n<p>three</p>");
    }

    #[test]
    fn deep_nesting_is_flattened() {
        let html = to_html(&format!("{}deep", "> ".repeat(3_000)), 2);
        assert_eq!(html.matches("<blockquote>").count(), NESTING_MAX);
        assert!(html.contains("deep"));
    }

    #[test]
    fn plain_text_keeps_words_and_targets() {
        assert_eq!(
            to_plain("# Hi\n\n*you* [there](https://a.example)\n\n- one\n- two"),
            "Hi\n\nyou there (https://a.example)\n\n- one\n- two"
        );
        assert_eq!(to_plain("https://a.example"), "https://a.example");
        assert_eq!(excerpt("one two three", 9), "one two…");
        assert_eq!(excerpt("ünï cödé", 20), "ünï cödé");
    }
}
