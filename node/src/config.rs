//! Settings: flag > `MOOT_*` > `config.toml` > default. An unknown key is an error that names the nearest.
//!
//! [`KEYS`] is the list of settings; each value is checked when it is taken, so the getters cannot fail later.

mod edit;
mod key;
mod span;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};

pub use key::{KEYS, Key, Kind, Value};
pub use libp2p::Multiaddr;

use crate::{home::Home, size::Size, store::quota::Quotas};

/// Where a value came from; shown by `moot config`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Flag,
    Environment,
    File,
    Default,
}

/// What the network part of a node is started with. The switches for tests can be set from code only: no flag, file
/// or cargo feature reaches them.
#[derive(Debug, Clone, Default)]
pub struct NetConfig {
    pub listen: Vec<Multiaddr>,
    /// Addresses others can reach us at, put into invite links before the listen addresses.
    pub external: Vec<Multiaddr>,
    /// Peers to keep a connection to.
    pub peers: Vec<Multiaddr>,
    /// Test switch: every gossip message is dropped, sent and received.
    pub drop_gossip: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("there is no setting {key:?}; the nearest is {nearest:?}")]
    Unknown { key: String, nearest: &'static str },
    #[error("the setting {key} is not valid: {why}")]
    Value { key: &'static str, why: String },
    #[error("{path} is not valid TOML: {why}")]
    Syntax { path: PathBuf, why: String },
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
}

/// One setting as `moot config` prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    pub value: Value,
    pub origin: Origin,
}

/// All settings of a home, each with where it came from.
#[derive(Debug, Clone)]
pub struct Config {
    settings: BTreeMap<&'static str, Setting>,
}

impl Config {
    /// Defaults, overlaid with `path` (may be absent), overlaid with `MOOT_<KEY>` of the environment.
    pub fn load(path: &Path, env: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        config.read(path, &edit::text_of(path)?)?;
        for key in KEYS {
            if let Some(text) = env(&format!("MOOT_{}", key.name.to_uppercase())) {
                let value = Value::parse(key, &text)?;
                config.settings.insert(key.name, Setting { value, origin: Origin::Environment });
            }
        }
        Ok(config)
    }

    /// Overlays the text of a file. The path is for errors.
    pub(crate) fn read(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        for (key, value) in edit::table(path, text)? {
            let key = Key::find(&key)?;
            let value = Value::from_toml(key, value)?;
            self.settings.insert(key.name, Setting { value, origin: Origin::File });
        }
        Ok(())
    }

    /// The settings of a home as its commands have them, without flags.
    pub fn of(home: &Home) -> Result<Self, ConfigError> {
        Self::load(&home.config_path(), |name| std::env::var(name).ok())
    }

    /// A value given as a flag; lists take several separated by commas or spaces.
    pub fn flag(&mut self, key: &str, text: &str) -> Result<(), ConfigError> {
        let key = Key::find(key)?;
        let value = Value::parse(key, text)?;
        self.settings.insert(key.name, Setting { value, origin: Origin::Flag });
        Ok(())
    }

    /// Writes one value into the file and leaves every other line as it is; `None` takes the value out.
    pub fn set(path: &Path, key: &str, text: Option<&str>) -> Result<(), ConfigError> {
        let key = Key::find(key)?;
        let value = text.map(|t| Value::parse(key, t)).transpose()?;
        let before = edit::text_of(path)?;
        let after = Self::edited(path, &before, key.name, value.as_ref())?;
        if after == before { Ok(()) } else { edit::replace(path, &after) }
    }

    /// The text with one value in place of what it says, or without it.
    pub(crate) fn edited(path: &Path, text: &str, key: &str, value: Option<&Value>) -> Result<String, ConfigError> {
        edit::edited(path, text, key, value)
    }

