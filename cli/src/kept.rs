//! Addresses that stay on this machine. A place shown as area or on request is published without what leads to the door;
//! the whole of it stands in `addresses/<short id>.json` in the home, for its author alone. Nothing sends these files.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::PathBuf,
};

use folkmoot_schemas::{
    Uri,
    records::event::{Event, Place},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    error::{Error, Result},
    output::Line,
    session::Session,
};

/// More than five places of an event and of a hundred of its dates take.
const MOST: u64 = 2 * 1024 * 1024;

/// The whole of one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The date of a series that has it for itself, as overrides name it; None: the event's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    /// Which of the places, from 0.
    n: usize,
    place: Place,
}

/// Takes out of `event` what must not leave this machine, and gives the whole places it was taken from.
pub(crate) fn split(event: &mut Event) -> Result<Vec<Kept>> {
    let mut whole = Vec::new();
    for (at, n, place) in hiding(event) {
        let area = place.area();
        if (Place { show: None, ..area.clone() }) == Place::default() {
            return Err(Error::refused("could not keep the address back: nothing would be left to say where it is")
                .hint("name the town at least, --locality"));
        }
        if place.kept_back().is_some() {
            whole.push(Kept { at, n, place: place.clone() });
        }
        *place = area;
    }
    Ok(whole)
}

/// The event as readers are given it.
pub(crate) fn published(event: &Event) -> Event {
    let mut event = event.clone();
    hiding(&mut event).for_each(|(_, _, place)| *place = place.area());
    event
}

/// Puts back what was kept of the places that still are what they were.
pub(crate) fn fill(event: &mut Event, kept: &[Kept]) {
    for (at, n, place) in hiding(event) {
        if let Some(whole) = kept.iter().find(|kept| (&kept.at, kept.n) == (&at, n) && is_same(&kept.place, place)) {
            *place = place.with(&whole.place);
        }
    }
}

/// Is the place that `kept` belongs to still what it was? A co-host may have changed it.
fn stands(event: &Event, kept: &Kept) -> bool {
    spot(event, kept).is_some_and(|place| place.hides_address() && is_same(&kept.place, place))
}

/// The place of `event` that stands where the one of `kept` stood.
fn spot<'a>(event: &'a Event, kept: &Kept) -> Option<&'a Place> {
    let places = match &kept.at {
        None => &event.places,
        Some(at) => event.overrides.iter().find(|change| change.at == *at)?.places.as_ref()?,
    };
    places.get(kept.n)
}

/// What stays here after the change from `old` to `new`, both with their whole addresses: `whole` of the new event, and of
/// what was `known` all that somebody else's change parted from its place. It is the only copy: it goes when the place is
/// changed here, by who keeps it.
pub(crate) fn keep(old: &Event, new: &Event, known: &[Kept], mut whole: Vec<Kept>) -> Vec<Kept> {
    for parted in known.iter().filter(|kept| !stands(old, kept)) {
        if !stands(new, parted) && is_moved(spot(old, parted), spot(new, parted)) {
            continue;
        }
        match whole.iter_mut().find(|other| (&other.at, other.n) == (&parted.at, parted.n)) {
            // What was typed now, and the rest as it was.
            Some(other) => other.place = other.place.with(&parted.place.with(&other.place)),
            None => whole.push(parted.clone()),
        }
    }
    whole
}

/// Does the change lead to another door?
fn is_moved(old: Option<&Place>, new: Option<&Place>) -> bool {
    let door = |place: Option<&Place>| {
        place.map(|p| (p.name.clone(), p.street.clone(), p.lat_e7, p.lon_e7, p.venue.clone())).unwrap_or_default()
    };
    door(old) != door(new)
}

fn is_same(a: &Place, b: &Place) -> bool {
    (Place { show: None, ..a.area() }) == Place { show: None, ..b.area() }
}

/// Did `event` give an address away that is kept now?
pub(crate) fn gave_away(event: &Event, whole: &[Kept]) -> bool {
    let of_dates = event.overrides.iter().filter_map(|change| change.places.as_ref());
    let mut open = std::iter::once(&event.places).chain(of_dates).flatten().filter(|place| !place.hides_address());
    open.any(|open| {
        whole.iter().any(|Kept { place, .. }| {
            let street = place.street.is_some() && place.street == open.street;
            street || (place.lat_e7.is_some() && (place.lat_e7, place.lon_e7) == (open.lat_e7, open.lon_e7))
        })
    })
}

/// What is kept of one date: its own, and the event's where that date is held there.
pub(crate) fn of_date(whole: Vec<Kept>, event: &Event, at: &str) -> Vec<Kept> {
    let own = event.overrides.iter().any(|change| change.at == at && change.places.is_some());
    whole.into_iter().filter(|kept| kept.at.as_deref().map_or(!own, |other| other == at)).collect()
}

