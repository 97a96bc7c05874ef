//! Pages about the community itself: `/join`, `/subscribe`, `/about`.

use askama::Template;
use folkmoot_schemas::roster::Role;

use super::{Shown, home, html, items};
use crate::{
    answer::Caching,
    html::{EventItem, Frame, Html, Link, Person, Section},
    markdown,
    reading::Reading,
    route::Page,
    words,
};

const NEXT: usize = 5;

#[derive(Debug, Template)]
#[template(path = "join.html")]
struct Join {
    frame: Frame,
    /// None on a gateway of several: the link itself says which one it is for.
    community: Option<String>,
    events: Vec<EventItem>,
}

pub(super) fn join(reading: &Reading<'_>) -> Shown {
    let (dates, _) = items::dates(reading, reading.now..reading.now + 400 * 86_400, NEXT)?;
    let community = reading.community().map(|c| c.state.name.clone());
    let title = community.as_deref().map_or_else(|| "Join".to_owned(), |name| format!("Join {name}"));
    let page = Join {
        frame: reading.frame(Section::Join, &title, "How to join with an invite link", &Page::Join),
        events: items::event_items(reading, dates.iter().take(NEXT)),
        community,
    };
    html(&page, Caching::Revalidate)
}

#[derive(Debug, Template)]
#[template(path = "subscribe.html")]
struct Subscribe {
    frame: Frame,
    webcal: String,
    calendar: String,
    feed: String,
    events_feed: String,
}

pub(super) fn subscribe(reading: &Reading<'_>) -> Shown {
    let description = format!("Add the calendar and the feed of {}", reading.site_name());
    let page = Subscribe {
        frame: reading.frame(Section::Events, "Subscribe", &description, &Page::Subscribe),
        webcal: reading.origin.webcal(&(reading.own_prefix() + &Page::Calendar.path())),
        calendar: reading.own_canonical(&Page::Calendar),
        feed: reading.own_canonical(&Page::Feed),
        events_feed: reading.own_canonical(&Page::EventsFeed),
    };
    html(&page, Caching::Revalidate)
}

#[derive(Debug, Template)]
#[template(path = "about.html")]
struct About {
    frame: Frame,
    clubs: Vec<Club>,
    software: &'static str,
}

/// One community as `/about` shows it.
#[derive(Debug)]
struct Club {
    name: String,
    lang: Option<String>,
    about: Option<Html>,
    rules: Option<Html>,
    links: Vec<Link>,
    support: Vec<Link>,
    stewards: Vec<Person>,
    members: usize,
    records: u64,
    zone: Option<String>,
    id: String,
    snapshot: String,
}

pub(super) fn about(reading: &Reading<'_>) -> Shown {
    let mut clubs = Vec::new();
    for community in &reading.communities {
        let describe = &community.state.describe;
        let mut stewards = Vec::new();
        for (did, member) in &community.state.members {
            if member.role == Role::Steward {
                stewards.push(reading.person(&community.id, did)?);
            }
        }
        let links = |list: &Option<Vec<folkmoot_schemas::roster::NamedLink>>| {
            list.iter().flatten().filter_map(|l| home::named(&l.url, &l.label)).collect()
        };
        clubs.push(Club {
            name: community.state.name.clone(),
            lang: words::lang(describe.lang.as_deref()).map(str::to_owned),
            about: describe.about.as_deref().map(|t| Html(markdown::to_html(t, 4))),
            rules: describe.rules.as_deref().map(|t| Html(markdown::to_html(t, 4))),
            links: links(&describe.links),
            support: links(&describe.support),
            stewards,
            members: community.state.members.len(),
            records: reading.view.count(&community.id)?,
            zone: describe.zone.clone(),
            id: community.id.to_string(),
            snapshot: reading.view.snapshot(&community.id)?.to_string(),
        });
    }
    let page = About {
        frame: reading.frame(Section::About, "About", &format!("Who runs {}", reading.site_name()), &Page::About),
        clubs,
        software: env!("CARGO_PKG_VERSION"),
    };
    html(&page, Caching::Revalidate)
}
