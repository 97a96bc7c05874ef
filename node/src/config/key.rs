//! The list of settings: name, shape, default, what it is for.

use std::{fmt, net::SocketAddr};

use super::{ConfigError, Multiaddr, span};
use crate::size::Size;

/// In place of a size: as much as there is.
pub(super) const NONE: &str = "none";

/// How a value is written and checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Flag,
    /// `address:port`
    Socket,
    /// `http://…` or `https://…`
    Url,
    /// `256MiB`, or `none`.
    Size,
    /// Several words.
    Words,
    /// A program, by its whole path, and its arguments. As one text it is split at white space and nowhere else.
    Command,
    /// Several lengths of time, `1d 2h`.
    Spans,
    /// Several multiaddrs.
    Addrs,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Text(String),
    List(Vec<String>),
    Flag(bool),
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    pub name: &'static str,
    pub kind: Kind,
    default: &'static str,
    pub about: &'static str,
}

const fn key(name: &'static str, kind: Kind, default: &'static str, about: &'static str) -> Key {
    Key { name, kind, default, about }
}

/// Every setting there is.
pub const KEYS: &[Key] = &[
    key("community", Kind::Text, "", "community that commands take when none is named"),
    key("external", Kind::Addrs, "", "addresses others reach this node at, written into invite links"),
    key("gateway", Kind::Flag, "true", "whether `moot serve` shows pages"),
    key("hook", Kind::Command, "", "program that is given each new thing of your inbox and each date that is near"),
    key("hosts", Kind::Words, "", "host names the gateway answers to besides its own addresses"),
    key("http", Kind::Socket, "127.0.0.1:4780", "where the gateway listens"),
    key("listen", Kind::Addrs, "/ip4/0.0.0.0/tcp/4700 /ip6/::/tcp/4700", "where the node listens for other nodes"),
    key("log", Kind::Text, "warn", "filter of the log, written as RUST_LOG is"),
    key("name", Kind::Text, "", "your name, for the profile in communities you found or join"),
    key(
        "passphrase_file",
        Kind::Text,
        "",
        "file (0600) with the passphrase of the device key, where nobody can type it",
    ),
    key("peers", Kind::Addrs, "", "nodes to stay connected to"),
    key("public_url", Kind::Url, "", "address of the gateway as others see it"),
    key("quota_community", Kind::Size, "4GiB", "what this node keeps of one community at most; none: no bound"),
    key("quota_member", Kind::Size, "256MiB", "what it keeps of one member in a community at most; none: no bound"),
    key("quota_node", Kind::Size, "none", "what it keeps in all at most, pins and roster included; none: no bound"),
    key("quota_pin", Kind::Size, "4GiB", "what it fetches for one pin at most; none: no bound"),
    key("remind", Kind::Spans, "1d 2h", "how long before a date you answered the hook is told of it"),
    key("zone", Kind::Text, "", "time zone of typed times where the community names none, e.g. Europe/Berlin"),
];

impl Key {
    pub(super) fn find(name: &str) -> Result<&'static Self, ConfigError> {
        KEYS.iter()
            .find(|k| k.name == name)
            .ok_or_else(|| ConfigError::Unknown { key: name.to_owned(), nearest: nearest(name) })
    }

    pub(super) fn default_value(&self) -> Value {
        match self.kind {
            Kind::Flag => Value::Flag(self.default == "true"),
            Kind::Addrs | Kind::Words | Kind::Command | Kind::Spans => Value::List(words(self.default)),
            Kind::Text | Kind::Socket | Kind::Url | Kind::Size => Value::Text(self.default.to_owned()),
        }
    }

    fn wrong(&self, why: impl Into<String>) -> ConfigError {
        ConfigError::Value { key: self.name, why: why.into() }
    }
}

impl Value {
    /// From a flag or a variable: one text.
    pub(super) fn parse(key: &Key, text: &str) -> Result<Self, ConfigError> {
        let value = match key.kind {
            Kind::Flag => match text.trim() {
                "true" | "yes" | "on" | "1" => Self::Flag(true),
                "false" | "no" | "off" | "0" => Self::Flag(false),
                other => return Err(key.wrong(format!("{other:?} is neither true nor false"))),
            },
            Kind::Addrs | Kind::Words | Kind::Spans => Self::List(words(text)),
            Kind::Command => Self::List(text.split_whitespace().map(str::to_owned).collect()),
            Kind::Text | Kind::Socket | Kind::Url | Kind::Size => Self::Text(text.trim().to_owned()),
        };
        value.check(key)
    }

