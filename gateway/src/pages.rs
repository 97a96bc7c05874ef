//! The pages: from a route and a look at the store to an answer. Loading and showing are apart: each page has a plain
//! struct that its template renders without asking anything further.

mod blob;
mod calendars;
mod club;
mod event;
mod events;
mod feeds;
mod filter;
mod history;
mod home;
mod items;
pub(crate) mod notice;
mod person;
mod posts;
mod proof;
mod venue;

use askama::Template;
use folkmoot_node::{
    archive::ExportError,
    store::{StoreError, View},
};
use folkmoot_schemas::{
    kind::Kind,
    records::{event::Event, post::Post},
};

pub(crate) use self::proof::Prover;
use crate::{
    answer::{Answer, CSS, Caching, HTML, SVG, TEXT},
    origin::Origin,
    reading::Reading,
    route::{Page, Route},
    style,
};

/// Dates in one list page; with them a page stays below 30 KB.
const DATES: usize = 36;
/// Posts in one list page.
const POSTS: usize = 10;

/// Why a page could not be made; all of them are ours.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Proof(#[from] ExportError),
    #[error("a page could not be rendered: {0}")]
    Template(#[from] askama::Error),
}

type Shown = Result<Answer, PageError>;

/// Answers everything that needs the store.
pub(crate) fn answer(origin: &Origin, view: &View, proofs: Prover<'_>, route: &Route, now: i64) -> Shown {
    if let Page::Blob(cid) = &route.page {
        return blob::answer(view, cid);
    }
    let Some(reading) = Reading::new(origin, view, route.community.as_ref(), now)? else {
        return Ok(notice::not_found(None));
    };
    let query = &route.query;
    match &route.page {
        Page::Home => home::answer(&reading),
        Page::Events => events::upcoming(&reading, query),
        Page::Past => events::past(&reading, query),
        Page::Month { year, month } => events::month(&reading, *year, *month, query),
        Page::Event(id) => event::answer(&reading, id, None),
        Page::Occurrence { id, at } => event::answer(&reading, id, Some(at)),
        Page::EventCalendar(id) => calendars::event(&reading, id),
        Page::EventHistory(id) => history::answer(&reading, id),
        Page::EventProof(id) => proof::answer(&reading, proofs, id, Event::NAME),
        Page::Posts => posts::list(&reading, query),
        Page::Post(id) => posts::thread(&reading, id, query),
        Page::PostProof(id) => proof::answer(&reading, proofs, id, Post::NAME),
        Page::Person(did) => person::answer(&reading, did),
        Page::Venue(id) => venue::answer(&reading, id),
        Page::VenueCalendar(id) => venue::calendar(&reading, id),
        Page::VenueFeed(id) => venue::feed(&reading, id),
        Page::Join => club::join(&reading),
        Page::Subscribe => club::subscribe(&reading),
        Page::About => club::about(&reading),
        Page::Calendar => calendars::community(&reading, query),
        Page::Feed => feeds::all(&reading, query),
        Page::EventsFeed => feeds::events(&reading, query),
        Page::Style => {
            let accent = reading.accent();
            let named = query.v.as_deref() == Some(style::version(&accent).as_str());
            let caching = if named { Caching::Immutable } else { Caching::List };
            Ok(Answer::new(CSS, style::sheet(&accent), caching))
        }
        Page::Icon => {
            let frame = reading.frame(crate::html::Section::None, "", "", &Page::Icon);
            Ok(Answer::new(SVG, style::icon(&reading.accent(), &frame.initial), Caching::List))
        }
        Page::Robots => Ok(Answer::new(TEXT, "User-agent: *\nAllow: /\n", Caching::List)),
        // Answered before the store is asked.
        Page::Blob(_) | Page::Health => Ok(notice::not_found(Some(&reading))),
    }
}

fn html(page: &impl Template, caching: Caching) -> Shown {
    Ok(Answer::new(HTML, page.render()?, caching))
}
