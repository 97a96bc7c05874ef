//! `/e/<id>` and `/e/<id>/at/<occurrence>`: everything a guest wants to know, what changed first.

use askama::Template;
use folkmoot_node::store::reader::{Answers, Entry, Occurrence};
use folkmoot_schemas::{
    Cid, Did, Uri,
    kind::Kind,
    records::{
        event::{Event, HostRole, LinkKind, RsvpMode, Status},
        post::Post,
    },
    recur,
    when::{self, Start},
};

use super::{
    Shown, filter, history, home, html,
    items::{self, Where},
    notice::{gone, not_found},
    person, proof,
};
use crate::{
    answer::Caching,
    html::{EventItem, Frame, Html, Link, Person, Picture, PostItem, Proof, Section},
    jsonld, markdown,
    occasion::Occasion,
    reading::{Found, Reading},
    route::{Page, percent},
    words::{self, When},
};

/// Further dates of a series that are listed.
const DATES: usize = 8;
/// Parts of a festival that are listed.
const PARTS: usize = 30;

#[derive(Debug, Template)]
#[template(path = "event.html")]
struct EventPage {
    frame: Frame,
    uri: String,
    /// The whole event, where the page is about one date of a series.
    series: Option<Link>,
    /// The festival or series of events it belongs to.
    parent: Option<Link>,
    name: String,
    lang: Option<String>,
    status: Option<&'static str>,
    cancelled: bool,
    moved: Option<String>,
    note: Option<String>,
    when: When,
    repeats: Option<String>,
    doors: Option<String>,
    /// Former starts in words, newest first.
    previous: Vec<String>,
    /// The date is the one that a poll of the members was decided for.
    polled: bool,
    summary: Option<String>,
    text: Option<Html>,
    places: Vec<Where>,
    online: Vec<Link>,
    poster: Option<Picture>,
    pictures: Vec<Picture>,
    price: Option<String>,
    tickets: Vec<Link>,
    links: Vec<Link>,
    hosts: Vec<Named>,
    acts: Vec<Named>,
    contact: Option<Contact>,
    access: Option<String>,
    age: Option<u32>,
    tags: Vec<Link>,
    poster_by: Person,
    written: (String, String),
    edited: Option<(String, String)>,
    /// Who changed it last, where that is not its author.
    edited_by: Option<Person>,
    /// Where it is told what was changed.
    history: Option<String>,
    imported: Option<String>,
    answers: Option<Counts>,
    /// Until when answers are taken, and for how many.
    terms: Option<String>,
    closed: bool,
    calendar: String,
    proof: Proof,
    rsvp: String,
    dates: Vec<EventItem>,
    /// What belongs to it, by time.
    parts: Vec<EventItem>,
    updates: Vec<PostItem>,
    data: Html,
    /// An event that names nothing but its time has no box beside it.
    has_facts: bool,
}

/// A host or an act.
#[derive(Debug)]
struct Named {
    name: String,
    href: Option<String>,
    extra: Option<String>,
}

#[derive(Debug)]
enum Contact {
    Mail { words: String, href: String },
    Link(Link),
    Text(String),
}

#[derive(Debug)]
struct Counts {
    line: String,
    before_change: u32,
    names: Vec<String>,
    capacity: Option<u32>,
}

pub(super) fn answer(reading: &Reading<'_>, id: &str, at: Option<&str>) -> Shown {
    let entry = match reading.by_short(id, Event::NAME)? {
        Found::Entry(entry) => entry,
        Found::Gone => return Ok(gone(reading)),
        Found::Absent => return Ok(not_found(Some(reading))),
    };
    let Some(record) = entry.record.as_event() else { return Ok(not_found(Some(reading))) };
    let zone = reading.fallback_zone(&entry.uri.community);
    let occasion = match at {
        Some(at) => Occasion::at(record, at, zone),
        None => Occasion::main(record, reading.now, zone),
    };
    let Some(occasion) = occasion else { return Ok(not_found(Some(reading))) };
    let page = page(reading, &entry, record, &occasion, at)?;
    html(&page, Caching::Revalidate)
}

