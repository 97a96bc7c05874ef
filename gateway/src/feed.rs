//! Atom (RFC 4287), by hand: a dozen elements. The id of an entry is its `moot://` URI, so readers recognise it on
//! every gateway; links are pages here.

#[derive(Debug)]
pub(crate) struct Feed<'a> {
    pub(crate) id: String,
    pub(crate) title: &'a str,
    pub(crate) home: &'a str,
    pub(crate) own: &'a str,
    pub(crate) author: &'a str,
    pub(crate) lang: Option<&'a str>,
    pub(crate) items: Vec<Item>,
}

#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) url: String,
    /// RFC 3339.
    pub(crate) published: String,
    pub(crate) updated: String,
    pub(crate) author: String,
    pub(crate) html: String,
    pub(crate) tags: Vec<String>,
    pub(crate) lang: Option<String>,
}

/// When a feed without entries was last changed: before everything.
const NEVER: &str = "1970-01-01T00:00:00Z";

impl Feed<'_> {
    pub(crate) fn to_xml(&self) -> String {
        let mut out =
            String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\"");
        if let Some(lang) = self.lang {
            out.push_str(&format!(" xml:lang=\"{}\"", escape(lang)));
        }
        out.push_str(">\n");
        element(&mut out, "id", &self.id);
        element(&mut out, "title", self.title);
        let updated = self.items.iter().map(|i| i.updated.as_str()).max().unwrap_or(NEVER);
        element(&mut out, "updated", updated);
        out.push_str(&format!("<author><name>{}</name></author>\n", escape(self.author)));
        out.push_str(&format!("<link rel=\"self\" type=\"application/atom+xml\" href=\"{}\"/>\n", escape(self.own)));
        out.push_str(&format!("<link rel=\"alternate\" type=\"text/html\" href=\"{}\"/>\n", escape(self.home)));
        out.push_str("<generator>Folkmoot</generator>\n");
        for item in &self.items {
            item.write(&mut out);
        }
        out.push_str("</feed>\n");
        out
    }
}

impl Item {
    fn write(&self, out: &mut String) {
        match &self.lang {
            Some(lang) => out.push_str(&format!("<entry xml:lang=\"{}\">\n", escape(lang))),
            None => out.push_str("<entry>\n"),
        }
        element(out, "id", &self.id);
        element(out, "title", &self.title);
        element(out, "published", &self.published);
        element(out, "updated", &self.updated);
        out.push_str(&format!("<author><name>{}</name></author>\n", escape(&self.author)));
        out.push_str(&format!("<link rel=\"alternate\" type=\"text/html\" href=\"{}\"/>\n", escape(&self.url)));
        for tag in &self.tags {
            out.push_str(&format!("<category term=\"{}\"/>\n", escape(tag)));
        }
        out.push_str(&format!("<content type=\"html\">{}</content>\n</entry>\n", escape(&self.html)));
    }
}

fn element(out: &mut String, name: &str, text: &str) {
    out.push_str(&format!("<{name}>{}</{name}>\n", escape(text)));
}

/// For text and attributes; leaves out what XML 1.0 has no way to write.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        let item = Item {
            id: "moot://a/b".into(),
            title: "</title><script>&\"\u{0}\u{1b}\u{ffff}".into(),
            url: "https://a.example/?a=1&b=\"".into(),
            published: NEVER.into(),
            updated: "2026-01-01T00:00:00Z".into(),
            author: "<b>".into(),
            html: "<p>]]>&amp;</p>".into(),
            tags: vec!["\"/><x".into()],
            lang: None,
        };
        let feed = Feed {
            id: "moot://a".into(),
            title: "A & B",
            home: "https://a.example/",
            own: "https://a.example/feed.atom",
            author: "A",
            lang: Some("de"),
            items: vec![item],
        };
        let xml = feed.to_xml();
        assert!(xml.contains("<title>&lt;/title&gt;&lt;script&gt;&amp;&quot;</title>"), "{xml}");
        assert!(xml.contains("<content type=\"html\">&lt;p&gt;]]&gt;&amp;amp;&lt;/p&gt;</content>"), "{xml}");
        assert!(xml.contains("<category term=\"&quot;/&gt;&lt;x\"/>"), "{xml}");
        assert!(xml.contains("<updated>2026-01-01T00:00:00Z</updated>\n<author>"), "{xml}");
        assert!(!xml.contains("<script") && !xml.contains('\u{0}'));
    }
}
