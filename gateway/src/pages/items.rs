//! From records to the items of lists.

use std::collections::{BTreeMap, HashMap};

use folkmoot_node::store::{
    StoreError,
    reader::{Entry, Occurrence},
};
use folkmoot_schemas::{
    Cid, Uri,
    kind::Kind,
    records::{
        event::{Event, Image, Place, ShowPlace},
        post::{Post, PostKind},
        venue::Venue,
    },
};

use super::filter::{self, Filter};
use crate::{
    html::{EventItem, Html, Link, Person, Picture, PostItem, Tag},
    markdown,
    occasion::Occasion,
    reading::Reading,
    route::{Mark, Page},
    words::{self, When},
};

/// In lists, longer posts are cut to a few lines.
const SHORT: usize = 600;

/// In lists, so many tags of a post are links, of at most so many bytes of query: a page is to stay small.
const LINKED: usize = 4;
const LINK: usize = 64;

/// Characters of a place in lists.
const PLACE: usize = 48;

/// A place as pages show it.
#[derive(Debug, Default)]
pub(super) struct Where {
    /// Name, street, town, country, as far as readers are told.
    pub(super) parts: Vec<String>,
    pub(super) access: Option<String>,
    /// On a map; only for places whose address is for everybody.
    pub(super) geo: Option<(String, String)>,
    /// Why the address is missing.
    pub(super) kept: Option<&'static str>,
    /// The page of its venue.
    pub(super) venue: Option<String>,
}

pub(super) fn place_of(place: &Place, venue: Option<String>) -> Where {
    let country = place.country.as_ref().filter(|c| c.len() == 2 && place.locality.is_some());
    let degrees = |e7: i32| format!("{:.5}", f64::from(e7) / 1e7);
    let open = !place.hides_address();
    Where {
        // A country's code says nothing to those who go there.
        parts: words::place_parts(place).into_iter().filter(|p| Some(p) != country).collect(),
        access: place.access.clone().filter(|_| open),
        geo: place.lat_e7.zip(place.lon_e7).filter(|_| open).map(|(lat, lon)| (degrees(lat), degrees(lon))),
        kept: match place.show {
            Some(ShowPlace::Area) => Some("The address is not published; the hosts tell those who come."),
            Some(ShowPlace::Ask) => Some("Ask the hosts for the address."),
            _ => None,
        },
        venue,
    }
}

/// Where the venue that a place names can be read about, if it is here.
pub(super) fn venue_page(reading: &Reading<'_>, place: &Place) -> Result<Option<Uri>, StoreError> {
    let Some(uri) = place.venue.as_ref().filter(|uri| reading.find(&uri.community).is_some()) else { return Ok(None) };
    Ok(reading.get(uri)?.filter(|entry| entry.record.as_venue().is_some()).map(|_| uri.clone()))
}

/// The page of a record, if its kind has one.
pub(super) fn page_of(uri: &Uri) -> Option<Page> {
    match uri.collection.as_str() {
        Event::NAME => Some(Page::Event(uri.short_id())),
        Post::NAME => Some(Page::Post(uri.short_id())),
        Venue::NAME => Some(Page::Venue(uri.short_id())),
        _ => None,
    }
}

pub(super) fn picture(image: &Image) -> Option<Picture> {
    let shown = matches!(image.mime.as_str(), "image/png" | "image/jpeg" | "image/webp");
    let size = (1..=20_000).contains(&image.width) && (1..=20_000).contains(&image.height);
    (shown && size).then(|| Picture {
        src: Page::Blob(image.blob).path(),
        alt: image.alt.clone(),
        width: image.width,
        height: image.height,
    })
}

fn community_link(reading: &Reading<'_>, id: &Cid) -> Option<Person> {
    let community = reading.find(id).filter(|_| reading.merged())?;
    Some(Person { name: community.state.name.clone(), href: reading.href(id, &Page::Home) })
}

/// Dates of a list. Where the community names no zone of its own, one is said when it first comes up.
pub(super) fn event_items<'a>(
    reading: &Reading<'_>,
    dates: impl IntoIterator<Item = &'a Occurrence>,
) -> Vec<EventItem> {
    let unnamed = reading.community().is_some_and(|c| reading.zone(&c.id).is_none());
    let mut said = None;
    let mut items = Vec::new();
    for mut item in dates.into_iter().filter_map(|date| event_item(reading, date)) {
        if unnamed && item.zone.is_some() && item.zone == said {
            item.zone = None;
        } else if item.zone.is_some() {
            said.clone_from(&item.zone);
        }
        items.push(item);
    }
    items
}

