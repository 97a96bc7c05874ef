//! What of an answer is for whoever gave it and for the hosts of the event alone: the note always, and who it was where
//! the answer or the event says so. Every member's node holds all of it; this is the one place that decides what of it a
//! person is shown, and of what is written in reply to it.

use folkmoot_schemas::{
    Did, Record, Uri,
    kind::Kind,
    records::{
        event::ShowAnswers,
        post::{Post, Reply},
        rsvp::{Rsvp, ShowName},
    },
};

use super::{Failure, resolve::Reading};
use crate::store::reader::Lookup;

/// A record as any member may see it.
pub(super) struct Veiled {
    pub(super) record: Record,
    /// They may know whose it is.
    pub(super) named: bool,
}

/// An answer as any member may see it, and whether they may know whose it is. `shown`: what the event says of its answers.
pub(super) fn veiled(rsvp: &Rsvp, shown: ShowAnswers) -> (Rsvp, bool) {
    let named = rsvp.show != ShowName::Hosts && shown != ShowAnswers::Hosts;
    let guest_name = rsvp.guest_name.clone().map(|guest| if named { guest } else { "a guest".to_owned() });
    (Rsvp { note: None, guest_name, ..rsvp.clone() }, named)
}

impl Reading<'_> {
    /// None: all of `record`, which `did` wrote, may be shown to this home's person.
    pub(super) fn veil(&self, did: &Did, record: &Record) -> Result<Option<Veiled>, Failure> {
        match record {
            Record::Rsvp(rsvp) => self.veil_answer(did, rsvp),
            Record::Post(post) => self.veil_reply(did, post),
            _ => Ok(None),
        }
    }

    fn veil_answer(&self, did: &Did, rsvp: &Rsvp) -> Result<Option<Veiled>, Failure> {
        let (host, shown) = self.host_of(&rsvp.event)?;
        if host || self.today(&rsvp.event, did) == self.desk.me.did {
            return Ok(None);
        }
        let (fewer, named) = veiled(rsvp, shown);
        Ok((!named || fewer != *rsvp).then(|| Veiled { record: fewer.into(), named }))
    }

    /// A reply says by an address whose answer it replies to.
    fn veil_reply(&self, did: &Did, post: &Post) -> Result<Option<Veiled>, Failure> {
        let Some(Reply { root, parent }) = &post.reply else { return Ok(None) };
        if self.today(&root.uri, did) == self.desk.me.did {
            return Ok(None);
        }
        let reply = match (self.may_name(&root.uri)?, self.may_name(&parent.uri)?) {
            (true, true) => return Ok(None),
            (false, true) => Some(Reply { root: parent.clone(), parent: parent.clone() }),
            (_, false) => None,
        };
        Ok(Some(Veiled { record: Post { reply, ..post.clone() }.into(), named: true }))
    }

    /// This home's person may know who wrote what stands there. An answer that was taken back tells nobody any more.
    fn may_name(&self, uri: &Uri) -> Result<bool, Failure> {
        if uri.collection != Rsvp::NAME || self.today(uri, &uri.did) == self.desk.me.did {
            return Ok(true);
        }
        match self.view.get(uri)? {
            Lookup::Found(entry) => Ok(self.veil(&uri.did, &entry.record)?.is_none_or(|veiled| veiled.named)),
            _ => Ok(false),
        }
    }

    /// Refused unless all of `record` may be shown: bytes cannot be shown in part. A list of who has a place names
    /// those whose answers do not.
    pub(super) fn unveiled(&self, uri: &Uri, record: &Record) -> Result<(), Failure> {
        match record {
            Record::Admission(list) if !self.host_of(&list.event)?.0 => {
                Err(Failure::refused("the list of who has a place is for the hosts of the event")
                    .hint(format!("moot event guests {} shows what everybody here may see", list.event.short_id())))
            }
            Record::Post(_) if self.veil(&uri.did, record)?.is_some() => {
                let why = "this reply as a whole names whoever gave an answer that is for the hosts, or is not here";
                Err(Failure::refused(why)
                    .hint(format!("moot show {} shows what everybody here may see", uri.short_id())))
            }
            _ if self.veil(&uri.did, record)?.is_some() => {
                Err(Failure::refused("this answer as a whole is for whoever gave it and the hosts of the event")
                    .hint(format!("moot show {} shows what everybody here may see", uri.short_id())))
            }
            _ => Ok(()),
        }
    }

    /// Whether this home's person is one of the hosts, and what the event says of its answers. Of an event that is not
    /// here, only its author counts as a host.
    fn host_of(&self, event: &Uri) -> Result<(bool, ShowAnswers), Failure> {
        if let Lookup::Found(entry) = self.view.get(event)?
            && let Some(fields) = entry.record.as_event()
        {
            let shown = fields.rsvp.as_ref().map_or(ShowAnswers::default(), |rules| rules.show);
            return Ok((self.hosts(&entry, fields), shown));
        }
        Ok((self.today(event, &event.did) == self.desk.me.did, ShowAnswers::default()))
    }

    /// Under which did the author of something in the community of `within` is known now.
    pub(super) fn today(&self, within: &Uri, did: &Did) -> Did {
        self.communities.get(&within.community).map_or(*did, |community| community.state.today(did))
    }
}
