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
/// another device's entry would then count, a tombstone takes its place, until that device has removed its own.
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
    drop(view);
    let is_grave = |entry: &&Entry| matches!(entry.record, Record::Tombstone(_));
    let mut announces = Vec::new();
    for audience in [Audience::Public, Audience::Members] {
        let mut here = standing.iter().filter(|entry| entry.audience == audience).peekable();
        if here.peek().is_none_or(is_grave) {
            continue;
        }
        let elsewhere = here.find(|entry| entry.device != me.device.did());
        let change = match elsewhere.filter(|entry| !is_grave(entry)) {
            Some(_) => Change::Put { rkey: Some(uri.path()), record: Tombstone::default().into(), again: false },
            None => Change::Remove { path: uri.path() },
        };
        let committed = commit(store, me, clock, &uri.community, audience, vec![change])?;
        announces.extend(announce(committed).map(|a| (audience, a)));
    }
    Ok(Published { items: Vec::new(), announces })
}
