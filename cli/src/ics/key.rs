//! What an event is known by in later imports (`source.uid`): the UID of the file, with `#<date>` behind it for a date that
//! had to become an event of its own.
//!
//! A UID may look like that itself. Such a one, and one that ends in `#`, gets another `#` behind it, so that no two things
//! have one key.

use std::collections::BTreeMap;

use folkmoot_schemas::when::{Start, parse_date, parse_local};

/// Of all that has this UID.
pub(crate) fn whole(uid: &str) -> String {
    let tail = uid.rsplit_once('#').map(|(_, tail)| tail);
    match tail.is_some_and(|tail| tail.is_empty() || is_date(tail)) {
        true => format!("{uid}#"),
        false => uid.to_owned(),
    }
}

/// Of one date of it.
pub(crate) fn of_date(uid: &str, at: &Start) -> String {
    format!("{}#{}", whole(uid), at.text())
}

/// The UID of a key, and the date.
pub(crate) fn parts(key: &str) -> (&str, Option<&str>) {
    let uid = |whole: &str| whole.strip_suffix('#').map_or(whole.len(), str::len);
    match key.rsplit_once('#') {
        Some((head, tail)) if is_date(tail) => (&head[..uid(head)], Some(tail)),
        _ => (&key[..uid(key)], None),
    }
}

/// Those of a UID among others.
pub(crate) fn all_of<'m, T>(uid: &str, keys: &'m BTreeMap<String, T>) -> Vec<&'m str> {
    let whole = whole(uid);
    let dates = format!("{whole}#");
    let first = keys.get_key_value(&whole).map(|(key, _)| key.as_str());
    let rest = keys.range(dates.clone()..).map(|(key, _)| key.as_str());
    let rest = rest.take_while(|key| key.starts_with(&dates)).filter(|key| parts(key).0 == uid && **key != whole);
    first.into_iter().chain(rest).collect()
}

fn is_date(text: &str) -> bool {
    parse_local(text).is_some() || parse_date(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_uid_has_the_key_of_another_or_of_a_date() {
        let at = Start::Local { local: parse_local("2026-01-08T19:30").unwrap(), zone: "UTC".into() };
        let day = Start::Date { date: parse_date("2026-01-08").unwrap() };
        let uids = ["a", "a#", "a##", "a#b", "a#2026-01-08", "a#2026-01-08T19:30", "a#2026-01-08#", "#", ""];
        let mut keys = Vec::new();
        for uid in uids {
            keys.push(whole(uid));
            assert_eq!(parts(&whole(uid)), (uid, None));
            for date in [&at, &day] {
                keys.push(of_date(uid, date));
                assert_eq!(parts(&of_date(uid, date)), (uid, Some(&*date.text())));
            }
        }
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 3 * uids.len());
    }

    #[test]
    fn all_keys_of_a_uid_are_found_and_none_of_another() {
        let at = Start::Date { date: parse_date("2026-01-08").unwrap() };
        let uids = ["a", "a#", "a##", "a#b", "ab", "a#2026-01-08"];
        let keys: BTreeMap<String, ()> =
            uids.iter().flat_map(|uid| [(whole(uid), ()), (of_date(uid, &at), ())]).collect();
        for uid in uids {
            assert_eq!(all_of(uid, &keys), [whole(uid), of_date(uid, &at)]);
        }
    }

    #[test]
    fn ordinary_uids_are_their_own_keys() {
        for uid in ["a@example.org", "https://example.org/events#12", "a b"] {
            assert_eq!(whole(uid), uid);
        }
    }
}
