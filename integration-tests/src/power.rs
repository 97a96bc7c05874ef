//! What a power cut leaves behind: a run of `moot` recorded by strace, replayed onto a disk that forgets.
//!
//! The disk keeps what was synced. Of later writes to a file it keeps, drops or tears (at 512 bytes) each as a seed says;
//! of names made, moved and removed it keeps those up to some point, at least up to the last sync of a folder they are in.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// What a disk writes whole or not at all, in bytes.
const SECTOR: usize = 512;

/// What a process did to the files below one folder, in order. Paths are relative to it.
#[derive(Debug, Clone)]
enum Act {
    Name(Naming),
    Write {
        path: PathBuf,
        at: Option<u64>,
        data: Vec<u8>,
    },
    Resize {
        path: PathBuf,
        len: u64,
    },
    Sync(PathBuf),
    /// To standard output.
    Said(Vec<u8>),
}

#[derive(Debug, Clone)]
enum Naming {
    Make(PathBuf),
    Folder(PathBuf),
    Move(PathBuf, PathBuf),
    Remove(PathBuf),
}

impl Naming {
    fn is_in(&self, folder: &Path) -> bool {
        let within = |path: &PathBuf| path.parent() == Some(folder);
        match self {
            Self::Make(path) | Self::Folder(path) | Self::Remove(path) => within(path),
            Self::Move(from, to) => within(from) || within(to),
        }
    }
}

/// A folder as it was, and what was done to it since.
#[derive(Debug)]
pub struct Recording {
    root: PathBuf,
    before: Names,
    contents: Vec<Vec<u8>>,
    acts: Vec<Act>,
}

/// A folder's tree: files by number.
#[derive(Debug, Clone, Default)]
struct Names {
    files: BTreeMap<PathBuf, usize>,
    folders: BTreeSet<PathBuf>,
}

impl Names {
    fn apply(&mut self, naming: &Naming, new: usize) {
        match naming {
            Naming::Make(path) => drop(self.files.insert(path.clone(), new)),
            Naming::Folder(path) => drop(self.folders.insert(path.clone())),
            Naming::Remove(path) => {
                self.files.remove(path);
                self.folders.remove(path);
            }
            Naming::Move(from, to) => {
                let moved = |path: &PathBuf| match path.strip_prefix(from) {
                    Ok(rest) if rest.as_os_str().is_empty() => to.clone(),
                    Ok(rest) => to.join(rest),
                    Err(_) => path.clone(),
                };
                self.files.remove(to);
                self.files = self.files.iter().map(|(path, file)| (moved(path), *file)).collect();
                self.folders = self.folders.iter().map(moved).collect();
            }
        }
    }
}

impl Recording {
    /// Begins with `root` as it is now.
    pub fn of(root: &Path) -> Self {
        let root = root.canonicalize().expect("the folder is there");
        let mut this = Self { root: root.clone(), before: Names::default(), contents: Vec::new(), acts: Vec::new() };
        this.read(&root);
        this
    }

