//! Which zone a typed time means: the flag, the settings, the community, the machine, else UTC with a word said.

use std::{env, fs};

use folkmoot_schemas::when::zone_known;
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use crate::{
    error::{Error, Result},
    near::near,
};

/// A zone the bundled data knows, spelt as given.
pub(crate) fn check(name: &str) -> Result<String> {
    if zone_known(name) {
        return Ok(name.to_owned());
    }
    let said = Error::refused(format!("could not use the zone {name:?}: there is no such zone"));
    let all: Vec<String> = jiff::tz::db().available().map(|n| n.to_string()).collect();
    let nearest = near(name, all.iter().map(String::as_str), 3);
    Err(if nearest.is_empty() {
        said.hint("zones are named like Europe/Berlin or America/New_York")
    } else {
        said.hint(format!("did you mean {}?", nearest.join(", ")))
    })
}

/// The machine's own zone, if it says so in one of the usual places and we know it.
pub(crate) fn of_this_machine() -> Option<String> {
    let named = env::var("TZ").ok().map(|tz| tz.trim_start_matches(':').to_owned());
    let linked = || {
        let target = fs::read_link("/etc/localtime").ok()?;
        target.to_str()?.split_once("zoneinfo/").map(|(_, name)| name.to_owned())
    };
    let written = || Some(fs::read_to_string("/etc/timezone").ok()?.trim().to_owned());
    let zone = named.filter(|name| zone_known(name)).or_else(linked).filter(|n| zone_known(n)).or_else(written)?;
    zone_known(&zone).then_some(match zone.as_str() {
        // Names of one thing; the pages show the last.
        "Etc/UTC" | "UCT" | "Universal" | "Zulu" => "UTC".into(),
        _ => zone,
    })
}

/// What the clock on the wall shows in `zone`.
pub(crate) fn wall(seconds: i64, zone: &str) -> DateTime {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone).datetime()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_clock_follows_the_zone() {
        assert_eq!(wall(1_780_000_000, "UTC").to_string(), "2026-05-28T20:26:40");
        assert_eq!(wall(1_780_000_000, "Europe/Berlin").to_string(), "2026-05-28T22:26:40");
    }
}
