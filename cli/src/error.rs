//! What a person reads when something did not work: one sentence, its cause, one next step, and an exit code.

use std::net::SocketAddr;

use folkmoot_gateway::GatewayError;
use folkmoot_node::{
    config::{ConfigError, KEYS, Kind},
    home::HomeError,
    net::NetError,
    node::NodeError,
    publish::PublishError,
    request::{Failure, FailureKind},
    store::StoreError,
};

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// The exit codes of the manual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Refused or failed, and the person can mend it.
    Refused = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// No node or network reachable.
    Network = 3,
    /// Our bug.
    Bug = 4,
}

#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Error {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    pub(crate) detail: Vec<String>,
    pub(crate) hint: Option<String>,
}

impl Error {
    fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), detail: Vec::new(), hint: None }
    }
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::new(Exit::Refused, message)
    }
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }
    pub(crate) fn network(message: impl Into<String>) -> Self {
        Self::new(Exit::Network, message)
    }
    pub(crate) fn bug(message: impl Into<String>) -> Self {
        Self::new(Exit::Bug, message).hint("this is our bug; please report it with the command you ran")
    }
    /// Data of our own that cannot be read.
    pub(crate) fn ours(error: folkmoot_schemas::Error) -> Self {
        Self::bug(format!("could not read stored data: {error}"))
    }
    pub(crate) fn because(mut self, line: impl Into<String>) -> Self {
        self.detail.push(line.into());
        self
    }
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let exit = match failure.kind {
            FailureKind::Refused => Exit::Refused,
            FailureKind::Network => Exit::Network,
            FailureKind::Bug => Exit::Bug,
        };
        Self { exit, message: failure.message, detail: failure.detail, hint: failure.hint }
    }
}

impl From<HomeError> for Error {
    fn from(error: HomeError) -> Self {
        let said = Self::refused(format!("could not open the home: {error}"));
        match error {
            HomeError::Absent(_) => said.hint("make one with `moot init`, or join a community with `moot join LINK`"),
            HomeError::Exists(_) => said.hint("`moot whoami` shows it; choose another folder with --home"),
            HomeError::Exposed(path) => said.hint(format!("chmod go-rwx {}", path.display())),
            HomeError::Damaged { .. } => said.hint("put back the file from a backup of the home"),
            HomeError::NotOwned(_) => said.hint("run moot as that user, or choose another home with --home"),
            HomeError::Sealed => {
                said.hint("type it on a terminal, or name a file that holds it: moot config passphrase_file FILE")
            }
            HomeError::Passphrase => said
                .hint("try again; without it this device's key is lost, and moot init --recover makes another device"),
            HomeError::Occupied(_) => said.hint("choose an empty or new folder with --home"),
            HomeError::Io { .. } | HomeError::Schemas(_) => said,
            HomeError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let said = Self::refused(format!("could not open the store: {error}"));
        match error {
            StoreError::Locked(_) => said.hint("end the other process, or choose another home with --home"),
            StoreError::Foreign(_) => {
                said.hint("move the file away, or choose another home with --home; nothing was changed")
            }
            StoreError::Newer { .. } => said.hint("use the newer version of moot that wrote it; nothing was changed"),
            StoreError::Damaged(_) => {
                said.hint("keep a copy of the file; `moot join` on an empty home fetches the community again")
            }
            StoreError::Backup(_) => said.hint("`moot restore FILE` makes a home of it"),
            StoreError::ReadOnly(_) | StoreError::Full { .. } => said.hint("free some space on the disk and try again"),
            _ => said,
        }
    }
}

impl From<NodeError> for Error {
    fn from(error: NodeError) -> Self {
        match error {
            NodeError::Home(error) => error.into(),
            NodeError::Net(error) => error.into(),
            NodeError::Publish(error) => Failure::from(error).into(),
            error => Self::refused(format!("could not start the node: {error}")),
        }
    }
}

impl From<PublishError> for Error {
    fn from(error: PublishError) -> Self {
        Self::refused(format!("could not publish: {error}"))
    }
}

impl From<NetError> for Error {
    fn from(error: NetError) -> Self {
        let said = Self::refused(format!("could not start the node: {error}"));
        match error {
            NetError::Listen { .. } => {
                said.hint("is another node running? choose another port, e.g. --listen /ip4/0.0.0.0/tcp/4701")
            }
            _ => said,
        }
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        let said = Self::refused(format!("could not use the settings: {error}"));
        match error {
            ConfigError::Unknown { .. } => said.hint("`moot config` lists every setting"),
            ConfigError::Value { key, .. } => said.hint(accepted(key)),
            _ => said,
        }
    }
}

/// How a value of this setting is written.
fn accepted(key: &str) -> String {
    let kind = KEYS.iter().find(|known| known.name == key).map(|known| known.kind);
    let form = match kind {
        Some(Kind::Size) => {
            "a whole number with KiB, MiB, GiB or TiB, e.g. 256MiB; a number alone is bytes, and none means no bound"
        }
        Some(Kind::Flag) => "true or false",
        Some(Kind::Socket) => "an address with a port, e.g. 127.0.0.1:4780",
        Some(Kind::Url) => "an address of the web, e.g. https://moot.example.org",
        Some(Kind::Addrs) => "addresses like /ip4/192.0.2.7/tcp/4700, with spaces between",
        Some(Kind::Command) => {
            "the whole path of a program and its arguments, e.g. \"/usr/local/bin/moot-mail ada@example.org\"; what has spaces in it goes into config.toml as a list"
        }
        Some(Kind::Spans) => "lengths of time with spaces between, e.g. \"1d 2h\", or none",
        Some(Kind::Words) => "words with spaces between",
        Some(Kind::Text) | None => "a text",
    };
    format!("{key} takes {form}; \"\" puts back the default")
}

impl From<GatewayError> for Error {
    fn from(error: GatewayError) -> Self {
        let said = Self::refused(format!("could not start the web page: {error}"));
        match error {
            GatewayError::Listen { addr, .. } => {
                let other = SocketAddr::new(addr.ip(), addr.port().checked_add(1).unwrap_or(4780));
                said.hint(format!("choose another address, e.g. --http {other}, or leave it out with --no-gateway"))
            }
            GatewayError::PublicUrl(_) => said.hint("write it like https://moot.example.org"),
        }
    }
}
