//! The URL scheme, both ways: a path to a [`Page`] and a [`Page`] to its path. Every page of a community answers at
//! `/c/<charter cid>/…`; the root is an alias, so the two share one parser.

use std::borrow::Cow;

use folkmoot_schemas::{Cid, Did, block, limits, records::text::settled};
use jiff::civil::Date;

/// A page below the root or below a community.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Page {
    Home,
    Events,
    Past,
    Month {
        year: i16,
        month: i8,
    },
    /// By short id.
    Event(String),
    Occurrence {
        id: String,
        at: String,
    },
    EventCalendar(String),
    EventProof(String),
    EventHistory(String),
    Posts,
    Post(String),
    PostProof(String),
    Person(Did),
    Venue(String),
    VenueCalendar(String),
    VenueFeed(String),
    Join,
    Subscribe,
    About,
    Calendar,
    Feed,
    EventsFeed,
    Style,
    Icon,
    /// The rest answer at the root only.
    Blob(Cid),
    Health,
    Robots,
}

/// A record's place in a list: when it was created, in microseconds since 1970, and its short id.
pub(crate) type Mark = (u64, String);

/// Where in a list a page continues. Values are bounded by their types; anything else in a query is ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Query {
    /// Lists of dates: seconds since 1970.
    pub(crate) from: Option<i64>,
    pub(crate) before: Option<i64>,
    /// Lists of records: the last one seen.
    pub(crate) after: Option<Mark>,
    /// Threads: replies to skip.
    pub(crate) skip: Option<u32>,
    /// Dates, posts, calendar and feeds: with this tag; dates, at the venue of this short id.
    pub(crate) tag: Option<String>,
    pub(crate) venue: Option<String>,
    /// The style sheet's content hash.
    pub(crate) v: Option<String>,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Route {
    pub(crate) community: Option<Cid>,
    pub(crate) page: Page,
    pub(crate) query: Query,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    Found(Box<Route>),
    /// The same with its trailing slash.
    Moved(String),
    Unknown,
}

/// Longest path that can name anything here.
const PATH_MAX: usize = 512;

pub(crate) fn parse(path: &str, query: Option<&str>) -> Parsed {
    if path.len() > PATH_MAX {
        return Parsed::Unknown;
    }
    let Some(path) = decode(path) else { return Parsed::Unknown };
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let (community, rest) = match segments.as_slice() {
        ["c", id, rest @ ..] => match block::parse_cid(id) {
            Ok(cid) if cid.codec() == block::DAG_CBOR => (Some(cid), rest),
            _ => return Parsed::Unknown,
        },
        all => (None, all),
    };
    let page = match rest {
        [] if community.is_none() => return Parsed::Unknown,
        [] | ["events"] | ["events", "past"] | ["posts"] => return Parsed::Moved(format!("{path}/")),
        ["events", "past", ""] => Some(Page::Past),
        ["events", year, month] => {
            return if month_page(year, month).is_some() { Parsed::Moved(format!("{path}/")) } else { Parsed::Unknown };
        }
        [""] => Some(Page::Home),
        ["events", ""] => Some(Page::Events),
        ["events", year, month, ""] => month_page(year, month),
        ["e", id] => match id.split_once('.') {
            Some((id, "ics")) => short(id).map(Page::EventCalendar),
            Some((id, "car")) => short(id).map(Page::EventProof),
            Some(_) => None,
            None => short(id).map(Page::Event),
        },
        ["e", id, "history"] => short(id).map(Page::EventHistory),
        ["e", id, "at", at] => short(id).zip(occurrence(at)).map(|(id, at)| Page::Occurrence { id, at }),
        ["posts", ""] => Some(Page::Posts),
        ["n", id] => match id.strip_suffix(".car") {
            Some(id) => short(id).map(Page::PostProof),
            None => short(id).map(Page::Post),
        },
        ["v", id] => match id.split_once('.') {
            Some((id, "ics")) => short(id).map(Page::VenueCalendar),
            Some((id, "atom")) => short(id).map(Page::VenueFeed),
            Some(_) => None,
            None => short(id).map(Page::Venue),
        },
        ["p", did] => did.parse().ok().map(Page::Person),
        ["join"] => Some(Page::Join),
        ["subscribe"] => Some(Page::Subscribe),
        ["about"] => Some(Page::About),
        ["calendar.ics"] => Some(Page::Calendar),
        ["feed.atom"] => Some(Page::Feed),
        ["events.atom"] => Some(Page::EventsFeed),
        ["style.css"] => Some(Page::Style),
        ["icon.svg"] => Some(Page::Icon),
        ["favicon.ico"] if community.is_none() => Some(Page::Icon),
        ["b", cid] if community.is_none() => {
            block::parse_cid(cid).ok().filter(|c| c.codec() == block::RAW).map(Page::Blob)
        }
        ["healthz"] if community.is_none() => Some(Page::Health),
        ["robots.txt"] if community.is_none() => Some(Page::Robots),
        _ => None,
    };
    match page {
        Some(page) => {
            let query = Query::parse(query.unwrap_or("")).heeded_by(&page);
            Parsed::Found(Box::new(Route { community, page, query }))
        }
        None => Parsed::Unknown,
    }
}

