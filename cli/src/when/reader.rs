//! Times on the clock of whoever reads. Which clock that is gets said, once, where it could be taken for another one.

use folkmoot_node::request::{CommunityInfo, Reply, Request};
use folkmoot_schemas::when::zone_known;

use super::zone;
use crate::{error::Result, output::Line, session::Session};

/// Communities that are named with their zones.
const NAMED: usize = 3;

/// The clock times are shown by.
#[derive(Debug)]
pub(crate) struct WallClock {
    zone: String,
    /// Neither the settings nor the machine name a zone.
    guessed: bool,
}

impl WallClock {
    /// Of the setting `zone`, else of this machine.
    pub(crate) fn of(session: &Session) -> Result<Self> {
        let named = session.config()?.zone().map(ToOwned::to_owned).filter(|zone| zone_known(zone));
        let named = named.or_else(zone::of_this_machine);
        Ok(Self { guessed: named.is_none(), zone: named.unwrap_or_else(|| "UTC".into()) })
    }

    pub(crate) fn zone(&self) -> &str {
        &self.zone
    }

    /// `micros` since 1970.
    pub(crate) fn time(&self, micros: u64) -> String {
        zone::wall(seconds(micros), &self.zone).strftime("%Y-%m-%d %H:%M").to_string()
    }

    /// Does a clock in `zone` show the same, in the year from `micros` on? Names of zones are many for one clock.
    pub(crate) fn agrees(&self, zone: &str, micros: u64) -> bool {
        const MONTH: i64 = 30 * 86_400;
        let same = |at: i64| zone::wall(at, zone) == zone::wall(at, &self.zone);
        zone == self.zone || zone_known(zone) && (0..=12).all(|n| same(seconds(micros).saturating_add(n * MONTH)))
    }

    /// Below times that were shown, each of something in the community with that CID (none: of no community): whose
    /// clock that was. What was shown stands, also where it cannot be said.
    pub(crate) fn remark<'a>(&self, session: &Session, shown: impl IntoIterator<Item = (&'a str, u64)>) {
        let shown: Vec<(&str, u64)> = shown.into_iter().collect();
        if session.out.json || shown.is_empty() {
            return;
        }
        let Ok(Reply::Communities(all)) = session.ask(&Request::Communities) else { return };
        if let Some(words) = self.words(&all, &shown) {
            session.out.note(Line::new().faint(words));
        }
    }

    /// None: the clocks on all walls concerned showed the same.
    fn words(&self, communities: &[CommunityInfo], shown: &[(&str, u64)]) -> Option<String> {
        let elsewhere = |community: &&CommunityInfo| {
            let own = community.describe.zone.as_deref().filter(|zone| zone_known(zone))?;
            let differs = |(cid, micros): &(&str, u64)| {
                *cid == community.cid && zone::wall(seconds(*micros), own) != zone::wall(seconds(*micros), &self.zone)
            };
            shown.iter().any(differs).then(|| format!("{} goes by {own}", community.name))
        };
        let mut others: Vec<String> = communities.iter().filter_map(|community| elsewhere(&community)).collect();
        let more = others.len().saturating_sub(NAMED);
        others.truncate(NAMED);
        if more > 0 {
            others.push(format!("{more} more by other clocks"));
        }
        match (others.as_slice(), self.guessed) {
            ([], false) => None,
            ([], true) => Some("times are UTC: this machine names no zone (moot config zone Europe/Berlin)".into()),
            (others, _) => Some(format!("times are those of {}; {}", self.zone, others.join(", "))),
        }
    }
}

fn seconds(micros: u64) -> i64 {
    i64::try_from(micros / 1_000_000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use folkmoot_schemas::roster::Describe;

    use super::*;

    /// 28 May 2026, 20:26:40 UTC.
    const MAY: u64 = 1_780_000_000_000_000;

    fn club(name: &str, zone: Option<&str>) -> CommunityInfo {
        CommunityInfo {
            name: name.into(),
            cid: name.into(),
            public: true,
            members: 1,
            records: 1,
            role: None,
            describe: Describe { zone: zone.map(Into::into), ..Describe::default() },
            snapshot: None,
            snapshot_members: None,
            complete: true,
            held_by: 0,
            pending: false,
            awaited: false,
        }
    }

    #[test]
    fn a_clock_is_named_where_one_concerned_shows_another_time_and_nowhere_else() {
        let communities = [
            club("River Street", Some("Europe/Berlin")),
            club("Hill", Some("America/New_York")),
            club("Nowhere", None),
            club("Odd", Some("Mars/Olympus")),
        ];
        let all: Vec<(&str, u64)> = communities.iter().map(|club| (club.cid.as_str(), MAY)).collect();
        let said = |zone: &str, shown: &[(&str, u64)]| {
            WallClock { zone: zone.into(), guessed: false }.words(&communities, shown)
        };
        assert_eq!(WallClock { zone: "Europe/Berlin".into(), guessed: false }.time(MAY), "2026-05-28 22:26");
        assert_eq!(said("Europe/Berlin", &all[..1]), None);
        assert_eq!(said("Europe/Paris", &all[..1]), None, "the clocks there show the same");
        assert_eq!(said("Europe/London", &all[2..]), None, "they have no clock of their own");
        assert_eq!(
            said("Europe/London", &all[..1]).as_deref(),
            Some("times are those of Europe/London; River Street goes by Europe/Berlin")
        );
        assert_eq!(
            said("Europe/London", &all).as_deref(),
            Some("times are those of Europe/London; River Street goes by Europe/Berlin, Hill goes by America/New_York")
        );
        let guessed = WallClock { zone: "UTC".into(), guessed: true };
        assert!(guessed.words(&communities, &all[2..]).is_some_and(|words| words.contains("moot config zone")));
    }

    #[test]
    fn zones_agree_whose_clocks_show_the_same_in_summer_and_in_winter() {
        let clock = |zone: &str| WallClock { zone: zone.into(), guessed: false };
        assert!(clock("Europe/Paris").agrees("Europe/Berlin", MAY));
        assert!(!clock("Europe/London").agrees("Europe/Berlin", MAY));
        assert!(!clock("Africa/Lagos").agrees("Europe/London", MAY), "in summer alone");
        assert!(!clock("UTC").agrees("Mars/Olympus", MAY));
    }
}
