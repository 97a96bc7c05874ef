//! The home folder (0700): `config.toml`, `store.redb`, `keys/device`, `keys/peer` (0600), `moot.sock`.
//!
//! A home is whole when `keys/device` is there: [`NewHome::place`] moves the keys into place last. The root key is
//! never written anywhere; a key file holds one line, see `seal`.

mod create;
mod files;
mod seal;
mod socket;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use etcetera::BaseStrategy;
use folkmoot_schemas::{
    Tid,
    identity::{Device, Identity},
    key::Secret,
    phrase::Phrase,
};
use zeroize::Zeroizing;

use crate::{
    clock::Clock,
    store::{Store, StoreError},
};

pub use create::NewHome;
pub use files::read_secret;
use seal::Content;

#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    #[error("there is no Folkmoot home at {0}")]
    Absent(PathBuf),
    #[error("{0} already holds an identity")]
    Exists(PathBuf),
    /// Next step: `chmod 0700` for a folder, `chmod 0600` for a file.
    #[error("{0} can be read by others on this machine")]
    Exposed(PathBuf),
    #[error("{0} belongs to another user")]
    NotOwned(PathBuf),
    #[error("{0} already holds other files")]
    Occupied(PathBuf),
    #[error("{path} is damaged: {why}")]
    Damaged { path: PathBuf, why: String },
    /// Next step: [`Home::unlock`].
    #[error("the key of this device is under a passphrase")]
    Sealed,
    #[error("this is not the passphrase of this device's key")]
    Passphrase,
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Schemas(#[from] folkmoot_schemas::Error),
}

impl HomeError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

const KEYS: &str = "keys";
const DEVICE: &str = "device";
const PEER: &str = "peer";
const STORE: &str = "store.redb";
pub(crate) const CONFIG: &str = "config.toml";
/// Settings that came with a backup and are not in use.
const RESTORED: &str = "config.toml.restored";

/// Names of store metas that more than one room uses.
pub(crate) mod meta {
    /// did of the person, as text.
    pub(crate) const ME: &str = "me";
    /// Our newest identity document, its exact bytes.
    pub(crate) const IDENTITY: &str = "identity";
    /// Name of this device, as text.
    pub(crate) const DEVICE_NAME: &str = "device_name";
    /// did of this device, as text. What it wrote stays here although the person's document no longer lists it.
    pub(crate) const DEVICE: &str = "device";
    /// Prefix: a join of ours, by community, until a roster holds it.
    pub(crate) const JOIN: &str = "join/";
    /// Prefix: the address of a node to stay connected to.
    pub(crate) const PEER: &str = "peer/";
    /// Prefix: a community we are a member of and hold nothing of yet.
    pub(crate) const AWAITED: &str = "awaited/";
}

/// A checked home folder: right owner, right modes, keys readable.
#[derive(Debug, Clone)]
pub struct Home {
    dir: PathBuf,
    /// The device key, once it was read, and a passphrase opened it. Shared by all clones.
    opened: Arc<OnceLock<Secret>>,
}

impl Home {
    /// The platform's data folder, `moot`, unless given.
    pub fn default_dir() -> PathBuf {
        etcetera::choose_base_strategy().map_or_else(|_| PathBuf::from(".moot"), |base| base.data_dir().join("moot"))
    }

    /// Makes folder, keys, store and the first identity document (seq 0, this device). Every file is created with
    /// O_EXCL, synced with its folder; a cut at any moment leaves either no home or a whole one.
    pub fn create(dir: &Path, phrase: &Phrase, device_name: &str, clock: &Clock) -> Result<Self, HomeError> {
        let new = NewHome::build(dir, None, device_name, clock)?;
        let root = phrase.root();
        let added = Tid::new(clock.micros(), clock.tid_bits());
        let device = Device { key: new.home().device_key()?.did(), name: device_name.to_owned(), added };
        let identity = Identity { did: root.did(), seq: 0, prev: None, devices: vec![device] }.seal(&root)?;
        let store = new.home().open_store()?;
        store.set_meta(meta::ME, Some(root.did().to_string().as_bytes()))?;
        store.set_meta(meta::IDENTITY, Some(identity.bytes()))?;
        drop(store);
        new.place()
    }

    fn at(dir: PathBuf) -> Self {
        Self { dir, opened: Arc::default() }
    }