impl Page {
    /// Path below the root or a community's prefix, starting with a slash.
    pub(crate) fn path(&self) -> String {
        match self {
            Self::Home => "/".into(),
            Self::Events => "/events/".into(),
            Self::Past => "/events/past/".into(),
            Self::Month { year, month } => format!("/events/{year:04}/{month:02}/"),
            Self::Event(id) => format!("/e/{id}"),
            Self::Occurrence { id, at } => format!("/e/{id}/at/{at}"),
            Self::EventCalendar(id) => format!("/e/{id}.ics"),
            Self::EventProof(id) => format!("/e/{id}.car"),
            Self::EventHistory(id) => format!("/e/{id}/history"),
            Self::Posts => "/posts/".into(),
            Self::Post(id) => format!("/n/{id}"),
            Self::PostProof(id) => format!("/n/{id}.car"),
            Self::Person(did) => format!("/p/{did}"),
            Self::Venue(id) => format!("/v/{id}"),
            Self::VenueCalendar(id) => format!("/v/{id}.ics"),
            Self::VenueFeed(id) => format!("/v/{id}.atom"),
            Self::Join => "/join".into(),
            Self::Subscribe => "/subscribe".into(),
            Self::About => "/about".into(),
            Self::Calendar => "/calendar.ics".into(),
            Self::Feed => "/feed.atom".into(),
            Self::EventsFeed => "/events.atom".into(),
            Self::Style => "/style.css".into(),
            Self::Icon => "/icon.svg".into(),
            Self::Blob(cid) => format!("/b/{cid}"),
            Self::Health => "/healthz".into(),
            Self::Robots => "/robots.txt".into(),
        }
    }
}

impl Query {
    fn parse(text: &str) -> Self {
        let mut query = Self::default();
        for (key, value) in text.split('&').filter_map(|pair| pair.split_once('=')).take(8) {
            match key {
                "from" => query.from = seconds(value),
                "before" => query.before = seconds(value),
                "after" => {
                    query.after = value
                        .split_once('-')
                        .and_then(|(time, id)| Some((time.parse().ok().filter(|t| *t < 1 << 53)?, short(id)?)));
                }
                "skip" => query.skip = value.parse().ok().filter(|n| *n < 1_000_000),
                "tag" => query.tag = words(value),
                "venue" => query.venue = short(value),
                "v" if value.len() <= 32 && value.bytes().all(|b| b.is_ascii_alphanumeric()) => {
                    query.v = Some(value.to_owned());
                }
                _ => {}
            }
        }
        query
    }

