//! The flags that say where an event is.

use folkmoot_schemas::records::{
    event::{Event, Mode, OnlineLink, Place, ShowPlace},
    text::clean,
};

use super::fields::set;
use crate::{
    commands::community::labelled,
    error::{Error, Result},
    session::Session,
    venues::Venues,
};

#[derive(Debug, Default, PartialEq, clap::Args)]
pub(crate) struct Where {
    /// Name of the place
    #[arg(long, help_heading = "Where")]
    place: Option<String>,
    /// A known venue, by name or id: its address is taken over, and its page lists the event
    #[arg(long, help_heading = "Where", value_name = "VENUE")]
    venue: Option<String>,
    #[command(flatten)]
    address: Address,
    /// How to get in: steps, which door
    #[arg(long, help_heading = "Where", value_name = "TEXT")]
    access_notes: Option<String>,
    /// Who reads the address: public, or nobody: area and ask keep it on this machine
    #[arg(long, help_heading = "Where", value_name = "HOW", value_parser = ["public", "area", "ask"])]
    show_place: Option<String>,
    /// A further place: a venue, or "Name, Town"; can be given several times
    #[arg(long, help_heading = "Where", value_name = "PLACE")]
    also_at: Vec<String>,
    /// https link under which it can be followed from afar, as URL or LABEL=URL; can be given several times
    #[arg(long, help_heading = "Where", value_name = "URL")]
    online: Vec<String>,
}

/// What a venue has too.
#[derive(Debug, Default, PartialEq, clap::Args)]
pub(crate) struct Address {
    /// Street and number
    #[arg(long, help_heading = "Where")]
    pub(crate) street: Option<String>,
    /// Town
    #[arg(long, help_heading = "Where")]
    pub(crate) locality: Option<String>,
    /// Federal state, county …
    #[arg(long, help_heading = "Where")]
    pub(crate) region: Option<String>,
    /// Postal code
    #[arg(long, help_heading = "Where")]
    pub(crate) postcode: Option<String>,
    /// Country, best as its two letters, e.g. DE
    #[arg(long, help_heading = "Where")]
    pub(crate) country: Option<String>,
    /// Position in degrees, as maps give it, e.g. 52.50054,13.42225
    #[arg(long, help_heading = "Where", value_name = "LAT,LON", allow_hyphen_values = true)]
    pub(crate) geo: Option<String>,
}

impl Address {
    pub(crate) fn given(&self) -> bool {
        [&self.street, &self.locality, &self.region, &self.postcode, &self.country, &self.geo]
            .iter()
            .any(|g| g.is_some())
    }

    pub(crate) fn apply(&self, place: &mut Place) -> Result<()> {
        for (field, given) in [
            (&mut place.street, &self.street),
            (&mut place.locality, &self.locality),
            (&mut place.region, &self.region),
            (&mut place.postcode, &self.postcode),
            (&mut place.country, &self.country),
        ] {
            set(field, given.as_deref());
        }
        if let Some(text) = &self.geo {
            (place.lat_e7, place.lon_e7) = if text.is_empty() { (None, None) } else { position(text)? };
        }
        Ok(())
    }
}

impl Where {
    pub(crate) fn apply(&self, event: &mut Event, session: &Session, community: &str) -> Result<()> {
        let place = self.venue.is_some() || self.place.is_some() || self.address.given();
        let place = place || self.access_notes.is_some() || self.show_place.is_some();
        if place {
            let first = self.first(event.places.first(), session, community)?;
            let further = event.places.iter().skip(1).cloned();
            event.places = first.into_iter().chain(further).collect();
        }
        if !self.also_at.is_empty() {
            event.places.truncate(1);
            for text in self.also_at.iter().filter(|text| !text.is_empty()) {
                event.places.push(further(text, session, community)?);
            }
        }
        if !self.online.is_empty() {
            event.online = self.online.iter().filter(|url| !url.is_empty()).map(|text| online(text)).collect();
        }
        if place || !self.also_at.is_empty() || !self.online.is_empty() {
            event.mode = match (event.places.is_empty(), event.online.is_empty()) {
                (true, false) => Mode::Online,
                (false, false) => Mode::Hybrid,
                _ => Mode::InPerson,
            };
        }
        Ok(())
    }