fn page(
    reading: &Reading<'_>,
    entry: &Entry,
    record: &Event,
    occasion: &Occasion,
    at: Option<&str>,
) -> Result<EventPage, super::PageError> {
    let community = entry.uri.community;
    let id = entry.uri.short_id();
    let on = &occasion.event;
    let when = When::new(on);
    let address = match at {
        Some(at) => Page::Occurrence { id: id.clone(), at: at.to_owned() },
        None => Page::Event(id.clone()),
    };
    let author = reading.person(&community, &entry.uri.did)?;
    let answers = reading.view.answers(entry, at)?;
    let status = words::status(on.status);
    let title = match status {
        Some(status) => format!("{status}: {}", on.name),
        None => on.name.clone(),
    };
    let place = on.places.first().and_then(words::place_name).or_else(|| on.place_line());
    let about = on.summary.clone().or_else(|| on.text.as_deref().map(markdown::to_plain)).unwrap_or_default();
    let description = [Some(when.sentence()), place, Some(about)].into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let poster = on.image.as_ref().and_then(items::picture);
    let mut frame = reading.frame(Section::Events, &title, &description, &address);
    frame.image = poster.as_ref().map(|p| format!("{}{}", reading.origin.as_str(), p.src));
    frame.kind = "article";
    let canonical = reading.canonical(&community, &address);
    let zone = reading.zone(&community);
    let closes = record.rsvp.as_ref().and_then(|rules| rules.closes.as_ref());
    let fallback_zone = reading.fallback_zone(&community);
    let closed = closes.is_some_and(|closes| closes.instant(fallback_zone) < reading.now);
    let edited = !entry.revised.is_empty() || entry.updated > entry.created + 60_000_000;
    let page_of = |did: &Option<Did>| did.map(|did| reading.person(&community, &did).map(|p| p.href)).transpose();
    let mut hosts = Vec::new();
    for host in &on.hosts {
        let extra = match host.role {
            HostRole::Host => None,
            HostRole::Cohost => Some("co-host".to_owned()),
            HostRole::Venue => Some("venue".to_owned()),
        };
        hosts.push(Named { name: host.name.clone(), href: page_of(&host.did)?, extra });
    }
    let mut acts = Vec::new();
    for act in &on.acts {
        let link = act.url.as_deref().and_then(markdown::link).map(str::to_owned);
        acts.push(Named { name: act.name.clone(), href: link.or(page_of(&act.did)?), extra: act.at.clone() });
    }
    let venues = on.places.iter().map(|place| items::venue_page(reading, place)).collect::<Result<Vec<_>, _>>()?;
    let venue_page = |uri: &Uri| Page::Venue(uri.short_id());
    let parent = parent(reading, entry, record)?;
    let parts = parts(reading, entry, record)?;
    let link_of = |l: &folkmoot_schemas::records::event::EventLink| home::named(&l.url, &l.label);
    let (tickets, links): (Vec<_>, Vec<_>) = on.links.iter().partition(|l| l.kind == LinkKind::Tickets);
    Ok(EventPage {
        uri: entry.uri.to_string(),
        series: at
            .filter(|_| record.recur.is_some())
            .map(|_| Link { href: reading.href(&community, &Page::Event(id.clone())), label: record.name.clone() }),
        parent: parent.as_ref().map(|(label, uri)| Link {
            href: reading.href(&community, &Page::Event(uri.short_id())),
            label: label.clone(),
        }),
        name: on.name.clone(),
        lang: words::lang(on.lang.as_deref()).map(str::to_owned).or_else(|| reading.lang(&community)),
        status,
        cancelled: on.status == Status::Cancelled,
        moved: words::moved(on),
        note: on.status_note.clone(),
        repeats: record.recur.as_ref().map(recur::Rule::in_words),
        doors: on.doors.clone(),
        previous: on.previous.iter().rev().map(words::start).collect(),
        polled: polled(entry, record),
        summary: on.summary.clone(),
        text: on.text.as_deref().map(|t| Html(markdown::to_html(t, 3))),
        places: on
            .places
            .iter()
            .zip(&venues)
            .map(|(place, venue)| {
                items::place_of(place, venue.as_ref().map(|uri| reading.href(&uri.community, &venue_page(uri))))
            })
            .collect(),
        online: on.online.iter().filter_map(|l| home::named(&l.url, l.label.as_deref().unwrap_or_default())).collect(),
        poster,
        pictures: on.images.iter().filter_map(items::picture).collect(),
        price: on.price.as_ref().map(folkmoot_schemas::records::event::Price::words),
        tickets: tickets.into_iter().filter_map(link_of).collect(),
        links: links.into_iter().filter_map(link_of).collect(),
        hosts,
        acts,
        contact: on.contact.as_deref().map(|c| contact(c, &on.name, &when)),
        access: on.access.clone(),
        age: on.age_min.filter(|age| *age > 0),
        tags: tags(reading, &community, on),
        poster_by: author,
        written: words::written(entry.created, zone),
        edited: edited.then(|| words::written(entry.updated, zone)),
        edited_by: entry.revised.first().map(|last| reading.person(&community, &last.uri.did)).transpose()?,
        history: if edited { history::offer(reading, entry)? } else { None },
        imported: record.source.as_ref().map(|s| s.url.clone().unwrap_or_else(|| s.kind.clone())),
        answers: counts(record, &answers),
        terms: terms(record, closed, fallback_zone),
        closed,
        calendar: reading.href(&community, &Page::EventCalendar(id.clone())),
        proof: proof::offer(reading, &entry.uri, &Page::Event(id.clone()), &Page::EventProof(id.clone())),
        rsvp: match at {
            Some(at) if record.recur.is_some() => format!("moot rsvp {id} yes --at {at}"),
            _ => format!("moot rsvp {id} yes"),
        },
        dates: dates(reading, entry, record, at),
        parts: items::event_items(reading, &parts),
        updates: updates(reading, entry)?,
        data: Html(jsonld::event(&jsonld::Facts {
            occasion,
            url: &canonical,
            series: record
                .recur
                .as_ref()
                .map(|_| (record.name.as_str(), reading.canonical(&community, &Page::Event(id)))),
            parent: parent
                .as_ref()
                .map(|(name, uri)| (name.as_str(), reading.canonical(&community, &Page::Event(uri.short_id())))),
            parts: parts
                .iter()
                .map(|date| reading.canonical(&community, &Page::Event(date.entry.uri.short_id())))
                .collect(),
            venues: venues
                .iter()
                .map(|uri| uri.as_ref().map(|uri| reading.canonical(&uri.community, &venue_page(uri))))
                .collect(),
            author: known(reading, &community, &entry.uri.did)?,
            hosts: on
                .hosts
                .iter()
                .map(|host| host.did.as_ref().map(|did| known(reading, &community, did)).transpose())
                .collect::<Result<_, _>>()?,
            left: places_left(record, &answers, at),
            origin: reading.origin.as_str(),
            organizer: reading.find(&community).map_or("", |c| c.state.name.as_str()),
            community: &reading.canonical(&community, &Page::Home),
        })),
        has_facts: has_facts(on, record),
        when,
        frame,
    })
}