    /// As much of it as changes a page: else one page under many queries would be made, and kept, as often.
    fn heeded_by(self, page: &Page) -> Self {
        let none = Self::default();
        match page {
            Page::Events => Self { from: self.from, tag: self.tag, venue: self.venue, ..none },
            Page::Past => Self { before: self.before, tag: self.tag, venue: self.venue, ..none },
            Page::Month { .. } => Self { from: self.from, ..none },
            Page::Calendar | Page::EventsFeed => Self { tag: self.tag, venue: self.venue, ..none },
            Page::Posts => Self { after: self.after, tag: self.tag, ..none },
            Page::Feed => Self { tag: self.tag, ..none },
            Page::Post(_) => Self { skip: self.skip, ..none },
            Page::Style => Self { v: self.v, ..none },
            _ => none,
        }
    }
}

/// A tag as a record may have it, from a query as browsers and we write it.
fn words(value: &str) -> Option<String> {
    let text = percent_decoded(&value.replace('+', " "))?;
    let text = settled(String::from_utf8(text).ok()?.trim()).trim().to_owned();
    let fits = (1..=limits::TAG).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    fits.then_some(text)
}

/// Seconds since 1970 of a date between the years 1900 and 2200.
fn seconds(text: &str) -> Option<i64> {
    text.parse().ok().filter(|s| (-2_300_000_000..7_300_000_000).contains(s))
}

fn month_page(year: &str, month: &str) -> Option<Page> {
    let number = |text: &str, digits: usize| -> Option<i16> {
        (text.len() == digits && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
    };
    let (year, month) = (number(year, 4)?, i8::try_from(number(month, 2)?).ok()?);
    ((1900..=2200).contains(&year) && Date::new(year, month, 1).is_ok()).then_some(Page::Month { year, month })
}

/// Exactly the 16 characters of a short id: beginnings are for typing, not for links.
fn short(text: &str) -> Option<String> {
    (text.len() == 16 && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7'))).then(|| text.to_owned())
}

/// An occurrence's name: a date, or date and time.
fn occurrence(text: &str) -> Option<String> {
    let known = matches!(text.len(), 10 | 16 | 19)
        && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b':' | b'T'));
    known.then(|| text.to_owned())
}

/// Percent-decoding to printable ASCII, which is all our paths are made of.
fn decode(path: &str) -> Option<Cow<'_, str>> {
    if !path.contains('%') {
        return path.bytes().all(|b| b.is_ascii_graphic()).then_some(Cow::Borrowed(path));
    }
    let out = percent_decoded(path)?;
    let clean = out.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'%');
    clean.then(|| String::from_utf8(out).ok().map(Cow::Owned))?
}

/// None: a percent sign without two digits.
fn percent_decoded(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(if byte == b'%' {
            let (high, low) = (bytes.next()?, bytes.next()?);
            let digit = |b: u8| (b as char).to_digit(16);
            u8::try_from(digit(high)? * 16 + digit(low)?).ok()?
        } else {
            byte
        });
    }
    Some(out)
}