/// None: not an event at all.
fn event_item(reading: &Reading<'_>, occurrence: &Occurrence) -> Option<EventItem> {
    let record = occurrence.entry.record.as_event()?;
    let Occasion { event, instance } = Occasion::new(record, &occurrence.instance);
    let uri = &occurrence.entry.uri;
    let (id, series) = (uri.short_id(), event.recur.is_some());
    let page = if series { Page::Occurrence { id, at: instance.at.text() } } else { Page::Event(id) };
    let when = When::new(&event);
    let home = reading.zone(&uri.community);
    Some(EventItem {
        href: reading.href(&uri.community, &page),
        lang: words::lang(event.lang.as_deref()).map(str::to_owned).or_else(|| reading.lang(&uri.community)),
        status: words::status(event.status),
        moved: words::moved(&event),
        note: event.status_note.clone(),
        zone: when.zone.clone().filter(|zone| Some(zone.as_str()) != home),
        day: words::day(instance.start.civil_date()),
        when,
        place: event.places.first().and_then(words::place_name).or_else(|| event.place_line()).map(|place| {
            // Imported places are often whole addresses.
            markdown::shorten(&place, PLACE)
        }),
        series,
        community: community_link(reading, &uri.community),
        summary: event.summary.clone().or_else(|| event.text.as_deref().map(|t| markdown::excerpt(t, 180))),
        poster: event.image.as_ref().and_then(picture),
        name: event.name,
    })
}

/// `short`: as in a list, with the end of a long text left out. Headings of the text start at `<h{top}>`.
/// None: not a post at all.
pub(super) fn post_item(
    reading: &Reading<'_>,
    entry: &Entry,
    short: bool,
    top: u8,
) -> Result<Option<PostItem>, StoreError> {
    let Some(post) = entry.record.as_post() else { return Ok(None) };
    let community = &entry.uri.community;
    let id = entry.uri.short_id();
    let more = short && post.text.chars().nth(SHORT).is_some();
    let html = if more {
        let cut = markdown::excerpt(&post.text, SHORT);
        format!("<p>{}</p>", escape(&cut))
    } else {
        markdown::to_html(&post.text, top)
    };
    let zone = reading.zone(community);
    let edited = entry.updated > entry.created + 60_000_000;
    Ok(Some(PostItem {
        href: reading.href(community, &Page::Post(id.clone())),
        id,
        title: post.title.clone(),
        author: reading.person(community, &entry.uri.did)?,
        time: words::written(entry.created, zone),
        edited: edited.then(|| words::written(entry.updated, zone)),
        html: Html(html),
        more,
        lang: words::lang(post.lang.as_deref()).map(str::to_owned).or_else(|| reading.lang(community)),
        pictures: post.images.iter().filter_map(picture).collect(),
        tags: tags(reading, community, &post.tags, short),
        update: post.kind == PostKind::Update,
        about: post.about.as_ref().map(|uri| about(reading, uri)).transpose()?.flatten(),
        answers: None,
        replies: 0,
        community: community_link(reading, community),
    }))
}

/// Each leads to the posts that have it; in a list the first ones, and none of them very long.
fn tags(reading: &Reading<'_>, community: &Cid, tags: &[String], short: bool) -> Vec<Tag> {
    let list = reading.href(community, &Page::Posts);
    let tag = |(n, tag): (usize, &String)| {
        let href = filter::tagged(&list, tag);
        let fits = !short || n < LINKED && href.len() < list.len() + LINK;
        Tag { href: Some(href).filter(|_| fits), label: tag.clone() }
    };
    tags.iter().enumerate().map(tag).collect()
}

/// A link to what a post is about, if it can be seen here.
fn about(reading: &Reading<'_>, uri: &Uri) -> Result<Option<Link>, StoreError> {
    let Some(page) = page_of(uri).filter(|_| reading.find(&uri.community).is_some()) else { return Ok(None) };
    let label = reading.get(uri)?.and_then(|entry| entry.record.card().title);
    Ok(label.map(|label| Link { href: reading.href(&uri.community, &page), label }))
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    out
}

