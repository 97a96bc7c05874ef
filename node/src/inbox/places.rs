//! What whoever keeps the list of an event said to an answer: a place, a number on the waiting list, or no.

use std::sync::Arc;

use folkmoot_schemas::{
    Uri,
    kind::Kind,
    records::{
        admission::{Admission, Standing},
        rsvp::{Answer, Rsvp},
    },
};

use super::{
    What,
    gather::{Gathering, key},
};
use crate::store::{
    StoreError,
    answers::date_of,
    reader::{Entry, Lookup},
};

impl Gathering<'_> {
    /// `mine`: the person's answers to it. One to a whole series has a place on each date by itself, which nobody wants
    /// to hear of one by one.
    pub(super) fn places(&mut self, event: &Arc<Entry>, mine: &[(Entry, Rsvp)]) -> Result<(), StoreError> {
        let Some(fields) = event.record.as_event() else { return Ok(()) };
        let Some(anchor) = self.view.anchor(event).filter(|anchor| !self.is_me(anchor)) else { return Ok(()) };
        for (entry, rsvp) in mine {
            let one_date = fields.recur.is_none() || rsvp.occurrence.is_some();
            if rsvp.status != Answer::Going || rsvp.guest_name.is_some() || !one_date {
                continue;
            }
            let occurrence = rsvp.occurrence.as_deref();
            let Some(list) = self.view.list_of(event, occurrence)? else { continue };
            let standing = list.standing(&(entry.uri.did, None), rsvp.count);
            // That others went before makes a number smaller, and is no news.
            let stamp = match standing {
                Standing::Open => continue,
                Standing::Waiting(_) => 1,
                Standing::Declined => 2,
                Standing::Admitted(places, None) => 3 + 2 * u64::from(places),
                Standing::Admitted(places, Some(_)) => 4 + 2 * u64::from(places),
            };
            let rkey = Admission::key(&event.uri, date_of(fields, occurrence).as_deref());
            let at = match self.view.get(&Uri::new(event.uri.community, anchor, Admission::NAME, &rkey)?)? {
                Lookup::Found(list) => list.updated,
                _ => entry.updated,
            };
            let what = What::Place { event: Arc::clone(event), mine: Box::new(rsvp.clone()), standing };
            self.push(key("place", &entry.uri), stamp, at.max(entry.updated), self.state.today(&anchor), what);
        }
        Ok(())
    }
}
