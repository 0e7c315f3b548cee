//! A disk that fails the way disks do: what was not synced may be lost, torn or kept in any mixture; names that were
//! not synced may be lost; any call may fail; the power may go at any call. One seed replays it all.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chat::testing::SeededRng;
use chat::{Disk, DiskFile, DiskLock};
use parking_lot::Mutex;

/// Pieces that a torn write falls into are no longer than this.
const PIECE_BYTES_MAX: usize = 4096;

#[derive(Debug, Clone)]
pub(crate) struct SimulatedDisk(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    rng: SeededRng,
    files: Vec<File>,
    names: BTreeMap<PathBuf, usize>,
    /// Changes of names that no folder sync has made durable, oldest first.
    unsynced: Vec<NameChange>,
    folders: BTreeSet<PathBuf>,
    locks: BTreeSet<PathBuf>,
    /// Handles of another generation belong to a process that is gone.
    generation: u64,
    calls: u64,
    fault: Option<(u64, Fault)>,
    is_dead: bool,
    free_bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// From this call on nothing works any more, until a restart.
    PowerCut,
    /// This call fails.
    Io,
    /// If this call writes, it writes a part and fails.
    Full,
}

#[derive(Debug, Default)]
struct File {
    /// What a reader sees.
    seen: Vec<u8>,
    /// What is certain to survive.
    durable: Vec<u8>,
    unsynced: Vec<Change>,
    mode: u32,
}

#[derive(Debug, Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

#[derive(Debug, Clone)]
struct NameChange {
    folder: PathBuf,
    undo: Vec<(PathBuf, Option<usize>)>,
}

impl SimulatedDisk {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            rng: SeededRng::new(seed),
            files: Vec::new(),
            names: BTreeMap::new(),
            unsynced: Vec::new(),
            folders: BTreeSet::new(),
            locks: BTreeSet::new(),
            generation: 0,
            calls: 0,
            fault: None,
            is_dead: false,
            free_bytes: 1 << 40,
        })))
    }

    /// Returns a disk on which these files lie, durably.
    pub(crate) fn holding(files: BTreeMap<PathBuf, Vec<u8>>) -> Self {
        let disk = Self::new(0);
        let mut state = disk.0.lock();
        for (path, bytes) in files {
            state.folders.extend(path.ancestors().skip(1).map(Path::to_owned));
            let number = state.files.len();
            state.names.insert(path, number);
            let mode = 0o400;
            state.files.push(File { seen: bytes.clone(), durable: bytes, mode, ..File::default() });
        }
        drop(state);
        disk
    }

    /// Returns all files as they are seen.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let state = self.0.lock();
        let seen =
            |(path, number): (&PathBuf, &usize)| (path.clone(), state.files[*number].seen.clone());
        state.names.iter().map(seen).collect()
    }

    /// Lets a fault happen at the n-th call from now.
    pub(crate) fn fail_at(&self, calls: u64, fault: Fault) {
        let mut state = self.0.lock();
        state.fault = Some((state.calls + calls, fault));
    }

    /// Takes back a fault that has not struck yet.
    pub(crate) fn heal(&self) {
        self.0.lock().fault = None;
    }

    /// The process ends, the machine goes on: everything that was written is still seen.
    pub(crate) fn end_process(&self) {
        let mut state = self.0.lock();
        state.generation += 1;
        state.locks.clear();
        state.is_dead = false;
        state.fault = None;
    }

    /// The power goes and comes back: of what was not synced, pieces survive, in no order.
    pub(crate) fn cut_power(&self) {
        let mut state = self.0.lock();
        let State { rng, files, names, unsynced, .. } = &mut *state;
        for file in files.iter_mut() {
            file.settle(rng);
            file.seen.clone_from(&file.durable);
        }
        let kept = below(rng, unsynced.len() + 1);
        for change in unsynced.drain(..).skip(kept).rev() {
            for (name, file) in change.undo {
                match file {
                    Some(file) => names.insert(name, file),
                    None => names.remove(&name),
                };
            }
        }
        state.generation += 1;
        state.locks.clear();
        state.is_dead = false;
        state.fault = None;
    }

    fn call<T>(&self, action: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.0.lock();
        match state.step() {
            None => action(&mut state),
            Some(_) => Err(io::Error::other("simulated fault")),
        }
    }
}

