//! What pages share: the frame around them and the items of their lists. Plain structs of ready words, so that a page
//! is a pure function from what it shows to HTML. Escaping is askama's; only [`Html`] goes out as it is.

use std::fmt;

use crate::words::When;

/// Where a page sits in the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Home,
    Events,
    Posts,
    About,
    Join,
    None,
}

/// Everything around a page's `<main>`.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) title: String,
    pub(crate) description: String,
    /// Absolute.
    pub(crate) canonical: Option<String>,
    pub(crate) style: String,
    pub(crate) site: String,
    pub(crate) site_lang: Option<String>,
    pub(crate) initial: String,
    /// Empty, or `/c/<id>`.
    pub(crate) prefix: String,
    pub(crate) section: Section,
    /// For search engines.
    pub(crate) listed: bool,
    /// Absolute, for previews.
    pub(crate) image: Option<String>,
    /// Open Graph type.
    pub(crate) kind: &'static str,
}

impl Frame {
    /// For answers that belong to no community, and for those given before the store was asked.
    pub(crate) fn bare(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            description: String::new(),
            canonical: None,
            style: "/style.css".into(),
            site: "Home".into(),
            site_lang: None,
            initial: "·".into(),
            prefix: String::new(),
            section: Section::None,
            listed: false,
            image: None,
            kind: "website",
        }
    }

    pub(crate) fn current(&self, section: Section) -> bool {
        self.section == section
    }
}

/// HTML made by `markdown`: already cleaned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Html(pub(crate) String);

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl askama::filters::HtmlSafe for Html {}

#[derive(Debug, Clone, Default)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) href: String,
}

/// A way to narrow a list, or to take that back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) label: String,
    pub(crate) href: String,
    pub(crate) chosen: bool,
}

/// A tag, and where what has it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag {
    pub(crate) label: String,
    pub(crate) href: Option<String>,
}

/// A link with its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) href: String,
    pub(crate) label: String,
}

/// Where the proof of a page's record is, and the command that checks it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Proof {
    pub(crate) href: String,
    pub(crate) command: String,
}

/// One date in a list.
#[derive(Debug, Clone, Default)]
pub(crate) struct EventItem {
    pub(crate) href: String,
    pub(crate) name: String,
    pub(crate) lang: Option<String>,
    /// "Cancelled" and the like.
    pub(crate) status: Option<&'static str>,
    /// See [`crate::words::moved`].
    pub(crate) moved: Option<String>,
    pub(crate) note: Option<String>,
    pub(crate) when: When,
    /// "Saturday 5 December 2026": the heading it stands under.
    pub(crate) day: String,
    /// Where it is not the community's own.
    pub(crate) zone: Option<String>,
    pub(crate) place: Option<String>,
    pub(crate) series: bool,
    /// Only where several communities are mixed.
    pub(crate) community: Option<Person>,
    pub(crate) summary: Option<String>,
    pub(crate) poster: Option<Picture>,
}

impl EventItem {
    pub(crate) fn cancelled(&self) -> bool {
        self.status == Some("Cancelled")
    }
}

/// Dates under one heading.
#[derive(Debug, Clone, Default)]
pub(crate) struct Group {
    pub(crate) heading: String,
    pub(crate) items: Vec<EventItem>,
}

#[derive(Debug, Clone)]
pub(crate) struct Picture {
    pub(crate) src: String,
    pub(crate) alt: String,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// A post in a list or a thread.
#[derive(Debug, Clone, Default)]
pub(crate) struct PostItem {
    /// The short id: names its place in a thread.
    pub(crate) id: String,
    pub(crate) href: String,
    pub(crate) title: Option<String>,
    pub(crate) author: Person,
    /// `(datetime, words)`.
    pub(crate) time: (String, String),
    pub(crate) edited: Option<(String, String)>,
    pub(crate) html: Html,
    /// The text goes on on its own page.
    pub(crate) more: bool,
    pub(crate) lang: Option<String>,
    pub(crate) pictures: Vec<Picture>,
    pub(crate) tags: Vec<Tag>,
    /// An update about an event.
    pub(crate) update: bool,
    pub(crate) about: Option<Link>,
    /// In a thread: whom it answers, where that is not the first post.
    pub(crate) answers: Option<Link>,
    pub(crate) replies: usize,
    pub(crate) community: Option<Person>,
}
