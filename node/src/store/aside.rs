//! What a database writes where the disk takes nothing: kept in memory over the file's bytes, and forgotten.

use std::{
    collections::BTreeMap,
    io,
    sync::{Mutex, MutexGuard, PoisonError},
};

use redb::StorageBackend;

/// What is kept at once, in bytes.
const BLOCK: u64 = 4096;

#[derive(Debug)]
pub(super) struct Aside(Mutex<Kept>);

#[derive(Debug)]
struct Kept {
    len: u64,
    /// How much of the file still shows: what is cut off and grown again is zero.
    shown: u64,
    /// By number.
    blocks: BTreeMap<u64, Vec<u8>>,
}

impl Aside {
    /// Over a file of `len` bytes.
    pub(super) fn new(len: u64) -> Self {
        Self(Mutex::new(Kept { len, shown: len, blocks: BTreeMap::new() }))
    }

    pub(super) fn len(&self) -> u64 {
        self.kept().len
    }

    pub(super) fn set_len(&self, len: u64) -> io::Result<()> {
        let mut kept = self.kept();
        kept.blocks.split_off(&len.div_ceil(BLOCK));
        if let Some(last) = kept.blocks.get_mut(&(len / BLOCK)) {
            last[(len % BLOCK) as usize..].fill(0);
        }
        kept.shown = kept.shown.min(len);
        kept.len = len;
        Ok(())
    }

    pub(super) fn read(&self, file: &(impl StorageBackend + ?Sized), offset: u64, out: &mut [u8]) -> io::Result<()> {
        let kept = self.kept();
        if kept.len.checked_sub(offset).is_none_or(|rest| rest < out.len() as u64) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        kept.show(file, offset, out)?;
        let end = offset + out.len() as u64;
        for (number, block) in kept.blocks.range(offset / BLOCK..end.div_ceil(BLOCK)) {
            let (from, to) = ((number * BLOCK).max(offset), ((number + 1) * BLOCK).min(end));
            out[(from - offset) as usize..(to - offset) as usize]
                .copy_from_slice(&block[(from - number * BLOCK) as usize..(to - number * BLOCK) as usize]);
        }
        Ok(())
    }

    pub(super) fn write(&self, file: &(impl StorageBackend + ?Sized), offset: u64, data: &[u8]) -> io::Result<()> {
        let mut kept = self.kept();
        let end = offset + data.len() as u64;
        for number in offset / BLOCK..end.div_ceil(BLOCK) {
            let start = number * BLOCK;
            if !kept.blocks.contains_key(&number) {
                let mut block = vec![0; BLOCK as usize];
                kept.show(file, start, &mut block)?;
                kept.blocks.insert(number, block);
            }
            let (from, to) = (start.max(offset), (start + BLOCK).min(end));
            if let Some(block) = kept.blocks.get_mut(&number) {
                block[(from - start) as usize..(to - start) as usize]
                    .copy_from_slice(&data[(from - offset) as usize..(to - offset) as usize]);
            }
        }
        kept.len = kept.len.max(end);
        Ok(())
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// The file's own bytes, zeros where it has none.
    fn show(&self, file: &(impl StorageBackend + ?Sized), offset: u64, out: &mut [u8]) -> io::Result<()> {
        let shown = self.shown.saturating_sub(offset).min(out.len() as u64) as usize;
        out[shown..].fill(0);
        if shown == 0 { Ok(()) } else { file.read(offset, &mut out[..shown]) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use redb::backends::InMemoryBackend;

    use super::*;

    #[derive(Debug, Clone)]
    enum Act {
        Write(u64, Vec<u8>),
        Resize(u64),
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            (0..20_000_u64, prop::collection::vec(any::<u8>(), 1..9_000)).prop_map(|(at, data)| Act::Write(at, data)),
            (1..30_000_u64).prop_map(Act::Resize),
        ]
    }

    proptest! {
        #[test]
        fn it_reads_like_a_file_that_was_written_and_leaves_the_file_alone(acts in prop::collection::vec(act(), 1..20)) {
            let bytes: Vec<u8> = (0..15_000_u32).map(|n| n as u8 | 1).collect();
            let file = InMemoryBackend::new();
            file.set_len(bytes.len() as u64).unwrap();
            file.write(0, &bytes).unwrap();
            let aside = Aside::new(bytes.len() as u64);
            let mut model = bytes.clone();
            for act in acts {
                match act {
                    Act::Write(at, data) => {
                        aside.write(&file, at, &data).unwrap();
                        let end = at as usize + data.len();
                        model.resize(model.len().max(end), 0);
                        model[at as usize..end].copy_from_slice(&data);
                    }
                    Act::Resize(len) => {
                        aside.set_len(len).unwrap();
                        model.resize(len as usize, 0);
                    }
                }
                prop_assert_eq!(aside.len(), model.len() as u64);
                for (from, to) in [(0, model.len()), (model.len() / 3, model.len() / 2)] {
                    let mut read = vec![7; to - from];
                    aside.read(&file, from as u64, &mut read).unwrap();
                    prop_assert_eq!(&read, &model[from..to]);
                }
            }
            let mut untouched = vec![0; bytes.len()];
            file.read(0, &mut untouched).unwrap();
            prop_assert_eq!(untouched, bytes);
        }
    }
}
