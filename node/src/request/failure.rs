//! Errors in words: one sentence, its cause, one next step.

use folkmoot_schemas::limits;

use serde::{Deserialize, Serialize};

use crate::{
    config::ConfigError,
    publish::{PublishError, Unanswerable},
    store::{
        StoreError,
        quota::{Bound, Excess},
    },
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// The person can mend it: exit 1.
    Refused,
    /// No node or peer reachable: exit 3.
    Network,
    /// Our fault: exit 4.
    Bug,
}

/// One sentence, the cause in detail lines, one next step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    pub kind: FailureKind,
    pub message: String,
    pub detail: Vec<String>,
    pub hint: Option<String>,
}

impl Failure {
    pub fn refused(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Refused, message: message.into(), detail: Vec::new(), hint: None }
    }
    pub fn network(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Network, message: message.into(), detail: Vec::new(), hint: None }
    }
    pub fn bug(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Bug, message: message.into(), detail: Vec::new(), hint: None }
    }
    pub fn because(mut self, line: impl Into<String>) -> Self {
        self.detail.push(line.into());
        self
    }
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        match error {
            StoreError::ReadOnly(cause) => Self::refused("nothing was written: the disk is full or failing")
                .because(cause.to_string())
                .hint("mend the disk or make space on it, and try again; reading still works"),
            StoreError::Full { room, .. } => Self::refused("nothing was written: the disk is full")
                .because(format!("{} are left, and {} are kept free", mib(room), mib(limits::DISK_RESERVE)))
                .hint("make space on the disk and try again; reading still works"),
            StoreError::Redb(cause) => Self::refused("the store could not be read or written")
                .because(cause.to_string())
                .hint("check the disk and try again"),
            StoreError::Damaged(why) => Self::refused("the store is damaged")
                .because(why)
                .hint("keep a copy of store.redb; joining from an empty home fetches the communities again"),
            StoreError::Schemas(cause) => Self::bug("stored data could not be read").because(cause.to_string()),
            StoreError::OverQuota(Excess { bound, .. }) => {
                let setting = match bound {
                    Bound::Member => "quota_member",
                    Bound::Community => "quota_community",
                    Bound::Node => "quota_node",
                };
                Self::refused(message)
                    .hint(format!("delete something, or let it keep more: moot config {setting} SIZE"))
            }
            StoreError::Locked(_) => Self::refused(message).hint("end the other process, or choose another --home"),
            StoreError::Newer { .. } => Self::refused(message).hint("use the newer version that wrote it"),
            StoreError::Backup(_) => Self::refused(message).hint("`moot restore FILE` makes a home of it"),
            StoreError::NoBackup(_) => Self::refused(message).hint("`moot backup FILE` makes one"),
            StoreError::Foreign(_) | StoreError::Io(..) | StoreError::Refused(_) => Self::refused(message),
        }
    }
}

fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

impl From<PublishError> for Failure {
    fn from(error: PublishError) -> Self {
        could_not("use this home")(error)
    }
}

impl From<folkmoot_schemas::Error> for Failure {
    fn from(error: folkmoot_schemas::Error) -> Self {
        Self::bug(error.to_string())
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::refused(error.to_string()).hint("`moot config` lists every setting")
    }
}

/// What to do where this device is out.
pub(crate) const LET_IN_AGAIN: &str =
    "stop its node if one runs (`moot serve`); then `moot init --recover` lets it in again by your 12 words";

/// `what`: the act as in "could not …".
pub fn could_not(what: &str) -> impl Fn(PublishError) -> Failure {
    move |error| {
        let said = Failure::refused(format!("could not {what}: {error}"));
        match error {
            PublishError::NotMember(_) => said.hint("ask a member for an invite link, then `moot join LINK`"),
            PublishError::NotAllowed { .. } => said.hint("a steward can do it; `moot member list` shows who that is"),
            PublishError::Retired => {
                said.because("what it writes reaches nobody; what it has stays here, and goes out once it is in again")
                    .hint(LET_IN_AGAIN)
            }
            PublishError::Waiting => {
                said.hint("`moot device add` shows what to type on the other device, and takes its answer")
            }
            PublishError::Overtaken => said.hint("bring this device up to date (`moot sync`), then try again"),
            PublishError::Absent(_) => said.hint("`moot feed` and `moot event list` show what is here"),
            PublishError::NotYours(_) => said.hint("only its author can change or delete it"),
            PublishError::NotHost | PublishError::StewardsPart => said.hint(
                "its author can let you: moot event edit EVENT --cohost NAME; until then a comment reaches them: moot reply",
            ),
            PublishError::Unanswerable(ref why) => match why {
                Unanswerable::Never => said.hint("just come"),
                Unanswerable::Elsewhere(_) => said.hint("answer there"),
                Unanswerable::Cancelled => said.hint("nothing to answer: it does not take place"),
                Unanswerable::Guest => said.hint("a steward can make you a member"),
                Unanswerable::NotHost => said.hint("your own answer can bring them: moot rsvp EVENT yes +1"),
                Unanswerable::Closed(_) => {
                    said.hint("ask its hosts, who can still enter you as a guest; you can say no at any time")
                }
                Unanswerable::TooMany(_) => said.hint("bring fewer; others can answer for themselves"),
                Unanswerable::Full(_) => said.hint("its hosts can make room: moot event edit EVENT --capacity N"),
                Unanswerable::NoDate => said.hint("moot event show EVENT lists its dates"),
            },
            PublishError::AuthorsPart(_) => {
                said.hint("ask them; where they are gone, `moot event clone EVENT` makes an event of your own of it")
            }
            PublishError::NotAnchor => {
                said.hint("ask them; its author, if still here, can name another: moot event edit EVENT --anchor NAME")
            }
            PublishError::ListFull => said.hint("somebody on it has to withdraw first"),
            PublishError::NoList => said.hint("a list is kept where there is a capacity, or answers need approval"),
            PublishError::Superseded => said.hint("look at it (moot event show) and run the command again"),
            PublishError::TooLarge { .. } => said.hint("shorten it; `moot limits` lists all limits"),
            PublishError::Fault(_) => said.hint("`moot limits` lists all limits"),
            PublishError::Store(cause) => {
                let cause = Failure::from(cause);
                Failure { message: format!("could not {what}: {}", cause.message), ..cause }
            }
            // What a person typed can be over a structure's limit (a name, say); other causes would be ours.
            PublishError::Schemas(folkmoot_schemas::Error::Structure { .. } | folkmoot_schemas::Error::Fault(_)) => {
                said
            }
            PublishError::Schemas(_) => Failure { kind: FailureKind::Bug, ..said },
        }
    }
}