fn has_facts(on: &Event, record: &Event) -> bool {
    let single = [&on.doors, &on.access, &on.contact].into_iter().any(Option::is_some);
    let lists = [on.places.len(), on.online.len(), on.acts.len(), on.hosts.len(), on.links.len()];
    single || record.recur.is_some() || on.price.is_some() || on.age_min.is_some() || lists.into_iter().any(|n| n > 0)
}

/// Each leads to what else has it.
fn tags(reading: &Reading<'_>, community: &Cid, event: &Event) -> Vec<Link> {
    let list = reading.href(community, &Page::Events);
    event.tags.iter().map(|tag| Link { href: filter::tagged(&list, tag), label: tag.clone() }).collect()
}

/// Polls are for members, and so is everything in them; that there was one is what the event itself says. Of a date that
/// was moved since nobody chose it is true no more.
fn polled(entry: &Entry, event: &Event) -> bool {
    let own = event.poll.as_ref().filter(|poll| poll.community == entry.uri.community && poll.did == entry.uri.did);
    let stands = event.previous.is_empty() && event.recur.is_none() && event.status == Status::Confirmed;
    own.is_some() && stands
}

/// The next dates of a series, without the one the page is about.
fn dates(reading: &Reading<'_>, entry: &Entry, record: &Event, at: Option<&str>) -> Vec<EventItem> {
    if record.recur.is_none() {
        return Vec::new();
    }
    let zone = reading.fallback_zone(&entry.uri.community);
    let window = reading.now..reading.now + 400 * 86_400;
    let entry = std::sync::Arc::new(entry.clone());
    let next = recur::expand(record, window, zone, recur::BUDGET).instances.into_iter();
    let next = next.filter(|i| at.is_none_or(|at| i.at.text() != at)).take(DATES);
    let next: Vec<Occurrence> = next.map(|instance| Occurrence { entry: entry.clone(), instance }).collect();
    items::event_items(reading, &next)
}