    fn read(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(&self.root).expect("below the root").to_owned();
            if path.is_dir() {
                self.before.folders.insert(name);
                self.read(&path);
            } else if path.is_file() {
                self.before.files.insert(name, self.contents.len());
                self.contents.push(fs::read(&path).expect("readable"));
            }
        }
    }

    /// Runs a command under strace and adds what it did.
    pub fn run(&mut self, mut strace: Command, log: &Path) -> Output {
        let output = strace.output().expect("strace starts");
        let text = fs::read_to_string(log).expect("strace writes ASCII");
        for line in text.lines() {
            assert!(!line.contains("unfinished"), "more than one thread: {}", &line[..line.len().min(120)]);
            self.acts.extend(self.acts_of(line).unwrap_or_default());
        }
        output
    }

    /// What strace has to be told: everything that changes a file or its name.
    pub fn options(log: &Path) -> Vec<String> {
        let calls = "openat,pwrite64,write,ftruncate,rename,renameat,renameat2,fsync,fdatasync,unlink,unlinkat,mkdir,\
                     mkdirat,rmdir";
        let log = log.to_str().expect("UTF-8");
        ["-f", "-qq", "-y", "-xx", "-s", "67108864", "-o", log, "-e", &format!("trace={calls}")]
            .map(str::to_owned)
            .into()
    }

    fn acts_of(&self, line: &str) -> Option<Vec<Act>> {
        let (_, call) = line.split_once(' ')?;
        let (name, rest) = call.trim_start().split_once('(')?;
        let (args, result) = rest.rsplit_once(") = ")?;
        if result.starts_with('-') {
            return None;
        }
        let texts: Vec<Vec<u8>> = quoted(args);
        let below = |bytes: &[u8]| -> Option<PathBuf> {
            let path = Path::new(std::str::from_utf8(bytes).ok()?);
            path.strip_prefix(&self.root).ok().map(Path::to_owned)
        };
        let named = |n: usize| texts.get(n).and_then(|bytes| below(bytes));
        let descriptor = || -> Option<PathBuf> {
            let (_, path) = args.split_once('<')?;
            below(&unhex(path.split_once('>')?.0))
        };
        let last = || args.rsplit(", ").next()?.parse().ok();
        let act = match name {
            "write" if args.starts_with("1<") => Act::Said(texts.into_iter().next()?),
            "write" => Act::Write { path: descriptor()?, at: None, data: texts.into_iter().next()? },
            "pwrite64" => Act::Write { path: descriptor()?, at: last(), data: texts.into_iter().next()? },
            "ftruncate" => Act::Resize { path: descriptor()?, len: last()? },
            "fsync" | "fdatasync" => Act::Sync(descriptor()?),
            // Whether it was there already is told from the names when it is replayed.
            "openat" if args.contains("O_CREAT") => {
                let mut acts = vec![Act::Name(Naming::Make(named(0)?))];
                if args.contains("O_TRUNC") {
                    acts.push(Act::Resize { path: named(0)?, len: 0 });
                }
                return Some(acts);
            }
            "mkdir" | "mkdirat" => Act::Name(Naming::Folder(named(0)?)),
            "rename" | "renameat" | "renameat2" => Act::Name(Naming::Move(named(0)?, named(1)?)),
            "unlink" | "unlinkat" | "rmdir" => Act::Name(Naming::Remove(named(0)?)),
            _ => return None,
        };
        Some(vec![act])
    }

    /// The same on a disk that takes syncs for nothing: what then goes wrong shows that images can show it.
    pub fn without_syncs(mut self) -> Self {
        self.acts.retain(|act| !matches!(act, Act::Sync(_)));
        self
    }

    /// How many moments there are at which the power can go.
    pub fn moments(&self) -> usize {
        self.acts.len() + 1
    }

    /// What had been said on standard output by then.
    pub fn said(&self, moment: usize) -> String {
        let said =
            self.acts[..moment].iter().filter_map(|act| if let Act::Said(text) = act { Some(text) } else { None });
        String::from_utf8(said.flatten().copied().collect()).expect("UTF-8")
    }

    /// Writes into the empty folder `to` what the disk holds when the power goes after `moment` acts.
    pub fn cut(&self, moment: usize, seed: u64, to: &Path) {
        let mut chance = Chance(seed);
        let (mut names, mut files) = (self.before.clone(), self.contents.len());
        let mut namings: Vec<(&Naming, usize)> = Vec::new();
        let mut kept = 0;
        let mut written: BTreeMap<usize, Vec<&Act>> = BTreeMap::new();
        let mut synced: BTreeMap<usize, usize> = BTreeMap::new();
        for act in &self.acts[..moment] {
            match act {
                Act::Name(Naming::Make(path)) if names.files.contains_key(path) => {}
                Act::Name(naming) => {
                    names.apply(naming, files);
                    namings.push((naming, files));
                    files += 1;
                }
                Act::Write { path, .. } | Act::Resize { path, .. } => {
                    if let Some(file) = names.files.get(path) {
                        written.entry(*file).or_default().push(act);
                    }
                }
                Act::Sync(path) => match names.files.get(path) {
                    Some(file) => drop(synced.insert(*file, written.get(file).map_or(0, Vec::len))),
                    None => {
                        let last = namings.iter().rposition(|(naming, _)| naming.is_in(path));
                        kept = kept.max(last.map_or(0, |at| at + 1));
                    }
                },
                Act::Said(_) => {}
            }
        }
        // Nothing of what may be lost is, all of it is, or each as it comes.
        let mood = chance.below(4);
        let names_kept = match mood {
            0 => kept,
            1 => namings.len(),
            _ => kept + chance.below(namings.len() - kept + 1),
        };
        let mut names = self.before.clone();
        for (naming, file) in &namings[..names_kept] {
            names.apply(naming, *file);
        }
        make_folder(to);
        for folder in &names.folders {
            make_folder(&to.join(folder));
        }
        for (path, file) in &names.files {
            let mut bytes = self.contents.get(*file).cloned().unwrap_or_default();
            let acts = written.get(file).map_or(&[][..], Vec::as_slice);
            let safe = synced.get(file).copied().unwrap_or(0);
            for (n, act) in acts.iter().enumerate() {
                let fate = match mood {
                    _ if n < safe => Fate::Kept,
                    0 => Fate::Lost,
                    1 => Fate::Kept,
                    _ => [Fate::Kept, Fate::Lost, Fate::Torn][chance.below(3)],
                };
                replay(act, fate, &mut bytes, &mut chance);
            }
            write(&to.join(path), &bytes);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    Lost,
    Torn,
}

fn replay(act: &Act, fate: Fate, bytes: &mut Vec<u8>, chance: &mut Chance) {
    match act {
        _ if fate == Fate::Lost => {}
        Act::Resize { len, .. } => bytes.resize(*len as usize, 0),
        Act::Write { at, data, .. } => {
            let at = at.map_or(bytes.len(), |at| at as usize);
            for (n, sector) in data.chunks(SECTOR).enumerate() {
                if fate == Fate::Torn && chance.below(2) == 0 {
                    continue;
                }
                let (from, to) = (at + n * SECTOR, at + n * SECTOR + sector.len());
                bytes.resize(bytes.len().max(to), 0);
                bytes[from..to].copy_from_slice(sector);
            }
        }
        Act::Name(_) | Act::Sync(_) | Act::Said(_) => {}
    }
}

fn make_folder(path: &Path) {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).expect("a folder can be made");
}

fn write(path: &Path, bytes: &[u8]) {
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).expect("a file can be made");
    std::io::Write::write_all(&mut file, bytes).expect("a file can be written");
}

/// The strings among strace's arguments, all in hexadecimal.
fn quoted(args: &str) -> Vec<Vec<u8>> {
    args.split('"').skip(1).step_by(2).map(unhex).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.split("\\x").skip(1);
    digits.map(|two| u8::from_str_radix(&two[..2], 16).expect("hexadecimal")).collect()
}

/// SplitMix64: the same seed, the same cut.
#[derive(Debug)]
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}
