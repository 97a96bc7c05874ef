//! What can go wrong with the store.

use std::path::PathBuf;

use super::quota::{Bound, Excess};
use crate::size::Size;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("another process is using {0}")]
    Locked(PathBuf),
    #[error("{0} is not a Folkmoot store")]
    Foreign(PathBuf),
    #[error("{path} was written by a newer version (schema {found}, this one knows {known})")]
    Newer { path: PathBuf, found: u64, known: u64 },
    #[error("{0} is a backup, and no store to work in")]
    Backup(PathBuf),
    #[error("{0} is not a backup")]
    NoBackup(PathBuf),
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// What was acknowledged is safe; writing is tried again by itself.
    #[error("the disk is full or failing; nothing more is stored until it takes writes again")]
    ReadOnly(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Less than `limits::DISK_RESERVE` is left.
    #[error("the disk that holds {path} is full; nothing more is stored until there is space")]
    Full { path: PathBuf, room: u64 },
    #[error("{0} cannot be opened: {1}")]
    Io(PathBuf, #[source] std::io::Error),
    #[error("the store could not be read or written: {0}")]
    Redb(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error(transparent)]
    Schemas(#[from] folkmoot_schemas::Error),
    /// Nothing was written: this node keeps no more than its settings say. From others it is put off.
    #[error("{}", over(.0))]
    OverQuota(Excess),
    /// We are no member (any more), the device is not listed …: nothing was written.
    #[error("{0}")]
    Refused(String),
}

impl StoreError {
    /// True when no later call can succeed without a person.
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Foreign(_) | Self::Newer { .. } | Self::Backup(_) | Self::Damaged(_))
    }

    /// The file or the disk below it failed, whatever was to be written.
    pub(super) fn is_of_disk(&self) -> bool {
        matches!(self, Self::Damaged(_) | Self::ReadOnly(_) | Self::Full { .. } | Self::Io(..) | Self::Redb(_))
    }

    /// What lies below the sentence.
    pub(crate) fn cause(&self) -> String {
        std::error::Error::source(self).map_or_else(|| self.to_string(), ToString::to_string)
    }

    /// Our own tables contradict each other: a bug of ours or of the disk, never of a peer.
    pub(super) fn inconsistent(what: &str) -> Self {
        Self::Damaged(format!("{what} is named but not there"))
    }
}

fn over(Excess { bound, needed, quota, .. }: &Excess) -> String {
    let whose = match bound {
        Bound::Member => "a member's records and files in one community",
        Bound::Community => "a community",
        Bound::Node => "everything",
    };
    let (makes, keeps) = (Size(*needed).to_string(), Size(*quota).to_string());
    match makes == keeps {
        // Rounded, the two are the same.
        true => format!(
            "it would make {} more than the {keeps} this node keeps for {whose}",
            Size(needed.saturating_sub(*quota))
        ),
        false => format!("it would make {makes}, and this node keeps {keeps} for {whose}"),
    }
}

impl From<redb::Error> for StoreError {
    /// After an I/O error redb refuses every further write, so that error and all that follow it read the same.
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Corrupted(what) => Self::Damaged(what),
            redb::Error::Io(_) | redb::Error::PreviousIo => Self::ReadOnly(Box::new(error)),
            other => Self::Redb(Box::new(other)),
        }
    }
}

macro_rules! from_redb {
    ($($error:ident),*) => {
        $(impl From<redb::$error> for StoreError {
            fn from(error: redb::$error) -> Self {
                redb::Error::from(error).into()
            }
        })*
    };
}

from_redb!(StorageError, TableError, TransactionError, CommitError);