/// Newest posts that begin a thread and pass the filter, with the number of replies; and where the list goes on.
pub(super) fn threads(
    reading: &Reading<'_>,
    filter: &Filter,
    after: Option<Mark>,
    limit: usize,
) -> Result<(Vec<PostItem>, Option<Mark>), StoreError> {
    let begins = |post: &Post| post.reply.is_none() && filter.wants(&post.tags);
    let (found, next) = posts_where(reading, after, limit, begins)?;
    let mut items = Vec::with_capacity(found.len());
    for entry in &found {
        if let Some(mut item) = post_item(reading, entry, true, 4)? {
            let replies = reading.view.about(&entry.uri, Post::NAME)?;
            item.replies = replies.iter().filter(|r| r.record.as_post().is_some_and(|p| p.reply.is_some())).count();
            items.push(item);
        }
    }
    Ok((items, next))
}

/// Newest posts of all shown communities that are `wanted`, and where the list goes on.
pub(super) fn posts_where(
    reading: &Reading<'_>,
    after: Option<Mark>,
    limit: usize,
    wanted: impl Fn(&Post) -> bool,
) -> Result<(Vec<Entry>, Option<Mark>), StoreError> {
    let mut found: Vec<Entry> = Vec::new();
    // The newest place at which a search was given up: what is older can be shown only after what may stand there.
    let mut stopped: Option<Mark> = None;
    for community in &reading.communities {
        let (entries, end) = wanted_of(reading, &community.id, after.clone(), limit + 1, &wanted)?;
        found.extend(entries);
        stopped = stopped.into_iter().chain(end).max_by_key(|(time, _)| *time);
    }
    found.sort_by_key(Entry::order);
    if let Some((time, _)) = &stopped {
        found.retain(|entry| entry.created >= *time);
    }
    let cut = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| cut).map(|e| (e.created, e.uri.short_id()));
    Ok((found, last.or(stopped)))
}

/// Up to `limit` of one community; and where the search was given up before the end.
fn wanted_of(
    reading: &Reading<'_>,
    community: &Cid,
    mut after: Option<Mark>,
    limit: usize,
    wanted: impl Fn(&Post) -> bool,
) -> Result<(Vec<Entry>, Option<Mark>), StoreError> {
    const BATCH: usize = 50;
    // A board where nearly nothing is wanted must not make a page read all of it.
    const BATCHES: usize = 8;
    let mut found = Vec::new();
    for _ in 0..BATCHES {
        let before = after.as_ref().map(|(time, id)| (*time, id.as_str()));
        let batch = reading.view.list(community, Post::NAME, before, BATCH)?;
        let full = batch.len() == BATCH;
        after = batch.last().map(|e| (e.created, e.uri.short_id()));
        found.extend(batch.into_iter().filter(|e| e.record.as_post().is_some_and(&wanted)));
        if !full || found.len() >= limit {
            found.truncate(limit);
            return Ok((found, None));
        }
    }
    Ok((found, after))
}

/// Dates of all shown communities in a window of seconds, in order. `true`: there are more.
pub(super) fn dates(
    reading: &Reading<'_>,
    window: std::ops::Range<i64>,
    limit: usize,
) -> Result<(Vec<Occurrence>, bool), StoreError> {
    dates_where(reading, window, limit, |_| true)
}

/// The same, of those that are `wanted`.
pub(super) fn dates_where(
    reading: &Reading<'_>,
    window: std::ops::Range<i64>,
    limit: usize,
    wanted: impl Fn(&Occurrence) -> bool,
) -> Result<(Vec<Occurrence>, bool), StoreError> {
    let mut all = Vec::new();
    let mut cut = false;
    // Where a community's list was cut, nothing after its last date can be shown without a gap.
    let mut known_until = i64::MAX;
    for community in &reading.communities {
        let (found, more) = reading.view.events_where(&community.id, window.clone(), limit, &wanted)?;
        if more {
            cut = true;
            known_until = known_until.min(found.last().map_or(window.start, |o| o.instance.from));
        }
        all.extend(found);
    }
    all.retain(|o| o.instance.from <= known_until);
    all.sort_by(|a, b| (a.instance.from, &a.entry.uri).cmp(&(b.instance.from, &b.entry.uri)));
    Ok((all, cut))
}

/// Names of the posts in a thread, for "answers …".
pub(super) fn by_uri<'a>(entries: impl Iterator<Item = &'a Entry>) -> HashMap<String, &'a Entry> {
    entries.map(|e| (e.uri.to_string(), e)).collect()
}

/// One entry for each event among the dates, in order of its first date here.
pub(super) fn events_of(dates: &[Occurrence]) -> Vec<std::sync::Arc<Entry>> {
    let mut seen = BTreeMap::new();
    let mut out = Vec::new();
    for date in dates {
        if seen.insert(date.entry.uri.clone(), ()).is_none() {
            out.push(date.entry.clone());
        }
    }
    out
}
