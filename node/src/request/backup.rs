//! A copy of everything, for the day the disk breaks.

use std::{fs, io, path::Path};

use serde::{Deserialize, Serialize};

use super::{Failure, Reply, handle::Answer, resolve::Reading};
use crate::{home::CONFIG, store::backup::Backup};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BackupInfo {
    pub file: String,
    pub bytes: u64,
    pub blocks: u64,
    pub communities: u64,
}

impl Reading<'_> {
    /// `file`: an absolute path, so that node and command mean the same one.
    pub(super) fn backup(&self, file: &str) -> Answer {
        let path = Path::new(file);
        let could_not = |why: &str| Failure::refused(format!("could not write the backup: {why}"));
        if !path.is_absolute() {
            return Err(could_not("its path does not begin at the root"));
        }
        if path.try_exists().is_ok_and(|exists| exists) {
            return Err(could_not(&format!("{file} exists already"))
                .hint("choose a new name; a backup never takes the place of a file"));
        }
        let config = match fs::read_to_string(self.desk.dir.join(CONFIG)) {
            Ok(text) => Some(text),
            Err(why) if why.kind() == io::ErrorKind::NotFound => None,
            Err(why) => return Err(could_not(&format!("{CONFIG}: {why}"))),
        };
        let (me, clock) = (self.desk.me, self.desk.clock);
        let backup = Backup { made: clock.micros(), device: me.device.did().to_string(), config };
        let bytes = self
            .desk
            .store
            .backup_to(path, &backup)
            .map_err(|why| could_not(&why.to_string()).hint("choose another place with enough space for it"))?;
        let (_, blocks) = self.desk.store.size()?;
        let communities = self.communities.len() as u64;
        Ok(Reply::BackedUp(BackupInfo { file: file.to_owned(), bytes, blocks, communities }).into())
    }
}