/// The places whose address readers are not given, each with its date and number.
fn hiding(event: &mut Event) -> impl Iterator<Item = (Option<String>, usize, &mut Place)> {
    let of_dates =
        event.overrides.iter_mut().filter_map(|change| Some((Some(change.at.clone()), change.places.as_mut()?)));
    let lists = std::iter::once((None, &mut event.places)).chain(of_dates);
    lists
        .flat_map(|(at, places)| places.iter_mut().enumerate().map(move |(n, place)| (at.clone(), n, place)))
        .filter(|(_, _, place)| place.hides_address())
}

/// What is kept here of the event at `uri`.
pub(crate) fn read(session: &Session, uri: &str) -> Result<Vec<Kept>> {
    let path = path(session, uri)?;
    match fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Ok(meta) if meta.len() > MOST => return Err(unreadable(&path, "it is too long")),
        _ => {}
    }
    let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, &error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| unreadable(&path, &error.to_string()))
}

/// Keeps `whole` for the event at `uri`, or forgets what was kept when there is nothing to.
pub(crate) fn write(session: &Session, uri: &str, whole: &[Kept]) -> Result<()> {
    let path = path(session, uri)?;
    let written = if whole.is_empty() {
        fs::remove_file(&path)
            .or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
    } else {
        put(&path, &serde_json::to_vec(whole).unwrap_or_default())
    };
    written.map_err(|error| {
        let said = Error::refused(format!("could not keep the address on this machine: {error}"))
            .because(path.display().to_string());
        let said = whole.iter().filter_map(|kept| kept.place.address()).fold(said, Error::because);
        said.hint("the event itself is published, without its address: note the address down elsewhere")
    })
}

/// Writes a file that nobody else on this machine can read, in place of the one that was there.
pub(crate) fn put(path: &std::path::Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let (new, mut file) = beside(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&new, path));
    written.inspect_err(|_| drop(fs::remove_file(&new)))
}