    /// Every setting, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Setting)> {
        self.settings.iter().map(|(k, v)| (*k, v))
    }

    /// The community commands take when none is named.
    pub fn community(&self) -> Option<&str> {
        self.text("community")
    }
    pub fn net(&self) -> NetConfig {
        NetConfig {
            listen: self.addrs("listen"),
            external: self.addrs("external"),
            peers: self.addrs("peers"),
            drop_gossip: false,
        }
    }
    /// How much is kept.
    pub fn quotas(&self) -> Quotas {
        let size = |key| self.text(key)?.parse().ok().map(|Size(bytes)| bytes);
        Quotas {
            member: size("quota_member"),
            community: size("quota_community"),
            node: size("quota_node"),
            pin: size("quota_pin"),
        }
    }
    /// Where the gateway listens.
    pub fn http(&self) -> Option<SocketAddr> {
        self.text("http")?.parse().ok()
    }
    /// Address of our gateway as others see it, without a slash at the end.
    pub fn public_url(&self) -> Option<&str> {
        self.text("public_url").map(|u| u.trim_end_matches('/'))
    }
    /// Host names the gateway answers to besides its own addresses.
    pub fn hosts(&self) -> &[String] {
        self.list("hosts")
    }
    /// False: `serve` starts no gateway.
    pub fn gateway(&self) -> bool {
        !matches!(self.settings.get("gateway"), Some(Setting { value: Value::Flag(false), .. }))
    }
    /// Name of the person, for the first profile in a community.
    pub fn name(&self) -> Option<&str> {
        self.text("name")
    }
    /// File with the passphrase of the device key.
    pub fn passphrase_file(&self) -> Option<&Path> {
        self.text("passphrase_file").map(Path::new)
    }
    /// Zone of typed times, where the community names none.
    pub fn zone(&self) -> Option<&str> {
        self.text("zone")
    }
    /// What is run for each new thing: program and arguments. Empty: nothing.
    pub fn hook(&self) -> &[String] {
        self.list("hook")
    }
    /// How long before a date it is told, in seconds; nothing where the setting says none.
    pub fn remind(&self) -> Vec<i64> {
        self.list("remind").iter().filter_map(|text| span::read(text)).collect()
    }
    /// Filter of the log, as `RUST_LOG` is written.
    pub fn log(&self) -> Option<&str> {
        self.text("log")
    }

    fn text(&self, key: &str) -> Option<&str> {
        match &self.settings.get(key)?.value {
            Value::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }
    fn list(&self, key: &str) -> &[String] {
        match self.settings.get(key) {
            Some(Setting { value: Value::List(list), .. }) => list,
            _ => &[],
        }
    }
    fn addrs(&self, key: &str) -> Vec<Multiaddr> {
        self.list(key).iter().filter_map(|a| a.parse().ok()).collect()
    }
}