/// For a value in a query or in the subject of a mail.
pub(crate) fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte as char),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "abcdefghijklmn27";

    fn found(path: &str) -> Page {
        match parse(path, None) {
            Parsed::Found(route) => route.page,
            other => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn a_page_is_found_at_the_path_it_gives() {
        for page in [
            Page::Home,
            Page::Events,
            Page::Past,
            Page::Month { year: 2026, month: 10 },
            Page::Event(ID.into()),
            Page::Occurrence { id: ID.into(), at: "2026-12-05T20:00".into() },
            Page::EventCalendar(ID.into()),
            Page::EventProof(ID.into()),
            Page::EventHistory(ID.into()),
            Page::Posts,
            Page::Post(ID.into()),
            Page::PostProof(ID.into()),
            Page::Venue(ID.into()),
            Page::VenueCalendar(ID.into()),
            Page::VenueFeed(ID.into()),
            Page::Join,
            Page::Subscribe,
            Page::About,
            Page::Calendar,
            Page::Feed,
            Page::EventsFeed,
            Page::Style,
            Page::Icon,
            Page::Health,
            Page::Robots,
        ] {
            assert_eq!(found(&page.path()), page);
        }
        assert_eq!(
            found("/e/abcdefghijklmn27/at/2026-12-05T20%3A00"),
            found("/e/abcdefghijklmn27/at/2026-12-05T20:00")
        );
    }

    #[test]
    fn a_list_without_its_slash_moves_to_it() {
        assert_eq!(parse("/events", None), Parsed::Moved("/events/".into()));
        assert_eq!(parse("/events/2026/10", None), Parsed::Moved("/events/2026/10/".into()));
    }

    #[test]
    fn what_is_no_address_of_ours_is_unknown() {
        for path in [
            "/x",
            "/e/short",
            "/e/ABCDEFGHIJKLMN27",
            "/e/abcdefghijklmn27/",
            "/e/abcdefghijklmn27.exe",
            "/n/abcdefghijklmn27.ics",
            "/v/abcdefghijklmn27.car",
            "/v/abcdefghijklmn27/",
            "/n/abcdefghijklmn27.car.car",
            "/events/2026/13/",
            "/events/+202/01/",
            "//evil.example/",
            "/events//",
            "/n/%",
            "/n/%zz",
            "/%2e%2e/etc",
            "/c/nope/",
            "/p/did:key:nope",
            "/b/nope",
            "/e/abcdefghijklmn27/at/now",
            "/e/abcdefghijklmn27/history/",
            "/e/short/history",
            "",
        ] {
            assert_eq!(parse(path, None), Parsed::Unknown, "{path}");
        }
    }

    #[test]
    fn a_query_is_read_within_bounds_and_ignored_beyond() {
        let query = Query::parse("from=5&x=y&before=99999999999999&after=17-abcdefghijklmn27&skip=-1");
        assert_eq!(query, Query { from: Some(5), after: Some((17, ID.into())), ..Query::default() });
    }

    #[test]
    fn a_query_that_a_page_does_not_heed_makes_no_other_page_of_it() {
        let all = "from=5&before=6&after=17-abcdefghijklmn27&skip=3&tag=jazz&venue=abcdefghijklmn27&v=1";
        let heeded = |path: &str| match parse(path, Some(all)) {
            Parsed::Found(route) => route.query,
            other => panic!("{path}: {other:?}"),
        };
        let event = format!("/e/{ID}");
        for path in ["/", &event, &format!("{event}/history"), &format!("{event}.ics"), "/subscribe"] {
            assert_eq!(heeded(path), Query::default(), "{path}");
        }
        let part = Query { tag: Some("jazz".into()), venue: Some(ID.into()), ..Query::default() };
        assert_eq!(heeded("/calendar.ics"), part);
        assert_eq!(heeded("/events/past/"), Query { before: Some(6), ..part.clone() });
        assert_eq!(heeded("/events/"), Query { from: Some(5), ..part });
        assert_eq!(heeded("/feed.atom"), Query { tag: Some("jazz".into()), ..Query::default() });
        let after = Some((17, ID.into()));
        assert_eq!(heeded("/posts/"), Query { after, tag: Some("jazz".into()), ..Query::default() });
        assert_eq!(heeded(&format!("/n/{ID}")).skip, Some(3));
    }

    #[test]
    fn a_tag_in_a_query_comes_back_as_it_was_written_and_what_is_none_is_ignored() {
        let read = |text: &str| Query::parse(text).tag;
        for tag in ["R&B live", "Röck'n=röll", "100 %", "\"><b>"] {
            assert_eq!(read(&format!("tag={}", percent(tag))).as_deref(), Some(tag));
        }
        assert_eq!(read("tag=open+air").as_deref(), Some("open air"));
        assert_eq!(read("tag=%E2%80%AEjazz").as_deref(), Some("jazz"), "it turns no text around it");
        assert_eq!(read("tag=%E2%80%AE"), None);
        for text in ["tag=", "tag=+", "tag=%0a", "tag=%FF", "tag=%z", &format!("tag={}", "x".repeat(limits::TAG + 1))] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(Query::parse(&format!("venue={ID}")).venue.as_deref(), Some(ID));
        assert_eq!(Query::parse("venue=../etc").venue, None);
    }
}
