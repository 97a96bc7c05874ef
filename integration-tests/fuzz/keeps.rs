//! What a typed view may leave out of the bytes it was read from, and what not.

use ipld_core::ipld::Ipld;

/// Everything a typed view kept stands in the bytes with the same value. The bytes may hold more: fields of a later
/// version, and `defaults`, which a writer may leave out and the view fills in.
pub(crate) fn keeps(kept: &Ipld, given: &Ipld, defaults: &[(&str, Ipld)]) -> bool {
    match (kept, given) {
        (Ipld::Map(kept), Ipld::Map(given)) => kept.iter().all(|(key, value)| match given.get(key) {
            Some(given) => keeps(value, given, defaults),
            None => defaults.iter().any(|(name, default)| name == key && default == value),
        }),
        (Ipld::List(kept), Ipld::List(given)) => {
            kept.len() == given.len() && kept.iter().zip(given).all(|(kept, given)| keeps(kept, given, defaults))
        }
        _ => kept == given,
    }
}
