//! Is this a whole calendar? Every `BEGIN` must meet its `END`: a file that was cut off is refused as a whole, since
//! nobody could say what is missing.

use folkmoot_schemas::limits::{CALENDAR_EVENTS as EVENTS, CALENDAR_FILE as FILE};

use super::fields::quoted;
use crate::error::{Error, Result};

/// calendar, event, alarm … with room to spare.
const DEPTH: usize = 8;

pub(super) fn check(text: &str) -> Result<()> {
    if text.len() > FILE {
        return Err(Error::refused(format!("could not import: the file is larger than {} MiB", FILE / 1024 / 1024))
            .hint("export a shorter span of time"));
    }
    let (mut open, mut calendars, mut events): (Vec<String>, usize, usize) = (Vec::new(), 0, 0);
    // A folded line begins with white space, so these words at the start of a line are always their own.
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let Some((word, name)) = line.split_once(':') else { continue };
        let name = name.trim().to_ascii_uppercase();
        if word.eq_ignore_ascii_case("BEGIN") {
            calendars += usize::from(name == "VCALENDAR");
            events += usize::from(name == "VEVENT");
            open.push(name);
            if open.len() > DEPTH {
                return Err(damaged(number, "its parts are nested too deep"));
            }
            if events > EVENTS {
                return Err(Error::refused(format!("could not import: the file holds more than {EVENTS} events"))
                    .hint("split it, or export a shorter span of time"));
            }
        } else if word.eq_ignore_ascii_case("END") && open.pop().as_ref() != Some(&name) {
            return Err(damaged(number, &format!("END:{} closes nothing that is open", quoted(&name))));
        }
    }
    if calendars == 0 {
        return Err(Error::refused("could not import: the file is not a calendar (there is no BEGIN:VCALENDAR in it)")
            .hint("export the calendar as iCalendar (.ics)"));
    }
    match open.last() {
        Some(name) => Err(Error::refused("could not import: the file ends in the middle of the calendar")
            .because(format!("END:{} is missing", quoted(name)))
            .hint("fetch or copy the file again; nothing was imported")),
        None => Ok(()),
    }
}

fn damaged(line: usize, why: &str) -> Error {
    Error::refused("could not import: the file is damaged")
        .because(format!("line {}: {why}", line + 1))
        .hint("export it again; nothing was imported")
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:x\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

    #[test]
    fn every_cut_of_a_calendar_is_refused() {
        assert!(check(WHOLE).is_ok());
        // The last line may lack its line break, not more.
        for end in 0..WHOLE.len() - 2 {
            assert!(check(&WHOLE[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn crossed_and_endless_nesting_is_refused() {
        assert!(check("BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR\nEND:VEVENT\n").is_err());
        assert!(check(&"BEGIN:VEVENT\n".repeat(100)).is_err());
        assert!(check("BEGIN:VCARD\nEND:VCARD\n").is_err());
    }
}
