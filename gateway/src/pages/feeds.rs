//! `/feed.atom` and `/events.atom`: what is new or changed, newest change first. Cancellations travel here at once,
//! where calendar apps look only every few hours.

use std::collections::BTreeMap;

use folkmoot_node::store::reader::Entry;
use folkmoot_schemas::{
    kind::Kind,
    records::{
        event::{Event, Status},
        post::Post,
    },
};

use super::{Shown, filter::Filter, items};
use crate::{
    answer::{ATOM, Answer, Caching},
    feed::{Feed, Item},
    markdown,
    occasion::Occasion,
    reading::Reading,
    route::{Page, Query},
    words::{self, When},
};

const ITEMS: usize = 30;
/// Dates of a part of what comes that are looked through for its newest changes.
const NARROWED: usize = 2_000;
/// Changed dates of a series that an entry names.
const DATES: usize = 20;

/// With a tag: of the posts and coming events that have it.
pub(super) fn all(reading: &Reading<'_>, query: &Query) -> Shown {
    let (filter, site) = (Filter::by_tag(query), reading.site_name());
    let Some(words) = filter.words() else { return feed(reading, &Page::Feed, &[Post::NAME, Event::NAME], &site) };
    let (mut entries, _) = items::posts_where(reading, None, ITEMS, |post| filter.wants(&post.tags))?;
    entries.extend(coming(reading, &filter)?);
    let at = |page: Page| page.path() + &filter.suffix("");
    of(reading, &at(Page::Feed), &at(Page::Posts), entries, &format!("{site}: {words}"))
}

/// Events with a date to come.
fn coming(reading: &Reading<'_>, filter: &Filter) -> Result<Vec<Entry>, super::PageError> {
    let (dates, _) = filter.dates(reading, reading.now - 86_400..reading.now + 400 * 86_400, NARROWED)?;
    Ok(items::events_of(&dates).iter().map(|entry| entry.as_ref().clone()).collect())
}

pub(super) fn events(reading: &Reading<'_>, query: &Query) -> Shown {
    let filter = match Filter::of(reading, query)? {
        Ok(filter) => filter,
        Err(answer) => return Ok(answer),
    };
    let title = format!("Events of {}", reading.site_name());
    let Some(words) = filter.words() else { return feed(reading, &Page::EventsFeed, &[Event::NAME], &title) };
    let at = |page: Page| page.path() + &filter.suffix("");
    of(reading, &at(Page::EventsFeed), &at(Page::Events), coming(reading, &filter)?, &format!("{title}: {words}"))
}

fn feed(reading: &Reading<'_>, page: &Page, kinds: &[&str], title: &str) -> Shown {
    let mut found: BTreeMap<String, Entry> = BTreeMap::new();
    for community in &reading.communities {
        for kind in kinds {
            let newest = reading.view.list(&community.id, kind, None, ITEMS)?;
            found.extend(newest.into_iter().map(|e| (e.uri.to_string(), e)));
        }
    }
    if kinds.contains(&Event::NAME) {
        // An old event that was just cancelled is news.
        let (dates, _) = items::dates(reading, reading.now - 86_400..reading.now + 400 * 86_400, 400)?;
        found.extend(items::events_of(&dates).iter().map(|e| (e.uri.to_string(), e.as_ref().clone())));
    }
    of(reading, &page.path(), &Page::Home.path(), found.into_values().collect(), title)
}