impl File {
    /// Makes some pieces of what was not synced durable, the rest is lost for ever.
    fn settle(&mut self, rng: &SeededRng) {
        for change in self.unsynced.drain(..) {
            match change {
                Change::Length(length) if rng.below(2) == 0 => self.durable.resize(length, 0),
                Change::Length(_) => {}
                Change::Write(offset, bytes) => {
                    let mut at = 0;
                    while at < bytes.len() {
                        let piece = 1 + below(rng, PIECE_BYTES_MAX);
                        let end = bytes.len().min(at + piece);
                        if rng.below(3) > 0 {
                            put(&mut self.durable, offset + at, &bytes[at..end]);
                        }
                        at = end;
                    }
                }
            }
        }
    }
}

/// Draws a place below a bound.
pub(crate) fn below(rng: &SeededRng, bound: usize) -> usize {
    rng.below(bound.try_into().unwrap()).try_into().unwrap()
}

fn put(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    if content.len() < offset + bytes.len() {
        content.resize(offset + bytes.len(), 0);
    }
    content[offset..offset + bytes.len()].copy_from_slice(bytes);
}

impl State {
    /// Counts a call and returns the fault that strikes it.
    fn step(&mut self) -> Option<Fault> {
        self.calls += 1;
        if self.is_dead {
            return Some(Fault::PowerCut);
        }
        match self.fault {
            Some((call, fault)) if self.calls >= call => {
                self.fault = None;
                self.is_dead = fault == Fault::PowerCut;
                Some(fault)
            }
            _ => None,
        }
    }

