//! Descriptions that are HTML although they should be plain text (Google writes them so): reduced to their words.

/// Plain text; the address of a link follows its words unless they are the same.
pub(super) fn to_text(html: &str) -> String {
    let (mut out, mut link, mut rest) = (String::with_capacity(html.len()), None::<(String, usize)>, html);
    while let Some(at) = rest.find(['<', '&']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with('&') {
            let (text, length) = entity(rest);
            out.push_str(&text);
            rest = &rest[length..];
            continue;
        }
        let Some(end) = rest.find('>') else { break };
        let tag = &rest[1..end];
        rest = &rest[end + 1..];
        let name: String =
            tag.chars().take_while(|c| *c == '/' || c.is_ascii_alphanumeric()).collect::<String>().to_ascii_lowercase();
        match name.as_str() {
            "br" | "/p" | "/div" | "/li" | "/h1" | "/h2" | "/h3" | "/tr" => out.push('\n'),
            "li" => out.push_str("- "),
            "a" => link = attribute(tag, "href").map(|href| (href, out.len())),
            "/a" => {
                if let Some((href, from)) = link.take()
                    && out.get(from..).is_some_and(|words| words.trim() != href)
                {
                    out.push_str(&format!(" ({href})"));
                }
            }
            _ => {}
        }
    }
    out.push_str(rest);
    out
}

/// Only what looks like a tag makes a text HTML: "a < b" does not.
pub(super) fn is_html(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    ["</p>", "</a>", "<br", "</div>", "</li>", "</b>", "</span>", "</html>"].iter().any(|tag| lower.contains(tag))
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let from = tag.to_ascii_lowercase().find(&format!("{name}="))? + name.len() + 1;
    let value = tag.get(from..)?;
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let value = match quote {
        Some(quote) => value[1..].split(quote).next()?,
        None => value.split_whitespace().next()?,
    };
    Some(value.replace("&amp;", "&")).filter(|href| !href.is_empty())
}

/// The character an entity stands for, and the bytes it took.
fn entity(text: &str) -> (String, usize) {
    let known = [
        ("&amp;", "&"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&apos;", "'"),
        ("&nbsp;", " "),
    ];
    match known.iter().find(|(name, _)| text.starts_with(name)) {
        Some((name, meant)) => ((*meant).to_owned(), name.len()),
        None => ("&".to_owned(), 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_reduced_to_its_words_and_links() {
        assert_eq!(
            to_text(
                "<p>Tea &amp; cake<br>at <a href=\"https://x.example/?a=1&amp;b=2\">the hall</a></p><ul><li>one</li></ul>"
            ),
            "Tea & cake\nat the hall (https://x.example/?a=1&b=2)\n- one\n"
        );
        assert_eq!(to_text("<a href='https://x.example'>https://x.example</a>"), "https://x.example");
    }

    #[test]
    fn broken_html_loses_no_words_before_the_break() {
        assert_eq!(to_text("a <b"), "a <b");
        assert_eq!(to_text("ü&ö<a href=>x</a>"), "ü&öx");
        assert!(!is_html("3 < 4 and 5 > 2"));
    }
}