impl Default for Config {
    fn default() -> Self {
        let settings = KEYS.iter().map(|k| (k.name, Setting { value: k.default_value(), origin: Origin::Default }));
        Self { settings: settings.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(text: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        (dir, path)
    }

    #[test]
    fn a_flag_beats_the_environment_beats_the_file_beats_the_default() {
        let (_dir, path) = home("http = \"127.0.0.1:1\"\nzone = \"Europe/Berlin\"\ncommunity = \"File\"\n");
        let env = |key: &str| match key {
            "MOOT_HTTP" => Some("127.0.0.1:2".to_owned()),
            "MOOT_COMMUNITY" => Some("Env".to_owned()),
            _ => None,
        };
        let mut config = Config::load(&path, env).unwrap();
        config.flag("http", "127.0.0.1:3").unwrap();
        let origin = |key: &str| config.settings[key].origin;
        assert_eq!(config.http(), Some("127.0.0.1:3".parse().unwrap()));
        assert_eq!(origin("http"), Origin::Flag);
        assert_eq!((config.community(), origin("community")), (Some("Env"), Origin::Environment));
        assert_eq!((config.zone(), origin("zone")), (Some("Europe/Berlin"), Origin::File));
        assert_eq!(origin("listen"), Origin::Default);
        assert_eq!(config.net().listen.len(), 2);
    }

    #[test]
    fn quotas_are_sizes_and_none_is_no_bound() {
        assert_eq!(Config::default().quotas(), Quotas::default());
        let (_dir, path) = home("quota_member = \"none\"\nquota_node = \"20 GiB\"\n");
        let quotas = Config::load(&path, |_| None).unwrap().quotas();
        assert_eq!((quotas.member, quotas.node), (None, Some(20 << 30)));
        assert!(Config::default().flag("quota_node", "20 apples").is_err());
    }

    #[test]
    fn a_hook_is_a_program_and_its_words_and_nothing_reads_them_as_a_shell_would() {
        assert!(Config::default().hook().is_empty());
        assert_eq!(Config::default().remind(), [86_400, 7_200]);
        let (_dir, path) = home("hook = [\"/opt/my mail\", \"a,b; $(c)\"]\nremind = \"3h\"\n");
        let config = Config::load(&path, |_| None).unwrap();
        assert_eq!(
            (config.hook(), config.remind()),
            (["/opt/my mail", "a,b; $(c)"].map(str::to_owned).as_slice(), vec![10_800])
        );
        let (_dir, path) = home("hook = \"/usr/bin/mail-me  --to ada,bo\"\nremind = []\n");
        let config = Config::load(&path, |_| None).unwrap();
        assert_eq!(config.hook(), ["/usr/bin/mail-me", "--to", "ada,bo"]);
        assert!(config.remind().is_empty());
        let (_dir, path) = home("remind = \"none\"\n");
        assert!(Config::load(&path, |_| None).unwrap().remind().is_empty());
        for text in [
            "hook = \"mail\"",
            "hook = [\"\"]",
            "remind = \"soon\"",
            "remind = \"31d\"",
            "remind = \"1h 2h 3h 4h 5h 6h\"",
        ] {
            let (_dir, path) = home(text);
            assert!(matches!(Config::load(&path, |_| None), Err(ConfigError::Value { .. })), "{text}");
        }
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        let (_dir, path) = home("publicurl = \"https://example.org\"\n");
        let why = Config::load(&path, |_| None).unwrap_err().to_string();
        assert!(why.contains("\"publicurl\"") && why.contains("\"public_url\""), "{why}");
    }

    #[test]
    fn a_value_of_the_wrong_shape_is_refused_with_its_key() {
        for (text, key) in [("listen = [\"4700\"]", "listen"), ("gateway = 1", "gateway"), ("http = \"4780\"", "http")]
        {
            let (_dir, path) = home(text);
            let why = Config::load(&path, |_| None).unwrap_err();
            assert!(matches!(&why, ConfigError::Value { key: k, .. } if *k == key), "{why}");
        }
        assert!(Config::default().flag("public_url", "example.org").is_err());
    }

    #[test]
    fn setting_one_value_keeps_every_other_line() {
        let (_dir, path) = home("# mine\ncommunity = \"Old\" # the club\nlisten = [\n  \"/ip4/127.0.0.1/tcp/1\",\n]");
        Config::set(&path, "community", Some("Say \"hi\"")).unwrap();
        Config::set(&path, "gateway", Some("false")).unwrap();
        Config::set(&path, "listen", Some("/ip4/127.0.0.1/tcp/2")).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("# mine\ncommunity = \"Say \\\"hi\\\"\" # the club\n") || text.contains("'Say \"hi\"' #")
        );
        let config = Config::load(&path, |_| None).unwrap();
        assert_eq!(config.community(), Some("Say \"hi\""));
        assert!(!config.gateway());
        assert_eq!(config.net().listen, ["/ip4/127.0.0.1/tcp/2".parse().unwrap()]);
        Config::set(&path, "listen", None).unwrap();
        assert_eq!(Config::load(&path, |_| None).unwrap().net().listen.len(), 2);
    }
}
