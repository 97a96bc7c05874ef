//! Who hosts an event, who may change it with its author, and who keeps the list of those who come.

use folkmoot_node::request::{MemberInfo, Reply, Request};
use folkmoot_schemas::{
    key::Did,
    records::{
        event::{Event, Host, HostRole},
        text::clean,
    },
};

use crate::{
    error::{Error, Result},
    session::{Session, answer},
};

#[derive(Debug, Default, PartialEq, clap::Args)]
pub(crate) struct Hosts {
    /// A member who may change it from their own devices; can be given several times
    #[arg(long, help_heading = "Hosts", value_name = "PERSON")]
    cohost: Vec<String>,
    /// Who invites, a member or any name; can be given several times
    #[arg(long, help_heading = "Hosts", value_name = "PERSON")]
    host: Vec<String>,
    /// Takes a host off again; "all" takes everyone
    #[arg(long, help_heading = "Hosts", value_name = "PERSON")]
    no_host: Vec<String>,
    /// The member whose node keeps the list of who has a place [default: the author]; "" is the author again
    #[arg(long, help_heading = "Answers", value_name = "PERSON")]
    anchor: Option<String>,
}

impl Hosts {
    pub(crate) fn given(&self) -> bool {
        !(self.cohost.is_empty() && self.host.is_empty() && self.no_host.is_empty() && self.anchor.is_none())
    }

    pub(crate) fn apply(&self, event: &mut Event, community: &str, session: &Session) -> Result<()> {
        for who in &self.no_host {
            let before = event.hosts.len();
            let did = member(session, community, who)?.map(|member| member.did);
            event.hosts.retain(|host| {
                let same = host.did.map(|did| did.to_string()) == did && did.is_some();
                !(who == "all" || same || host.name.eq_ignore_ascii_case(who))
            });
            if event.hosts.len() == before {
                let names: Vec<&str> = event.hosts.iter().map(|host| host.name.as_str()).collect();
                return Err(Error::refused(format!("could not take {who:?} off: they are no host"))
                    .because(if names.is_empty() { "it has none".into() } else { names.join(", ") })
                    .hint("give one of those names"));
            }
        }
        for who in &self.host {
            let member = member(session, community, who)?;
            let did = member.as_ref().map(did_of).transpose()?;
            let name = member.map_or_else(|| clean(who), |member| member.name);
            put(event, Host { did, name, role: HostRole::Host, edit: false });
        }
        for who in &self.cohost {
            let member = present(session, community, who, "a co-host")?;
            if member.role == "guest" {
                return Err(Error::refused(format!(
                    "could not make {} a co-host: guests of a community change no events",
                    member.name
                ))
                .hint("name them as a host all the same: --host"));
            }
            put(event, Host { did: Some(did_of(&member)?), name: member.name, role: HostRole::Cohost, edit: true });
        }
        match self.anchor.as_deref() {
            Some("") => {
                if let Some(rules) = &mut event.rsvp {
                    rules.anchor = None;
                }
            }
            Some(who) => {
                let member = present(session, community, who, "who keeps the list")?;
                if member.role == "guest" {
                    return Err(Error::refused(format!(
                        "could not let {} keep the list: guests of a community may not",
                        member.name
                    ))
                    .hint("name a member whose node runs most of the time, or leave it with the author"));
                }
                event.rsvp.get_or_insert_default().anchor = Some(did_of(&member)?);
            }
            None => {}
        }
        Ok(())
    }
}

/// In the place of the same person's earlier entry, else at the end.
fn put(event: &mut Event, host: Host) {
    let same = |other: &Host| match host.did {
        Some(did) => other.did == Some(did),
        None => other.did.is_none() && other.name == host.name,
    };
    match event.hosts.iter_mut().find(|other| same(other)) {
        Some(other) => *other = host,
        None => event.hosts.push(host),
    }
}

fn did_of(member: &MemberInfo) -> Result<Did> {
    member.did.parse().map_err(|error| Error::bug(format!("the node gave a did that is none: {error}")))
}

fn present(session: &Session, community: &str, who: &str, what: &str) -> Result<MemberInfo> {
    let member = ask(session, community, who)?;
    match &member.out {
        None => Ok(member),
        Some(_) => Err(Error::refused(format!("could not make {} {what}: they are out", member.name))
            .hint("moot member readmit lets them in again")),
    }
}

/// Whom of the community a text means. None: nobody there is called so. Several of one name are asked back.
pub(crate) fn member(session: &Session, community: &str, who: &str) -> Result<Option<MemberInfo>> {
    let request = Request::Members { community: Some(community.to_owned()) };
    let members = answer!(session.ask(&request)?, Reply::Members(members) => members)?;
    let known = |member: &MemberInfo| {
        member.name.eq_ignore_ascii_case(who) || member.did == who || (who.len() >= 6 && member.did.ends_with(who))
    };
    if !members.iter().any(known) {
        return Ok(None);
    }
    ask(session, community, who).map(Some)
}

fn ask(session: &Session, community: &str, who: &str) -> Result<MemberInfo> {
    let request = Request::Member { community: Some(community.to_owned()), who: who.to_owned() };
    answer!(session.ask(&request)?, Reply::Member(member) => member)
}
