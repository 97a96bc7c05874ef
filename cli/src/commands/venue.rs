//! `moot venue`: places that events go back to, described once.

use clap::Subcommand;
use folkmoot_node::request::{OccurrenceInfo, Reply, Request};
use folkmoot_schemas::{
    Uri,
    records::{
        event::Place,
        text::clean,
        venue::{self, House, Venue},
    },
    recur::Instance,
};
use serde_json::{Value, json};

use super::{community::say_nothing_here, event::place::Address, show::card};
use crate::{
    error::{Error, Result},
    output::{Line, count},
    record,
    session::{Session, answer},
    venues::Venues,
    when::reader::WallClock,
};

/// How far the dates of a venue are looked for.
const AHEAD: i64 = 400 * 86_400;
/// Dates looked through, and how many of them are shown.
const LOOKED: u32 = 500;
const SHOWN: usize = 10;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Describe a place once, for all its events
    #[command(
        after_help = "Examples:\n  moot venue add SO36 --street \"Oranienstraße 190\" --postcode 10999 --locality Berlin --geo 52.50054,13.42225\n  moot venue add \"The Mill\" --locality Cottbus --alias \"Old Mill\" --capacity 120 --access-notes \"Step-free by the yard\""
    )]
    Add {
        /// What it is called
        name: String,
        #[command(flatten)]
        facts: Facts,
        /// It is another place than the one that looks like it
        #[arg(long)]
        new: bool,
    },
    /// Change a venue of yours; what is not given stays
    #[command(
        after_help = "Examples:\n  moot venue edit SO36 --capacity 800\n  moot venue edit \"Old Mill\" --same-as \"The Mill\"      # lists show them as one"
    )]
    Edit {
        /// Your venue: name, alias, short id or URI
        venue: String,
        /// A new name
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        facts: Facts,
    },
    /// All venues, each once
    #[command(after_help = "Example:\n  moot venue list")]
    List,
    /// One venue, and what comes there
    #[command(after_help = "Example:\n  moot venue show SO36")]
    Show {
        /// Name, alias, short id or URI
        venue: String,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Facts {
    #[command(flatten)]
    address: Address,
    /// How to get in: steps, hearing loop, which door
    #[arg(long, value_name = "TEXT")]
    access_notes: Option<String>,
    /// How many people fit in; 0 takes it away
    #[arg(long, value_name = "N")]
    capacity: Option<u32>,
    /// Its page on the web
    #[arg(long)]
    url: Option<String>,
    /// Another name it goes by; can be given several times and replaces the earlier ones
    #[arg(long, value_name = "NAME")]
    alias: Vec<String>,
    /// Another record of the same place; can be given several times and replaces the earlier ones
    #[arg(long, value_name = "VENUE")]
    same_as: Vec<String>,
}

pub(crate) fn run(command: Command, session: &Session) -> Result<()> {
    match command {
        Command::Add { name, facts, new } => add(&name, facts, new, session),
        Command::Edit { venue, name, facts } => edit(&venue, name.as_deref(), facts, session),
        Command::List => list(session),
        Command::Show { venue } => show(&venue, session),
    }
}

fn add(name: &str, facts: Facts, new: bool, session: &Session) -> Result<()> {
    let community = session.pick_community(None)?.cid;
    let venues = Venues::of(session, &community)?;
    let mut venue = Venue { name: clean(name), ..Venue::default() };
    facts.apply(&mut venue, &venues, session)?;
    // Whoever names the record it doubles knows of it.
    if !new
        && venue.same_as.is_empty()
        && let Some(uri) = venues.like(&venue.place(None))
    {
        let id = uri.short_id();
        return Err(Error::refused(format!("could not add the venue: there is already “{}”", venues.words(uri)))
            .because(
                format!("{id}  {}", venues.all[uri].place(None).address().unwrap_or_default()).trim_end().to_owned(),
            )
            .hint(format!("use it with --venue {id}, or add --new if it is another place")));
    }
    record::publish_one(session, Some(&community), record::draft("venue", venue.clone())?, "venue added")?;
    echo(session, &venue);
    Ok(())
}

fn edit(target: &str, name: Option<&str>, facts: Facts, session: &Session) -> Result<()> {
    let community = session.pick_community(None)?.cid;
    let venues = Venues::of(session, &community)?;
    let (uri, _) = venues.find(session, target)?;
    let found = record::find_own(session, &uri.to_string(), "edit it")?;
    let Some(old) = found.record.as_venue() else { return Err(Error::bug("a venue is none when it is read again")) };
    let mut venue = old.clone();
    if let Some(name) = name {
        venue.name = clean(name);
    }
    facts.apply(&mut venue, &venues, session)?;
    if venue == *old {
        return record::unchanged(session, &found.item);
    }
    if venue.same_as.contains(&uri) {
        return Err(Error::refused("could not change the venue: it would be another record of itself")
            .hint("--same-as names another record of the same place"));
    }
    record::publish_one(
        session,
        Some(&found.item.community),
        record::redraft("venue", &found.item, venue.clone())?,
        "venue changed",
    )?;
    echo(session, &venue);
    if old.place(None) != venue.place(None) {
        session.out.note("events there keep the address they were published with: moot event edit EVENT --venue … takes over the new one");
    }
    Ok(())
}

impl Facts {
    fn apply(self, venue: &mut Venue, venues: &Venues, session: &Session) -> Result<()> {
        let mut place = venue.place(None);
        self.address.apply(&mut place)?;
        let given = |text: String| Some(clean(&text)).filter(|text| !text.is_empty());
        if let Some(text) = self.access_notes {
            place.access = given(text);
        }
        let Place { street, locality, region, postcode, country, lat_e7, lon_e7, access, .. } = place;
        *venue = Venue { street, locality, region, postcode, country, lat_e7, lon_e7, access, ..venue.clone() };
        if let Some(n) = self.capacity {
            venue.capacity = Some(n).filter(|n| *n > 0);
        }
        if let Some(url) = self.url {
            venue.url = given(url);
        }
        if !self.alias.is_empty() {
            venue.aliases = self.alias.into_iter().filter_map(given).collect();
        }
        if !self.same_as.is_empty() {
            let named = self.same_as.iter().filter(|text| !text.is_empty());
            venue.same_as = named.map(|text| venues.find(session, text).map(|(uri, _)| uri)).collect::<Result<_>>()?;
        }
        Ok(())
    }
}

fn echo(session: &Session, venue: &Venue) {
    let place = venue.place(None);
    let holds = venue.capacity.map(|n| format!("holds {}", count(n.into(), "person", "people")));
    for fact in [place.address(), place.position(), place.access, holds].into_iter().flatten() {
        session.out.line(Line::new().faint("  ").text(fact));
    }
}

fn list(session: &Session) -> Result<()> {
    let communities = match &session.named_community {
        Some(name) => vec![session.pick_community(Some(name))?],
        None => answer!(session.ask(&Request::Communities)?, Reply::Communities(all) => all)?,
    };
    let mut any = false;
    for community in &communities {
        let venues = Venues::of(session, &community.cid)?;
        let mut groups: Vec<_> = venue::merged(&venues.all).into_iter().collect();
        groups.sort_by_key(|(main, _)| venues.words(main).to_lowercase());
        for (main, same) in groups {
            any = true;
            let (Some(item), Some(venue)) = (venues.item(&main), venues.all.get(&main)) else { continue };
            let names = same
                .iter()
                .filter(|uri| **uri != main)
                .filter_map(|uri| venues.all.get(uri))
                .map(|other| other.name.clone());
            let mut also: Vec<String> =
                venue.aliases.iter().cloned().chain(names).filter(|name| *name != venue.name).collect();
            also.dedup();
            let mut value = record::as_json(item);
            value["same"] = same.iter().filter(|uri| **uri != main).map(|uri| json!(uri)).collect();
            session.out.object(&value);
            let line = Line::new().strong(&venue.name);
            let line = venue.place(None).address().map_or(line.clone(), |address| line.text("  ").text(address));
            let line = if also.is_empty() { line } else { line.faint("  also ").text(also.join(", ")) };
            session.out.line(line.text("  ").id(main.short_id()));
        }
    }
    if !any {
        say_nothing_here(session, "no venues yet: moot venue add NAME --street … --locality …")?;
    }
    Ok(())
}

fn show(target: &str, session: &Session) -> Result<()> {
    let (found, uri) = find(target, session)?;
    let Some(venue) = found.record.as_venue() else { return Err(Error::bug("a venue is none when it is read again")) };
    let venues = Venues::of(session, &found.item.community)?;
    let house = House::new(&uri, venue, &venues.all);
    let now = session.clock.seconds();
    let request =
        Request::Events { community: Some(found.item.community.clone()), from: now, to: now + AHEAD, limit: LOOKED };
    let dates = answer!(session.ask(&request)?, Reply::Occurrences { items, .. } => items)?;
    let mut coming = Vec::new();
    for date in &dates {
        coming.extend(at(date, &house)?);
    }
    if session.out.json {
        let mut value = record::as_json(&found.item);
        value["coming"] = coming.iter().map(|date| date.json.clone()).collect();
        session.out.object(&value);
        return Ok(());
    }
    card(&session.out, &WallClock::of(session)?, &found.item, &found.record.card());
    for date in coming.iter().take(SHOWN) {
        session
            .out
            .line(Line::new().faint("next  ").text(&date.when).text("  ").strong(&date.name).text("  ").id(&date.id));
    }
    match coming.len() {
        0 => {
            session.out.note(format!("nothing is planned there: moot event add NAME WHEN --venue {}", found.item.short))
        }
        more if more > SHOWN => session.out.note(format!("and {} more", more - SHOWN)),
        _ => {}
    }
    Ok(())
}

/// By its names in the chosen community, else like any record.
fn find(target: &str, session: &Session) -> Result<(record::Found, Uri)> {
    let named = session.pick_community(None).and_then(|c| Venues::of(session, &c.cid)?.find(session, target));
    let found = match &named {
        Ok((uri, _)) => record::find(session, &uri.to_string())?,
        Err(_) => record::find(session, target)?,
    };
    match found.item.uri.parse() {
        Ok(uri) if found.record.as_venue().is_some() => Ok((found, uri)),
        _ => named.map(|(uri, _)| (found, uri)),
    }
}

struct Coming {
    when: String,
    name: String,
    id: String,
    json: Value,
}

/// The date as it will be, if it is at this venue.
fn at(date: &OccurrenceInfo, house: &House<'_>) -> Result<Option<Coming>> {
    let record = record::open(&date.item)?;
    let Some(event) = record.as_event() else { return Ok(None) };
    let on = event.on(&Instance {
        at: event.start.named(&date.at).unwrap_or_else(|| date.start.clone()),
        start: date.start.clone(),
        change: event.overrides.iter().position(|change| change.at == date.at),
        cancelled: date.cancelled,
        from: date.from,
        to: date.to,
    });
    Ok(house.hosts(&on.places).then(|| Coming {
        when: on.when_words(),
        json: json!({"uri": date.item.uri, "short": date.item.short, "name": on.name, "at": date.at, "start": date.start, "cancelled": date.cancelled}),
        id: date.item.short.clone(),
        name: match date.cancelled {
            true => format!("{} (cancelled)", on.name),
            false => on.name,
        },
    }))
}