    /// Refuses a home that is not whole, not ours, or open to others.
    pub fn open(dir: &Path) -> Result<Self, HomeError> {
        let dir = std::path::absolute(dir).map_err(HomeError::io(dir))?;
        if !files::exists(&dir.join(KEYS).join(DEVICE))? {
            return Err(match files::exists(&dir.join(STORE))? && !create::is_leftover(&dir)? {
                true => HomeError::Damaged { path: dir, why: "it has a store but no keys".into() },
                false => HomeError::Absent(dir),
            });
        }
        files::check_private(&dir)?;
        files::check_private(&dir.join(KEYS))?;
        let home = Self::at(dir);
        home.key_file()?;
        home.peer_seed()?;
        Ok(home)
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn key_file(&self) -> Result<Content, HomeError> {
        files::read_key(&self.dir.join(KEYS).join(DEVICE))
    }

    /// `Sealed` while it is under a passphrase that was not given yet.
    pub fn device_key(&self) -> Result<Secret, HomeError> {
        if let Some(key) = self.opened.get() {
            return Ok(key.clone());
        }
        match self.key_file()? {
            Content::Plain(seed) => Ok(self.opened.get_or_init(|| Secret::from_seed(*seed)).clone()),
            Content::Sealed(_) => Err(HomeError::Sealed),
        }
    }

    /// The device key is under a passphrase.
    pub fn is_sealed(&self) -> Result<bool, HomeError> {
        Ok(matches!(self.key_file()?, Content::Sealed(_)))
    }

    /// Opens the device key for this home and its clones.
    pub fn unlock(&self, passphrase: &str) -> Result<(), HomeError> {
        if let Content::Sealed(sealed) = self.key_file()? {
            let seed = sealed.open(passphrase).ok_or(HomeError::Passphrase)?;
            self.opened.get_or_init(|| Secret::from_seed(*seed));
        }
        Ok(())
    }

    /// Puts the device key under a passphrase, or (None) takes it from under one. The key file is replaced as a whole.
    pub fn seal(&self, passphrase: Option<&str>, clock: &Clock) -> Result<(), HomeError> {
        let seed = self.device_key()?.seed();
        let text = match passphrase {
            Some(passphrase) => {
                seal::seal(&seed, passphrase, clock).map(Zeroizing::new).ok_or(HomeError::Passphrase)?
            }
            None => seal::plain(&seed),
        };
        self.opened.get_or_init(|| Secret::from_seed(*seed));
        files::replace(&self.dir.join(KEYS).join(DEVICE), &text)
    }

    /// Ed25519 seed of the libp2p peer key.
    pub fn peer_seed(&self) -> Result<[u8; 32], HomeError> {
        let path = self.dir.join(KEYS).join(PEER);
        match files::read_key(&path)? {
            Content::Plain(seed) => Ok(*seed),
            Content::Sealed(_) => Err(HomeError::Damaged { path, why: "this key has no passphrase".into() }),
        }
    }
    pub fn store_path(&self) -> PathBuf {
        self.dir.join(STORE)
    }
    pub fn config_path(&self) -> PathBuf {
        self.dir.join(CONFIG)
    }
    /// `moot.sock` in the home, or in a 0700 runtime folder when that path would exceed 100 bytes.
    pub fn socket_path(&self) -> PathBuf {
        socket::path(&self.dir)
    }
    /// The same, with its folder made and checked. For the process that will listen there.
    pub(crate) fn prepare_socket(&self) -> Result<PathBuf, HomeError> {
        socket::prepare(&self.dir)
    }
    /// Opens the store; `StoreError::Locked` when another process owns it.
    pub fn open_store(&self) -> Result<Store, HomeError> {
        Ok(Store::open(&self.store_path())?)
    }
    /// The same for one command, see [`Store::open_briefly`].
    pub(crate) fn open_store_briefly(&self) -> Result<Store, HomeError> {
        Ok(Store::open_briefly(&self.store_path())?)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    fn make(dir: &Path) -> Result<Home, HomeError> {
        Home::create(dir, &Phrase::from_entropy([7; 16]), "laptop", &Clock::system())
    }
    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    fn names(dir: &Path) -> Vec<String> {
        let mut all: Vec<_> =
            fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        all.sort();
        all
    }

    #[test]
    fn a_new_home_is_private_whole_and_holds_no_root_key() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("deep/home");
        let home = make(&dir).unwrap();
        assert_eq!(names(&dir), ["keys", "store.redb"]);
        assert_eq!(names(dir.parent().unwrap()), ["home"]);
        for (path, mode) in [("", 0o700), ("keys", 0o700), ("keys/device", 0o600), ("keys/peer", 0o600)] {
            assert_eq!(fs::metadata(dir.join(path)).unwrap().permissions().mode() & 0o777, mode, "{path}");
        }
        let root = Phrase::from_entropy([7; 16]).root();
        let store = home.open_store().unwrap();
        assert_eq!(store.meta(meta::ME).unwrap().unwrap(), root.did().to_string().into_bytes());
        assert_eq!(store.meta(meta::DEVICE_NAME).unwrap().unwrap(), b"laptop");
        let identity = store.meta(meta::IDENTITY).unwrap().unwrap();
        let (_, identity) = folkmoot_schemas::identity::Identity::open(&identity).unwrap();
        assert_eq!((identity.did, identity.seq), (root.did(), 0));
        assert!(identity.certifies(&home.device_key().unwrap().did()));
        assert_ne!(*home.device_key().unwrap().seed(), home.peer_seed().unwrap());
        drop(store);
        let secret = data_encoding::HEXLOWER.encode(root.seed().as_slice());
        for file in ["keys/device", "keys/peer", "store.redb"] {
            let bytes = fs::read(dir.join(file)).unwrap();
            assert!(
                !bytes.windows(32).any(|w| w == root.seed().as_slice())
                    && !bytes.windows(64).any(|w| w == secret.as_bytes())
            );
        }
    }

    #[test]
    fn a_second_create_changes_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("home");
        let seed = make(&dir).unwrap().peer_seed().unwrap();
        assert!(matches!(make(&dir), Err(HomeError::Exists(_))));
        assert_eq!(Home::open(&dir).unwrap().peer_seed().unwrap(), seed);
        assert_eq!(names(parent.path()), ["home"]);
    }

