//! `/`: a community's name, its next dates and newest posts; with several communities, all of them and their dates.

use std::collections::HashMap;

use askama::Template;
use folkmoot_node::store::reader::Occurrence;
use folkmoot_schemas::Uri;

use super::{Shown, filter::Filter, html, items};
use crate::{
    answer::Caching,
    html::{EventItem, Frame, Html, Link, PostItem, Section},
    markdown,
    reading::Reading,
    route::Page,
};

const NEXT: usize = 10;
/// Dates that are looked at for them.
const LOOK: usize = 60;
/// Dates of one series: enough to see that the next one is cancelled and when it goes on.
const OF_SERIES: usize = 2;
const YEAR: i64 = 400 * 86_400;

#[derive(Debug, Template)]
#[template(path = "home.html")]
pub(super) struct Home {
    frame: Frame,
    heading: String,
    about: Option<Html>,
    links: Vec<Link>,
    /// Only where several are shown.
    communities: Vec<Club>,
    first: Option<EventItem>,
    events: Vec<EventItem>,
    more_events: bool,
    posts: Vec<PostItem>,
    more_posts: bool,
    members: usize,
    webcal: String,
}

#[derive(Debug)]
struct Club {
    href: String,
    name: String,
    lang: Option<String>,
    about: String,
}

pub(super) fn answer(reading: &Reading<'_>) -> Shown {
    let (dates, cut) = items::dates(reading, reading.now..reading.now + YEAR, LOOK)?;
    let dates = without_repeats(dates);
    let more_events = cut || dates.len() > NEXT;
    let mut events: Vec<EventItem> = items::event_items(reading, dates.iter().take(NEXT));
    // The first one that takes place gets the large letters.
    let first = events.first().is_some_and(|e| !e.cancelled()).then(|| events.remove(0));
    let (posts, next) = items::threads(reading, &Filter::default(), None, super::POSTS)?;
    let describe = reading.community().map(|c| &c.state.describe);
    let about = describe.and_then(|d| d.about.as_deref());
    let description = match about {
        Some(about) => markdown::to_plain(about),
        None => format!("Events and posts of {}", reading.site_name()),
    };
    let links = describe.and_then(|d| d.links.as_ref()).into_iter().flatten();
    let page = Home {
        frame: reading.frame(Section::Home, "", &description, &Page::Home),
        heading: if reading.merged() { "Coming up".into() } else { reading.site_name() },
        about: about.map(|a| Html(markdown::to_html(a, 3))),
        links: links.filter_map(|l| named(&l.url, &l.label)).collect(),
        communities: if reading.merged() { clubs(reading) } else { Vec::new() },
        first,
        events,
        more_events,
        posts,
        more_posts: next.is_some(),
        members: reading.community().map_or(0, |c| c.state.members.len()),
        webcal: reading.origin.webcal(&(reading.own_prefix() + &Page::Calendar.path())),
    };
    html(&page, Caching::Revalidate)
}

/// A weekly series must not fill the page.
fn without_repeats(mut dates: Vec<Occurrence>) -> Vec<Occurrence> {
    let mut seen: HashMap<Uri, usize> = HashMap::new();
    dates.retain(|date| {
        let times = seen.entry(date.entry.uri.clone()).or_default();
        *times += 1;
        *times <= OF_SERIES
    });
    dates
}

/// A link of a record's field, if it may be followed.
pub(super) fn named(url: &str, label: &str) -> Option<Link> {
    let label = if label.is_empty() { url } else { label };
    markdown::link(url).map(|href| Link { href: href.to_owned(), label: label.to_owned() })
}

fn clubs(reading: &Reading<'_>) -> Vec<Club> {
    let club = |c: &folkmoot_node::store::reader::Community| Club {
        href: reading.href(&c.id, &Page::Home),
        name: c.state.name.clone(),
        lang: reading.lang(&c.id),
        about: markdown::excerpt(c.state.describe.about.as_deref().unwrap_or_default(), 120),
    };
    reading.communities.iter().map(club).collect()
}