    pub(super) fn from_toml(key: &Key, value: toml::Value) -> Result<Self, ConfigError> {
        let value = match (key.kind, value) {
            (Kind::Flag, toml::Value::Boolean(on)) => Self::Flag(on),
            (Kind::Command, toml::Value::String(text)) => {
                Self::List(text.split_whitespace().map(str::to_owned).collect())
            }
            (Kind::Addrs | Kind::Words | Kind::Spans, toml::Value::String(text)) => Self::List(words(&text)),
            (Kind::Addrs | Kind::Words | Kind::Spans | Kind::Command, toml::Value::Array(list)) => {
                let texts = list.into_iter().map(|v| match v {
                    toml::Value::String(text) => Ok(text),
                    other => Err(key.wrong(format!("{other} is not a text"))),
                });
                Self::List(texts.collect::<Result<_, _>>()?)
            }
            (Kind::Text | Kind::Socket | Kind::Url | Kind::Size, toml::Value::String(text)) => Self::Text(text),
            (Kind::Flag, other) => return Err(key.wrong(format!("{other} is neither true nor false"))),
            (Kind::Addrs | Kind::Words | Kind::Command | Kind::Spans, other) => {
                return Err(key.wrong(format!("{other} is not a list of texts")));
            }
            (_, other) => return Err(key.wrong(format!("{other} is not a text in quotes"))),
        };
        value.check(key)
    }

    pub(super) fn to_toml(&self) -> toml::Value {
        match self {
            Self::Text(text) => toml::Value::String(text.clone()),
            Self::List(list) => toml::Value::Array(list.iter().cloned().map(toml::Value::String).collect()),
            Self::Flag(on) => toml::Value::Boolean(*on),
        }
    }

    fn check(self, key: &Key) -> Result<Self, ConfigError> {
        match (key.kind, &self) {
            (Kind::Socket, Self::Text(text)) => {
                text.parse::<SocketAddr>()
                    .map_err(|_| key.wrong(format!("{text:?} is not an address with a port, e.g. 127.0.0.1:4780")))?;
            }
            (Kind::Size, Self::Text(text)) if text != NONE => {
                text.parse::<Size>().map_err(|why| key.wrong(why))?;
            }
            (Kind::Url, Self::Text(text)) if !text.is_empty() => {
                let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
                if !rest.is_some_and(|r| !r.is_empty() && !r.contains(char::is_whitespace)) {
                    return Err(key.wrong(format!("{text:?} does not start with https:// or http://")));
                }
            }
            (Kind::Command, Self::List(list)) => {
                if let Some(program) = list.first().filter(|program| !program.starts_with('/')) {
                    return Err(key.wrong(format!(
                        "{program:?} is not the whole path of a program, e.g. /usr/local/bin/tell-me"
                    )));
                }
                if list.iter().any(|word| word.contains('\0')) {
                    return Err(key.wrong("a word has a zero byte in it"));
                }
            }
            (Kind::Spans, Self::List(list)) if *list != [NONE] => {
                if list.len() > span::MOST {
                    return Err(key.wrong(format!("{} lengths of time, {} are allowed", list.len(), span::MOST)));
                }
                for text in list {
                    if span::read(text).is_none_or(|seconds| seconds > span::LONGEST) {
                        return Err(key.wrong(format!("{text:?} is not a length of time up to 30 days, e.g. 2h or 1d")));
                    }
                }
            }
            (Kind::Addrs, Self::List(list)) => {
                for text in list {
                    text.parse::<Multiaddr>().map_err(|why| {
                        key.wrong(format!("{text:?} is not a multiaddr such as /ip4/192.0.2.7/tcp/4700 ({why})"))
                    })?;
                }
            }
            _ => {}
        }
        Ok(self)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::List(list) => f.write_str(&list.join(" ")),
            Self::Flag(on) => on.fmt(f),
        }
    }
}

fn words(text: &str) -> Vec<String> {
    text.split([',', ' ', '\t', '\n']).filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

fn nearest(name: &str) -> &'static str {
    KEYS.iter().map(|k| k.name).min_by_key(|known| distance(name, known)).unwrap_or_default()
}

/// Levenshtein distance in bytes: how many letters were mistyped. What was typed is cut, a file cannot make this slow.
fn distance(typed: &str, known: &str) -> usize {
    let mut row: Vec<usize> = (0..=known.len()).collect();
    for (i, a) in typed.bytes().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in known.bytes().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (diagonal + usize::from(a != b)).min(row[j] + 1).min(above + 1);
            diagonal = above;
        }
    }
    row[known.len()]
}