    #[test]
    fn a_folder_with_only_settings_becomes_the_home_and_keeps_them() {
        let parent = tempfile::tempdir().unwrap();
        fs::write(parent.path().join("config.toml"), "zone = \"UTC\"\n").unwrap();
        make(parent.path()).unwrap();
        assert_eq!(names(parent.path()), ["config.toml", "keys", "store.redb"]);
        assert_eq!(fs::read_to_string(parent.path().join("config.toml")).unwrap(), "zone = \"UTC\"\n");
    }

    #[test]
    fn a_folder_with_other_files_is_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        fs::write(parent.path().join("letter.txt"), "dear").unwrap();
        assert!(matches!(make(parent.path()), Err(HomeError::Occupied(_))));
        assert_eq!(names(parent.path()), ["letter.txt"]);
    }

    #[test]
    fn a_create_cut_before_the_keys_were_moved_is_no_home_and_can_be_repeated() {
        let parent = tempfile::tempdir().unwrap();
        let half = parent.path().join(".new-0011223344556677");
        fs::create_dir_all(half.join("keys")).unwrap();
        fs::write(half.join("keys/device"), "x").unwrap();
        fs::write(parent.path().join("store.redb"), "cut").unwrap();
        assert!(matches!(Home::open(parent.path()), Err(HomeError::Absent(_))));
        make(parent.path()).unwrap();
        assert_eq!(names(parent.path()), ["keys", "store.redb"]);
    }

    #[test]
    fn a_store_without_keys_is_damaged_and_never_overwritten() {
        let parent = tempfile::tempdir().unwrap();
        fs::write(parent.path().join("store.redb"), "precious").unwrap();
        assert!(matches!(Home::open(parent.path()), Err(HomeError::Damaged { .. })));
        assert!(make(parent.path()).is_err());
        assert_eq!(fs::read(parent.path().join("store.redb")).unwrap(), b"precious");
    }

    #[test]
    fn a_home_others_can_read_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("home");
        make(&dir).unwrap();
        for (path, open, closed) in [("", 0o750, 0o700), ("keys", 0o701, 0o700), ("keys/peer", 0o640, 0o600)] {
            chmod(&dir.join(path), open);
            assert!(matches!(Home::open(&dir), Err(HomeError::Exposed(_))), "{path}");
            chmod(&dir.join(path), closed);
        }
        Home::open(&dir).unwrap();
    }

    #[test]
    fn a_damaged_key_file_is_named_without_showing_its_content() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("home");
        make(&dir).unwrap();
        for text in ["", "abcd", &"zz".repeat(32), &"ab".repeat(400)] {
            fs::write(dir.join("keys/device"), text).unwrap();
            let why = Home::open(&dir).unwrap_err();
            assert!(matches!(why, HomeError::Damaged { .. }));
            assert!(text.is_empty() || !why.to_string().contains(text));
        }
    }

    #[test]
    fn a_key_under_a_passphrase_needs_it_after_every_opening_and_stays_the_same_key() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("home");
        let key = make(&dir).unwrap().device_key().unwrap().did();
        Home::open(&dir).unwrap().seal(Some("four grey geese"), &Clock::system()).unwrap();
        assert_eq!(names(&dir.join("keys")), ["device", "peer"]);
        let home = Home::open(&dir).unwrap();
        assert!(home.is_sealed().unwrap() && matches!(home.device_key(), Err(HomeError::Sealed)));
        assert!(matches!(home.unlock("four gray geese"), Err(HomeError::Passphrase)));
        home.unlock("four grey geese").unwrap();
        assert_eq!(home.clone().device_key().unwrap().did(), key);
        home.seal(None, &Clock::system()).unwrap();
        assert_eq!(Home::open(&dir).unwrap().device_key().unwrap().did(), key);
    }

    #[test]
    fn a_secret_is_read_only_from_a_short_file_that_is_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("words");
        fs::write(&path, "twelve words\n").unwrap();
        chmod(&path, 0o640);
        assert!(matches!(read_secret(&path), Err(HomeError::Exposed(_))));
        chmod(&path, 0o600);
        assert_eq!(*read_secret(&path).unwrap(), "twelve words\n");
        fs::write(&path, "twelve words ".repeat(1000)).unwrap();
        let why = read_secret(&path).unwrap_err().to_string();
        assert!(why.contains("longer than 4096 bytes") && !why.contains("twelve"), "{why}");
    }

    #[test]
    fn the_settings_of_a_backup_are_put_to_use_only_when_asked_for() {
        let parent = tempfile::tempdir().unwrap();
        let (file, clock) = (parent.path().join("backup"), Clock::system());
        let made = make(&parent.path().join("old")).unwrap();
        let config = "passphrase_file = \"/somewhere\"\n";
        let about = crate::store::backup::Backup { made: 7, device: String::new(), config: Some(config.into()) };
        made.open_store().unwrap().backup_to(&file, &about).unwrap();
        for (n, inside, in_use, left) in
            [(0, false, false, RESTORED), (1, false, true, CONFIG), (2, true, false, RESTORED), (3, true, true, CONFIG)]
        {
            let dir = parent.path().join(format!("new {n}"));
            if inside {
                fs::create_dir(&dir).unwrap();
            }
            let new = NewHome::build(&dir, Some(&file), "laptop", &clock).unwrap();
            assert_eq!(new.keep_settings(in_use).unwrap(), Some(dir.join(left)));
            new.place().unwrap();
            assert_eq!(names(&dir), [left, "keys", "store.redb"]);
            assert_eq!(fs::read_to_string(dir.join(left)).unwrap(), config);
        }
        // Settings that are there already stay.
        let dir = parent.path().join("mine");
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join(CONFIG), "zone = \"UTC\"\n").unwrap();
        let new = NewHome::build(&dir, Some(&file), "laptop", &clock).unwrap();
        assert_eq!(new.keep_settings(true).unwrap(), Some(dir.join(RESTORED)));
        new.place().unwrap();
        assert_eq!(fs::read_to_string(dir.join(CONFIG)).unwrap(), "zone = \"UTC\"\n");
    }

    #[test]
    fn a_home_that_was_not_put_in_its_place_leaves_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("home");
        drop(NewHome::build(&dir, None, "laptop", &Clock::system()).unwrap());
        assert!(names(parent.path()).is_empty());
    }

    #[test]
    fn a_socket_path_is_short_enough_for_the_kernel_and_named_in_the_home() {
        let parent = tempfile::tempdir().unwrap();
        let short = parent.path().join("h");
        assert_eq!(make(&short).unwrap().prepare_socket().unwrap(), short.join("moot.sock"));
        let long = parent.path().join("x".repeat(90));
        let home = make(&long).unwrap();
        let path = home.prepare_socket().unwrap();
        assert!(path.as_os_str().len() <= 100 && !path.starts_with(&long));
        assert_eq!(home.socket_path(), path);
        assert_eq!(fs::read_to_string(long.join("socket")).unwrap().trim_end(), path.to_str().unwrap());
        let folder = path.parent().unwrap();
        assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);
        fs::remove_dir(folder).unwrap();
    }
}