    fn number(&self, path: &Path) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn rename(&mut self, folder: &Path, changes: &[(&Path, Option<usize>)]) {
        let mut undo = Vec::new();
        for (path, file) in changes {
            let before = match file {
                Some(file) => self.names.insert(path.to_path_buf(), *file),
                None => self.names.remove(*path),
            };
            undo.push((path.to_path_buf(), before));
        }
        undo.reverse();
        self.unsynced.push(NameChange { folder: folder.to_owned(), undo });
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap()
}

impl Disk for SimulatedDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let number = self.call(|state| {
            if state.names.contains_key(path) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            if !state.folders.contains(folder_of(path)) {
                return Err(io::ErrorKind::NotFound.into());
            }
            state.files.push(File { mode: 0o600, ..File::default() });
            let number = state.files.len() - 1;
            state.rename(folder_of(path), &[(path, Some(number))]);
            Ok((number, state.generation))
        });
        number.map(|(number, generation)| self.handle(number, generation))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let number = self.call(|state| Ok((state.number(path)?, state.generation)));
        number.map(|(number, generation)| self.handle(number, generation))
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(|state| {
            let number = state.number(from)?;
            state.rename(folder_of(to), &[(from, None), (to, Some(number))]);
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call(|state| {
            state.number(path)?;
            state.rename(folder_of(path), &[(path, None)]);
            Ok(())
        })
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.call(|state| {
            state.folders.extend(path.ancestors().map(Path::to_owned));
            Ok(())
        })
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.call(|state| {
            state.unsynced.retain(|change| change.folder != path);
            Ok(())
        })
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.call(|state| {
            if !state.folders.contains(path) {
                return Err(io::ErrorKind::NotFound.into());
            }
            let inside =
                state.names.keys().chain(&state.folders).filter(|name| name.parent() == Some(path));
            let mut names: Vec<String> = inside
                .map(|name| name.file_name().unwrap().to_string_lossy().into_owned())
                .collect();
            names.sort_unstable();
            Ok(names)
        })
    }

    fn restrict(&self, path: &Path, mode: u32) -> io::Result<()> {
        self.call(|state| {
            let number = state.number(path)?;
            state.files[number].mode = mode;
            Ok(())
        })
    }

    fn mode(&self, path: &Path) -> io::Result<u32> {
        self.call(|state| Ok(state.files[state.number(path)?].mode))
    }

    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        self.call(|state| Ok(state.free_bytes))
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn DiskLock>>> {
        self.call(|state| {
            if !state.locks.insert(path.to_owned()) {
                return Ok(None);
            }
            let (disk, path, generation) = (self.clone(), path.to_owned(), state.generation);
            let lock: Box<dyn DiskLock> = Box::new(Lock { disk, path, generation });
            Ok(Some(lock))
        })
    }
}

impl SimulatedDisk {
    fn handle(&self, number: usize, generation: u64) -> Box<dyn DiskFile> {
        Box::new(Handle { disk: self.clone(), number, generation })
    }
}

#[derive(Debug)]
struct Lock {
    disk: SimulatedDisk,
    path: PathBuf,
    generation: u64,
}

impl DiskLock for Lock {}

impl Drop for Lock {
    fn drop(&mut self) {
        let mut state = self.disk.0.lock();
        if state.generation == self.generation {
            state.locks.remove(&self.path);
        }
    }
}

#[derive(Debug)]
struct Handle {
    disk: SimulatedDisk,
    number: usize,
    generation: u64,
}

impl Handle {
    fn call<T>(
        &self,
        action: impl FnOnce(&mut File, Option<Fault>, &SeededRng) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut state = self.disk.0.lock();
        if state.generation != self.generation {
            return Err(io::Error::other("a process that is gone uses the disk"));
        }
        let was_dead = state.is_dead;
        let fault = state.step();
        if was_dead {
            return Err(io::Error::other("the power is off"));
        }
        let State { files, rng, .. } = &mut *state;
        action(&mut files[self.number], fault, rng)
    }
}

fn fails(fault: Option<Fault>) -> io::Result<()> {
    match fault {
        None | Some(Fault::Full) => Ok(()),
        Some(Fault::Io | Fault::PowerCut) => Err(io::Error::other("simulated fault")),
    }
}

impl DiskFile for Handle {
    fn read_exact_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.call(|file, fault, _| {
            fails(fault)?;
            let offset = usize::try_from(offset).unwrap();
            let from = file.seen.get(offset..offset + bytes.len());
            bytes.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        })
    }

    fn write_all_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.call(|file, fault, rng| {
            let written = match fault {
                None => bytes.len(),
                Some(_) => below(rng, bytes.len() + 1),
            };
            let offset = usize::try_from(offset).unwrap();
            put(&mut file.seen, offset, &bytes[..written]);
            file.unsynced.push(Change::Write(offset, bytes[..written].to_vec()));
            match fault {
                None => Ok(()),
                Some(Fault::Full) => Err(io::ErrorKind::StorageFull.into()),
                Some(_) => Err(io::Error::other("simulated fault")),
            }
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.call(|file, fault, rng| {
            if fault == Some(Fault::Io) {
                // The system forgets what it could not write: it is seen until the power goes, and a later sync says all is well.
                file.settle(rng);
            }
            fails(fault)?;
            if !file.unsynced.is_empty() {
                for change in file.unsynced.drain(..) {
                    match change {
                        Change::Write(offset, bytes) => put(&mut file.durable, offset, &bytes),
                        Change::Length(length) => file.durable.resize(length, 0),
                    }
                }
            }
            Ok(())
        })
    }

    fn len(&self) -> io::Result<u64> {
        self.call(|file, fault, _| fails(fault).map(|()| file.seen.len().try_into().unwrap()))
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.call(|file, fault, _| {
            fails(fault)?;
            let length = usize::try_from(bytes).unwrap();
            file.seen.resize(length, 0);
            file.unsynced.push(Change::Length(length));
            Ok(())
        })
    }
}
