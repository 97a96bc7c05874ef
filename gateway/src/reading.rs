//! One request's look at the store: which communities are meant, how their pages are linked, who is who.

use std::{cell::RefCell, collections::HashMap};

use folkmoot_node::store::{
    StoreError, View,
    reader::{Community, Entry, Lookup},
};
use folkmoot_schemas::{Cid, Did, Uri};

use crate::{
    accent::Accent,
    html::{Frame, Person, Section},
    markdown,
    origin::Origin,
    route::Page,
    style, words,
};

/// Zone for whole-day dates where the community names none.
const UTC: &str = "UTC";

#[derive(Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) view: &'a View,
    /// Seconds since 1970.
    pub(crate) now: i64,
    /// What this page is about: one community, or all public ones at the root.
    pub(crate) communities: Vec<Community>,
    /// The gateway shows exactly one community: the root is its alias and its canonical address.
    single: bool,
    /// Asked for below `/c/<id>`.
    explicit: bool,
    names: RefCell<HashMap<(Cid, Did), String>>,
}

impl<'a> Reading<'a> {
    /// None: no such public community here, whether it is absent or for members.
    pub(crate) fn new(
        origin: &'a Origin,
        view: &'a View,
        community: Option<&Cid>,
        now: i64,
    ) -> Result<Option<Self>, StoreError> {
        let mut communities = view.communities()?;
        let single = communities.len() == 1;
        if let Some(id) = community {
            communities.retain(|c| c.id == *id);
            if communities.is_empty() {
                return Ok(None);
            }
        }
        let explicit = community.is_some();
        Ok(Some(Self { origin, view, now, communities, single, explicit, names: RefCell::default() }))
    }

    /// The community this page belongs to; None on the merged root.
    pub(crate) fn community(&self) -> Option<&Community> {
        match self.communities.as_slice() {
            [one] if self.single || self.explicit => Some(one),
            _ => None,
        }
    }

    pub(crate) fn merged(&self) -> bool {
        self.community().is_none()
    }

    /// By id, among those shown.
    pub(crate) fn find(&self, id: &Cid) -> Option<&Community> {
        self.communities.iter().find(|c| c.id == *id)
    }

    /// Path prefix of a community's pages, the way this page was asked for.
    pub(crate) fn prefix(&self, community: &Cid) -> String {
        if self.single && !self.explicit { String::new() } else { format!("/c/{community}") }
    }

    pub(crate) fn href(&self, community: &Cid, page: &Page) -> String {
        self.prefix(community) + &page.path()
    }

    /// Prefix of the page itself: the community's, or the root's on a merged page.
    pub(crate) fn own_prefix(&self) -> String {
        self.community().map_or_else(String::new, |c| self.prefix(&c.id))
    }

    /// Absolute address, the same however the page was asked for.
    pub(crate) fn canonical(&self, community: &Cid, page: &Page) -> String {
        let prefix = if self.single { String::new() } else { format!("/c/{community}") };
        format!("{}{prefix}{}", self.origin.as_str(), page.path())
    }

    /// Absolute address of a page of this page's own community or of the root.
    pub(crate) fn own_canonical(&self, page: &Page) -> String {
        self.own_address(&page.path())
    }

    /// The same of a path with its query.
    pub(crate) fn own_address(&self, path: &str) -> String {
        let prefix = match self.community() {
            Some(c) if !self.single => format!("/c/{}", c.id),
            _ => String::new(),
        };
        format!("{}{prefix}{path}", self.origin.as_str())
    }

    /// Zone in which whole days and times of writing are meant.
    pub(crate) fn zone(&self, community: &Cid) -> Option<&str> {
        self.find(community).and_then(|c| c.state.describe.zone.as_deref())
    }

    pub(crate) fn fallback_zone(&self, community: &Cid) -> &str {
        self.zone(community).unwrap_or(UTC)
    }

    pub(crate) fn lang(&self, community: &Cid) -> Option<String> {
        let tag = self.find(community).and_then(|c| c.state.describe.lang.as_deref());
        words::lang(tag).map(str::to_owned)
    }

    pub(crate) fn person(&self, community: &Cid, did: &Did) -> Result<Person, StoreError> {
        let href = self.href(community, &Page::Person(*did));
        if let Some(name) = self.names.borrow().get(&(*community, *did)) {
            return Ok(Person { name: name.clone(), href });
        }
        let name = self.view.name(community, did)?;
        self.names.borrow_mut().insert((*community, *did), name.clone());
        Ok(Person { name, href })
    }

    /// What a short id names among the communities of this page. A record with a fault counts as absent: it is hidden.
    pub(crate) fn by_short(&self, short: &str, collection: &str) -> Result<Found, StoreError> {
        let scope = self.community().map(|c| c.id);
        Ok(match self.view.by_short(scope.as_ref(), short)? {
            Lookup::Found(entry) if entry.uri.collection == collection && entry.fault.is_none() => {
                if self.find(&entry.uri.community).is_some() { Found::Entry(entry) } else { Found::Absent }
            }
            Lookup::Gone(uri) if uri.collection == collection => Found::Gone,
            _ => Found::Absent,
        })
    }

    /// The current record at a URI, if it may be shown.
    pub(crate) fn get(&self, uri: &Uri) -> Result<Option<Entry>, StoreError> {
        Ok(match self.view.get(uri)? {
            Lookup::Found(entry) if entry.fault.is_none() => Some(*entry),
            _ => None,
        })
    }

    pub(crate) fn accent(&self) -> Accent {
        let community = self.community();
        Accent::new(community.and_then(|c| c.state.describe.colour.as_deref()), community.map(|c| &c.id))
    }

    /// Name shown at the head of each page.
    pub(crate) fn site_name(&self) -> String {
        match (self.community(), self.communities.len()) {
            (Some(c), _) => c.state.name.clone(),
            (None, 0) => "Folkmoot".to_owned(),
            (None, n) => format!("{n} communities"),
        }
    }

    /// `description` is plain text; it is cut to what search engines show.
    pub(crate) fn frame(&self, section: Section, title: &str, description: &str, page: &Page) -> Frame {
        let site = self.site_name();
        let title = if title.is_empty() || title == site { site.clone() } else { format!("{title} · {site}") };
        let prefix = self.own_prefix();
        Frame {
            title,
            description: markdown::excerpt(description, 155),
            canonical: Some(self.own_canonical(page)),
            style: format!("{prefix}/style.css?v={}", style::version(&self.accent())),
            site_lang: self.community().and_then(|c| self.lang(&c.id)),
            initial: site.chars().find(|c| c.is_alphanumeric()).unwrap_or('·').to_uppercase().to_string(),
            site,
            prefix,
            section,
            listed: true,
            image: None,
            kind: "website",
        }
    }
}

/// What a short id led to.
#[derive(Debug)]
pub(crate) enum Found {
    Entry(Box<Entry>),
    Gone,
    Absent,
}