/// A feed of these records, the newest change first; `own` and `home` (the page it belongs to) are paths.
pub(super) fn of(reading: &Reading<'_>, own: &str, home: &str, mut entries: Vec<Entry>, title: &str) -> Shown {
    entries.sort_by_key(|e| (std::cmp::Reverse(e.updated), e.uri.to_string()));
    entries.truncate(ITEMS);
    let mut list = Vec::with_capacity(entries.len());
    for entry in &entries {
        list.extend(item(reading, entry)?);
    }
    let community = reading.community();
    let feed = Feed {
        // The charter names a community for good; the merged feed is this gateway's own.
        id: community.map_or_else(|| reading.own_address(own), |c| format!("moot://{}{own}", c.id)),
        title,
        home: &reading.own_address(home),
        own: &reading.own_address(own),
        author: &reading.site_name(),
        lang: community.and_then(|c| words::lang(c.state.describe.lang.as_deref())),
        items: list,
    };
    Ok(Answer::new(ATOM, feed.to_xml(), Caching::List))
}

fn item(reading: &Reading<'_>, entry: &Entry) -> Result<Option<Item>, super::PageError> {
    let Some(page) = items::page_of(&entry.uri) else { return Ok(None) };
    let community = &entry.uri.community;
    let author = reading.person(community, &entry.uri.did)?.name;
    let (title, html, tags, lang) = if let Some(post) = entry.record.as_post() {
        let title = post.title.clone().unwrap_or_else(|| markdown::excerpt(&post.text, 80));
        (title, markdown::to_html(&post.text, 2), post.tags.clone(), post.lang.clone())
    } else if let Some(event) = entry.record.as_event() {
        let Some(main) = Occasion::main(event, reading.now, reading.fallback_zone(community)) else { return Ok(None) };
        let when = When::new(&main.event);
        // Of a series only what holds for all its dates is in the title.
        let status = words::status(event.status).map(|s| format!("{s}: ")).unwrap_or_default();
        let title = match &event.recur {
            Some(rule) => format!("{status}{} ({})", event.name, rule.in_words()),
            None => format!("{status}{} ({})", event.name, when.sentence()),
        };
        let mut source = String::new();
        let place = main.event.places.first().and_then(words::place_name).or_else(|| event.place_line());
        // Of a series each date says it for itself.
        let moved = words::moved(&main.event).filter(|_| event.recur.is_none());
        let zone = reading.fallback_zone(community);
        let lines = [event.status_note.clone(), Some(when.sentence()), moved, place].into_iter().flatten();
        for line in lines.chain(changed_dates(event, reading.now, zone)).chain(event.summary.clone()) {
            source.push_str(&markdown::to_html(&literal(&line), 2));
        }
        source.push_str(&markdown::to_html(event.text.as_deref().unwrap_or_default(), 2));
        (title, source, event.tags.clone(), event.lang.clone())
    } else {
        return Ok(None);
    };
    Ok(Some(Item {
        id: entry.uri.to_string(),
        title,
        url: reading.canonical(community, &page),
        published: words::utc(entry.created),
        updated: words::utc(entry.updated),
        author,
        html,
        tags,
        lang: words::lang(lang.as_deref()).map(str::to_owned),
    }))
}

/// The coming dates of a series that are not as its rule says, by time.
fn changed_dates(event: &Event, now: i64, zone: &str) -> Vec<String> {
    if event.recur.is_none() || event.status == Status::Cancelled {
        return Vec::new();
    }
    let mut coming: Vec<_> = event
        .overrides
        .iter()
        .filter(|change| !change.gone)
        .filter_map(|change| {
            let named = event.start.named(&change.at)?;
            let latest = change.start.as_ref().map_or(i64::MIN, |start| start.instant(zone)).max(named.instant(zone));
            (latest > now - 86_400).then_some((named.instant(zone), change))
        })
        .collect();
    coming.sort_by_key(|(at, change)| (*at, change.at.as_str()));
    let said = coming.into_iter().filter_map(|(_, change)| {
        let date = Occasion::at(event, &change.at, zone)?;
        words::changed_date(&date.event, &date.instance.at, change.note.as_deref())
    });
    said.take(DATES).collect()
}

/// Plain text as Markdown that shows just that text.
fn literal(text: &str) -> String {
    text.chars().flat_map(|c| c.is_ascii_punctuation().then_some('\\').into_iter().chain([c])).collect()
}