    /// The first place as it was, with what was given.
    fn first(&self, old: Option<&Place>, session: &Session, community: &str) -> Result<Option<Place>> {
        let mut place = old.cloned().unwrap_or_default();
        match self.venue.as_deref() {
            Some("") => place.venue = None,
            Some(text) => {
                let (uri, venue) = Venues::of(session, community)?.find(session, text)?;
                place = Place { show: place.show, ..venue.place(Some(uri)) };
            }
            None => {}
        }
        if let Some(name) = self.place.as_deref() {
            let renamed = place.name.as_deref() != Some(clean(name).as_str());
            if renamed && self.venue.is_none() && place.venue.is_some() {
                // Another name is another place: nothing of the venue is true of it.
                place = Place { show: place.show, ..Place::default() };
            }
            set(&mut place.name, Some(name));
        }
        self.address.apply(&mut place)?;
        set(&mut place.access, self.access_notes.as_deref());
        match self.show_place.as_deref() {
            Some("area") => place.show = Some(ShowPlace::Area),
            Some("ask") => place.show = Some(ShowPlace::Ask),
            Some(_) => place.show = None,
            None => {}
        }
        if place.venue.is_none() && self.place.as_deref().is_some_and(|name| !name.is_empty()) && !place.hides_address()
        {
            let venues = Venues::of(session, community)?;
            if let Some(uri) = venues.like(&place) {
                let words = venues.words(uri);
                session.out.note(format!(
                    "there is a venue “{words}”: --venue {} takes its address and puts the event on its page",
                    uri.short_id()
                ));
            }
        }
        let empty = Place { show: None, ..place.clone() } == Place::default();
        Ok((!empty).then_some(place))
    }
}

/// A venue, else "Name, Town".
fn further(text: &str, session: &Session, community: &str) -> Result<Place> {
    let venues = Venues::of(session, community)?;
    if let Ok((uri, venue)) = venues.find(session, text) {
        return Ok(venue.place(Some(uri)));
    }
    let (name, town) = match text.rsplit_once(',') {
        Some((name, town)) => (name, Some(clean(town)).filter(|town| !town.is_empty())),
        None => (text, None),
    };
    Ok(Place { name: Some(clean(name)), locality: town, ..Place::default() })
}

fn online(text: &str) -> OnlineLink {
    let (label, url) = labelled(text);
    let named = text.trim() != url;
    OnlineLink { url: clean(&url), label: Some(clean(&label)).filter(|label| named && !label.is_empty()) }
}

/// `52.50054,13.42225`, also with a space, or as `geo:52.50054,13.42225`: degrees × 10^7.
pub(crate) fn position(text: &str) -> Result<(Option<i32>, Option<i32>)> {
    let degrees = |part: &str, most: f64| {
        let value: f64 = part.parse().ok().filter(|value: &f64| value.is_finite() && value.abs() <= most)?;
        Some((value * 1e7).round() as i32)
    };
    let bare = text.trim().strip_prefix("geo:").unwrap_or(text.trim());
    let parts: Vec<&str> = bare.split([',', ' ', ';']).filter(|part| !part.is_empty()).collect();
    if let [lat, lon] = parts.as_slice()
        && let (Some(lat), Some(lon)) = (degrees(lat, 90.0), degrees(lon, 180.0))
    {
        return Ok((Some(lat), Some(lon)));
    }
    Err(Error::refused(format!("could not understand the position {text:?}"))
        .hint("write latitude and longitude in degrees, e.g. --geo 52.50054,13.42225"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_as_maps_give_it() {
        let berlin = (Some(525_005_400), Some(134_222_500));
        for text in ["52.50054,13.42225", "52.50054, 13.42225", "geo:52.50054,13.42225", " 52.50054 13.42225 "] {
            assert_eq!(position(text).unwrap(), berlin, "{text}");
        }
        assert_eq!(position("-33.9,-70").unwrap(), (Some(-339_000_000), Some(-700_000_000)));
        for text in ["", "52.5", "91,0", "0,181", "NaN,0", "inf,inf", "1,2,3", "52°,13°"] {
            assert!(position(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_link_to_follow_from_afar_has_a_label_only_when_one_was_given() {
        assert_eq!(
            online("https://a.example/x?y=z"),
            OnlineLink { url: "https://a.example/x?y=z".into(), label: None }
        );
        let named = OnlineLink { url: "https://a.example/".into(), label: Some("Stream".into()) };
        assert_eq!(online("Stream=https://a.example/"), named);
    }
}