/// Name and address of the event it is part of, if that can be seen here and has it as a part.
fn parent(reading: &Reading<'_>, entry: &Entry, record: &Event) -> Result<Option<(String, Uri)>, super::PageError> {
    let Some(uri) = record.parent.as_ref().filter(|uri| reading.find(&uri.community).is_some()) else {
        return Ok(None);
    };
    let whole = reading.get(uri)?.and_then(|whole| whole.record.as_event().cloned());
    let whole = whole.filter(|whole| whole.has_part_by(&uri.did, &entry.uri.did));
    Ok(whole.map(|whole| (whole.name, uri.clone())))
}

/// The events that say they are part of this one, each once, by time.
fn parts(reading: &Reading<'_>, entry: &Entry, record: &Event) -> Result<Vec<Occurrence>, super::PageError> {
    let zone = reading.fallback_zone(&entry.uri.community);
    let own = |did: &Did| record.has_part_by(&entry.uri.did, did);
    let all = reading.view.about_by(&entry.uri, Event::NAME, own)?;
    let mut parts: Vec<Occurrence> = all
        .into_iter()
        .filter(|part| part.uri != entry.uri)
        .filter_map(|part| {
            let instance = Occasion::main(part.record.as_event()?, reading.now, zone)?.instance;
            Some(Occurrence { entry: std::sync::Arc::new(part), instance })
        })
        .collect();
    parts.sort_by(|a, b| (a.instance.from, &a.entry.uri).cmp(&(b.instance.from, &b.entry.uri)));
    parts.truncate(PARTS);
    Ok(parts)
}

fn updates(reading: &Reading<'_>, entry: &Entry) -> Result<Vec<PostItem>, super::PageError> {
    const MOST: usize = 10;
    let mut out = Vec::new();
    let all = reading.view.about(&entry.uri, Post::NAME)?;
    for post in all.iter().rev().filter(|e| e.fault.is_none()).take(MOST) {
        if let Some(mut item) = items::post_item(reading, post, true, 4)? {
            item.about = None;
            out.push(item);
        }
    }
    Ok(out)
}

/// An address to write to comes with the subject filled in, for people who have no account here.
fn contact(text: &str, event: &str, when: &When) -> Contact {
    let plain = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'+'))
    };
    let address = |word: &&str| {
        let parts = word.split_once('@');
        parts.is_some_and(|(name, host)| plain(name) && plain(host) && host.contains('.'))
    };
    let words = text.strip_prefix("mailto:").unwrap_or(text);
    // Imported contacts are a name and an address.
    let mut words = words.split([' ', ';', ',', '<', '>', '(', ')', '\n']).map(|word| word.trim_end_matches('.'));
    if let Some(mail) = words.find(address) {
        let subject = percent(&format!("{event}, {}", when.date));
        return Contact::Mail { words: text.to_owned(), href: format!("mailto:{mail}?subject={subject}") };
    }
    match home::named(text, text) {
        Some(link) => Contact::Link(link),
        None => Contact::Text(text.to_owned()),
    }
}

/// None: the event takes no answers, or this node cannot know them.
fn counts(event: &Event, answers: &Answers) -> Option<Counts> {
    let rules = event.rsvp.clone().unwrap_or_default();
    if !answers.known || matches!(rules.mode, RsvpMode::None | RsvpMode::External) {
        return None;
    }
    // Saying yes is not having a place until whoever keeps the list has said so.
    let going = match (answers.listed, answers.needs_list) {
        (Some(listed), _) if listed.waiting > 0 => {
            let waiting = match (rules.mode, listed.waiting) {
                (RsvpMode::Approval, 1) => "waits for a host's yes",
                (RsvpMode::Approval, _) => "wait for a host's yes",
                _ => "on the waiting list",
            };
            vec![(listed.admitted, "with a place"), (listed.waiting, waiting)]
        }
        (Some(listed), _) => vec![(listed.admitted, "with a place")],
        (None, true) => vec![(answers.going, "said yes (not confirmed)")],
        (None, false) => vec![(answers.going, "going")],
    };
    let numbers = going.into_iter().chain([(answers.maybe, "maybe"), (answers.interested, "interested")]);
    let line: Vec<String> = numbers.filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    Some(Counts {
        line: line.join(" · "),
        before_change: answers.before_change,
        names: answers.names.clone(),
        capacity: rules.capacity,
    })
}