/// A new file beside `path`, of which no other command that writes to the same place knows.
fn beside(path: &std::path::Path) -> io::Result<(PathBuf, fs::File)> {
    /// Files that commands which were cut off may have left.
    const LEFT: u32 = 1_000;
    for n in 0..LEFT {
        let new = path.with_extension(format!("{n}.new"));
        match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => return Ok((new, opened?)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

fn path(session: &Session, uri: &str) -> Result<PathBuf> {
    let uri: Uri = uri.parse().map_err(Error::ours)?;
    Ok(session.dir.join("addresses").join(format!("{}.json", uri.short_id())))
}

fn unreadable(path: &std::path::Path, why: &str) -> Error {
    Error::refused(format!("could not read the address that is kept here: {why}"))
        .because(path.display().to_string())
        .hint("mend the file or move it away; it is on this machine alone")
}

impl Kept {
    #[cfg(test)]
    pub(crate) fn new(place: Place) -> Self {
        Self { at: None, n: 0, place }
    }

    pub(crate) fn street(&self) -> Option<&str> {
        self.place.street.as_deref()
    }

    /// "Hidden Road 1, 03046 Leeds; ring twice  on 2030-12-12"
    fn line(&self, label: &str) -> Line {
        let place = &self.place;
        let words = [
            place.name.clone().filter(|_| place.venue.is_some()),
            place.address(),
            place.position(),
            place.access.clone(),
        ];
        let words = words.into_iter().flatten().collect::<Vec<_>>().join("; ");
        let line = Line::new().faint(label).text(words);
        match &self.at {
            Some(at) => line.faint("  on ").text(at.get(..10).unwrap_or(at)),
            None => line,
        }
    }
}

/// Says to whom the author has to tell what of `whole` stays here; `list`: to those alone who have a place.
pub(crate) fn remind(session: &Session, event: &Event, whole: &[Kept], list: bool) {
    let who = if list { "those with a place" } else { "those who come" };
    for kept in whole {
        session.out.line(kept.line(&format!("address for {who} (tell them yourself)  ")));
        say_parted(session, event, kept);
    }
}

/// Says what of `whole` stays here.
pub(crate) fn say(session: &Session, event: &Event, whole: &[Kept]) {
    for kept in whole {
        session.out.line(kept.line("  only on this machine  "));
        say_parted(session, event, kept);
    }
    if !whole.is_empty() {
        session.out.line(Line::new().warn("  nobody who comes is sent the address: tell them yourself"));
    }
}

fn say_parted(session: &Session, event: &Event, kept: &Kept) {
    if !stands(event, kept) {
        session
            .out
            .line(Line::new().warn("  the place was changed since: ask who changed it whether this still holds"));
    }
}

/// What `--json` says of what is kept.
pub(crate) fn as_json(event: &Event, whole: &[Kept]) -> Value {
    whole
        .iter()
        .map(|kept| json!({"at": kept.at, "n": kept.n, "place": kept.place, "place_changed": !stands(event, kept)}))
        .collect()
}

#[cfg(test)]
mod tests {
    use folkmoot_schemas::{
        kind::Kind,
        records::event::{Override, ShowPlace},
        when::{Start, parse_date},
    };

    use super::*;

    fn flat() -> Place {
        Place {
            name: Some("Ada's flat".into()),
            street: Some("Hidden Road 1".into()),
            locality: Some("Leeds".into()),
            show: Some(ShowPlace::Area),
            ..Place::default()
        }
    }

    fn party(place: Place) -> Event {
        let start = Start::Date { date: parse_date("2026-12-05").unwrap() };
        Event { places: vec![place], ..Event::new("Party", start) }
    }

    #[test]
    fn of_two_that_write_to_one_place_at_once_one_is_there_whole() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("imports").join("gig.json");
        let texts: Vec<Vec<u8>> = (0..8_u8).map(|n| vec![n; 20_000 * usize::from(n)]).collect();
        std::thread::scope(|scope| {
            for text in &texts {
                scope.spawn(|| (0..20).for_each(|_| put(&path, text).unwrap()));
            }
        });
        assert!(texts.contains(&fs::read(&path).unwrap()));
        assert_eq!(fs::read_dir(home.path().join("imports")).unwrap().count(), 1, "and nothing beside it");
    }

    #[test]
    fn an_address_outlives_what_others_do_to_its_place_but_not_that_its_keeper_moves_the_event() {
        let mut event = party(flat());
        let kept = split(&mut event).unwrap();
        assert!(stands(&event, &kept[0]));
        let renamed = Place { name: Some("Ben's flat".into()), ..flat().area() };
        let elsewhere = Place { locality: Some("Leeds North".into()), ..flat().area() };
        let open = Place { show: None, ..flat().area() };
        for place in [renamed, elsewhere.clone(), open, Place::default()] {
            let old = party(place);
            assert!(!stands(&old, &kept[0]));
            let new = Event { summary: Some("Bring cake".into()), ..old.clone() };
            assert_eq!(keep(&old, &new, &kept, vec![]), kept);
            assert_eq!(keep(&old, &party(flat().area()), &kept, vec![]), kept, "it is there again");
            let moved = party(Place { name: Some("Town hall".into()), ..Place::default() });
            assert_eq!(keep(&old, &moved, &kept, vec![]), []);
        }
        let typed = Place { postcode: Some("03046".into()), ..elsewhere.clone() };
        let whole = vec![Kept { place: typed.clone(), ..kept[0].clone() }];
        let both = Place { street: flat().street, ..typed.clone() };
        let want = [Kept { place: both, ..kept[0].clone() }];
        assert_eq!(keep(&party(elsewhere), &party(typed), &kept, whole), want);
        assert_eq!(keep(&party(flat()), &party(Place { show: None, ..flat() }), &kept, vec![]), [], "it is public now");
    }

    #[test]
    fn what_is_split_off_comes_back_and_what_is_left_may_be_published() {
        let whole = party(flat());
        let mut event = whole.clone();
        let kept = split(&mut event).unwrap();
        assert_eq!((event.check(), event.places[0].street.as_deref()), (Ok(()), None));
        fill(&mut event, &kept);
        assert_eq!(event, whole);
    }

    #[test]
    fn a_date_with_an_address_of_its_own_gets_that_one_back() {
        let mut whole = party(flat());
        let places = Some(vec![Place { street: Some("Secret Lane 2".into()), ..flat() }]);
        whole.overrides = vec![Override { places, ..Override::new("2026-12-12") }];
        let mut event = whole.clone();
        let kept = split(&mut event).unwrap();
        fill(&mut event, &kept);
        assert_eq!(event, whole);
    }

    #[test]
    fn an_address_was_given_away_only_where_that_very_one_was_public() {
        let kept = split(&mut party(flat())).unwrap();
        let open = |street: &str| party(Place { show: None, street: Some(street.into()), ..flat() });
        assert!(gave_away(&open("Hidden Road 1"), &kept) && !gave_away(&open("River Street 2"), &kept));
        assert!(!gave_away(&party(flat()), &kept));
    }

    #[test]
    fn an_address_is_not_put_to_a_place_that_was_changed_elsewhere() {
        let kept = split(&mut party(flat())).unwrap();
        let mut moved = party(Place { locality: Some("York".into()), ..flat().area() });
        fill(&mut moved, &kept);
        assert_eq!(moved.places[0].street, None);
        let mut open = party(Place { show: None, ..flat().area() });
        fill(&mut open, &kept);
        assert_eq!(open.places[0].street, None);
    }

    #[test]
    fn a_place_of_nothing_but_a_street_is_refused() {
        let place = Place { street: Some("Hidden Road 1".into()), show: Some(ShowPlace::Ask), ..Place::default() };
        assert!(split(&mut party(place)).is_err());
    }
}
