//! The home folder (0700): `config.toml`, `store.redb`, `keys/device`, `keys/peer` (0600), `moot.sock`.

use std::path::{Path, PathBuf};

use folkmoot_schemas::{key::Secret, phrase::Phrase};

use crate::{
    clock::Clock,
    store::{Store, StoreError},
};

#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    #[error("there is no Folkmoot home at {0}")]
    Absent(PathBuf),
    #[error("{0} already holds an identity")]
    Exists(PathBuf),
    #[error("{0} can be read by others on this machine")]
    Exposed(PathBuf),
    #[error("{path} is damaged: {why}")]
    Damaged { path: PathBuf, why: String },
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A checked home folder: right owner, right modes, keys readable.
#[derive(Debug, Clone)]
pub struct Home {
    #[allow(dead_code, reason = "stub")]
    dir: PathBuf,
}

impl Home {
    /// The platform's data folder, `moot`, unless given.
    pub fn default_dir() -> PathBuf {
        todo!()
    }
    /// Makes folder, keys, store and the first identity document (seq 0, this device). Every file is created with
    /// O_EXCL, synced with its folder; a cut at any moment leaves either no home or a whole one.
    pub fn create(_dir: &Path, _phrase: &Phrase, _device_name: &str, _clock: &Clock) -> Result<Self, HomeError> {
        todo!()
    }
    pub fn open(_dir: &Path) -> Result<Self, HomeError> {
        todo!()
    }
    pub fn dir(&self) -> &Path {
        &self.dir
    }
    pub fn device_key(&self) -> Result<Secret, HomeError> {
        todo!()
    }
    /// Ed25519 seed of the libp2p peer key.
    pub fn peer_seed(&self) -> Result<[u8; 32], HomeError> {
        todo!()
    }
    pub fn store_path(&self) -> PathBuf {
        self.dir.join("store.redb")
    }
    pub fn config_path(&self) -> PathBuf {
        self.dir.join("config.toml")
    }
    /// `moot.sock` in the home, or in a 0700 runtime folder when that path would exceed 100 bytes.
    pub fn socket_path(&self) -> PathBuf {
        todo!()
    }
    /// Opens the store; `StoreError::Locked` when another process owns it.
    pub fn open_store(&self) -> Result<Store, HomeError> {
        todo!()
    }
}