fn known<'a>(reading: &Reading<'_>, community: &Cid, did: &'a Did) -> Result<jsonld::Known<'a>, super::PageError> {
    Ok(jsonld::Known {
        did,
        name: reading.person(community, did)?.name,
        kind: person::profile(reading, community, did)?.map(|profile| profile.kind).unwrap_or_default(),
        url: reading.canonical(community, &Page::Person(*did)),
    })
}

/// None: as many as come may come, nobody gave places yet, or this is not for everybody to know.
fn places_left(event: &Event, answers: &Answers, at: Option<&str>) -> Option<u32> {
    // Each date of a series has places of its own.
    let one_date = event.recur.is_none() || at.is_some();
    let listed = answers.listed.filter(|_| answers.known && one_date)?;
    Some(event.rsvp.as_ref()?.capacity?.saturating_sub(listed.admitted))
}

/// `zone`: the community's, for a last moment that names none.
fn terms(event: &Event, closed: bool, zone: &str) -> Option<String> {
    let rules = event.rsvp.as_ref().filter(|rules| rules.mode != RsvpMode::None)?;
    let closes = rules.closes.as_ref().map(|closes| {
        let moment = match closes {
            Start::Date { .. } => when::local_at(closes.instant(zone), zone)
                .map(|local| Start::Local { local, zone: zone.to_owned() })
                .unwrap_or_else(|| closes.clone()),
            Start::Local { .. } => closes.clone(),
        };
        let moment = when::words(&moment, None, None);
        if closed { format!("Answers closed {moment}.") } else { format!("Answers until {moment}.") }
    });
    let plus = rules.plus_max.filter(|_| !closed).map(|most| match most {
        0 => "Nobody may bring others.".to_owned(),
        1 => "Each may bring one other.".to_owned(),
        most => format!("Each may bring up to {most} others."),
    });
    let said: Vec<String> = [closes, plus].into_iter().flatten().collect();
    (!said.is_empty()).then(|| said.join(" "))
}

#[cfg(test)]
mod tests {
    use folkmoot_node::store::reader::Listed;
    use serde_json::json;

    use super::*;
    use crate::occasion::tests as sample;

    #[test]
    fn places_are_left_as_long_as_the_list_gives_fewer_than_there_are() {
        let mut gig = sample::event(json!({"name": "Gig", "start": {"date": "2026-05-01"}, "rsvp": {"capacity": 3}}));
        let listed =
            |admitted| Answers { known: true, listed: Some(Listed { admitted, waiting: 2 }), ..Answers::default() };
        assert_eq!(places_left(&gig, &listed(1), None), Some(2));
        assert_eq!(places_left(&gig, &listed(3), None), Some(0));
        assert_eq!(places_left(&gig, &listed(5), None), Some(0), "places were taken away since");
        assert_eq!(places_left(&gig, &Answers { known: true, going: 9, ..Answers::default() }, None), None, "no list");
        assert_eq!(places_left(&gig, &Answers { known: false, ..listed(3) }, None), None);
        gig.recur = sample::weekly().recur;
        assert_eq!(places_left(&gig, &listed(3), None), None);
        assert_eq!(places_left(&gig, &listed(3), Some("2026-05-07")), Some(0));
        gig.rsvp = None;
        assert_eq!(places_left(&gig, &listed(3), Some("2026-05-07")), None);
    }

    #[test]
    fn a_mail_address_gets_a_subject_and_nothing_else_becomes_one() {
        let when = When { date: "Friday 1 May 2026".into(), ..When::default() };
        match contact("club@a.example", "Rock & Röll?", &when) {
            Contact::Mail { href, .. } => {
                assert_eq!(
                    href,
                    "mailto:club@a.example?subject=Rock%20%26%20R%C3%B6ll%3F%2C%20Friday%201%20May%202026"
                );
            }
            other => panic!("{other:?}"),
        }
        match contact("Ada Lovelace; ada@a.example", "x", &when) {
            Contact::Mail { words, href } => {
                assert_eq!(words, "Ada Lovelace; ada@a.example");
                assert!(href.starts_with("mailto:ada@a.example?subject="));
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(contact("a@b.example?bcc=all@c.example", "x", &when), Contact::Text(_)));
        assert!(matches!(contact("javascript:alert(1)", "x", &when), Contact::Text(_)));
        assert!(matches!(contact("https://a.example/", "x", &when), Contact::Link(_)));
    }
}
