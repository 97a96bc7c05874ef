//! Deleting what this person wrote, on whichever of their devices.

use folkmoot_schemas::{Audience, Record, Uri, records::tombstone::Tombstone};

use super::{Me, PublishError, Published, announce, commit, member};
use crate::{
    clock::Clock,
    store::{
        Scope, Store,
        reader::{Entry, Lookup},
        write::Change,
    },
};

/// Removes our own record. Writes nothing when it is already gone. The entry leaves this device's repository; where
/// another device's entry would then count, or one that was taken out could bring a copy back when it is let in again, a
/// tombstone takes its place, until the others have removed theirs.
pub fn delete(store: &Store, me: &Me, clock: &Clock, uri: &Uri) -> Result<Published, PublishError> {
    if uri.did != me.did {
        return Err(PublishError::NotYours(uri.to_string()));
    }
    let view = store.view(Scope::Members)?;
    match view.get(uri)? {
        Lookup::Found(_) => {}
        Lookup::Gone(_) => return Ok(Published { items: Vec::new(), announces: Vec::new() }),
        Lookup::Ambiguous(_) | Lookup::Absent => return Err(PublishError::Absent(uri.to_string())),
    }
    member(store, &view, me, &uri.community)?;
    let standing = view.standing(uri)?;
    let community = view.community(&uri.community)?;
    let may_return = community.is_some_and(|community| community.state.has_retired(&me.did));
    drop(view);
    let is_grave = |entry: &&Entry| matches!(entry.record, Record::Tombstone(_));
    let mut announces = Vec::new();
    for audience in [Audience::Public, Audience::Members] {
        let mut here = standing.iter().filter(|entry| entry.audience == audience).peekable();
        if here.peek().is_none_or(is_grave) {
            continue;
        }
        let elsewhere = here.find(|entry| entry.device != me.device.did());
        let change = match may_return || elsewhere.is_some_and(|entry| !is_grave(&entry)) {
            true => Change::Put { rkey: Some(uri.path()), record: Tombstone::default().into(), again: false },
            false => Change::Remove { path: uri.path() },
        };
        let committed = commit(store, me, clock, &uri.community, audience, vec![change])?;
        announces.extend(announce(committed).map(|a| (audience, a)));
    }
    Ok(Published { items: Vec::new(), announces })
}
