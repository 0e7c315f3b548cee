//! How an archive is made, and how it is opened: start-up is recovery (house.md §8).

use std::path::Path;
use std::sync::Arc;
use std::thread;

use chat::{ArchiveId, Disk, DiskLock, Family, PlaceSeq, RoomId, Seq};
use parking_lot::Mutex;

use crate::abridging::Abridging;
use crate::archive::Archive;
use crate::bell::Bell;
use crate::blob::LocalBlobs;
use crate::catalog::CatalogFollower;
use crate::description::{self, Creation, Description};
use crate::disk::Ports;
use crate::durable;
use crate::error::{Error, Result};
use crate::fuse::{Fuse, whole_message};
use crate::journal::file;
use crate::journal::frame::{FILE_HEADER_BYTES, FileHeader};
use crate::journal::memory::Memory;
use crate::journal::queue::{PlaceHead, Queue};
use crate::journal::recovery::{Ground, Recovered, recover};
use crate::journal::writer::{FileBounds, Shared, Writer};
use crate::keys::{KeyPlace, Keys};
use crate::log_tree::TreeCache;
use crate::places::{Heads, Places};
use crate::proof::header::ROLE_PLACE;
use crate::proof::tree::Frontier;
use crate::proof::{Header, SigningKey};
use crate::reserve::Reserve;
use crate::seal::{SealPlace, find_sealed};
use crate::sealing::Sealing;
use crate::segment::Sealed;
use crate::settings::Settings;
use crate::signer::{SignedCheckpoint, Signer};
use crate::tiles::{LeavesOf, Tiles};
use crate::upkeep::Checkpoints;

const KEYS: &str = "keys";
const JOURNAL: &str = "journal";
const BLOBS: &str = "blobs";
const SEGMENTS: &str = "segments";
const TREE: &str = "tree";
const CHECKPOINTS: &str = "checkpoints";
const LOCK: &str = "lock";

impl Archive {
    /// Makes an archive in a folder that is absent or empty, and opens it.
    ///
    /// Refuses a folder that holds an archive or anything else; `muniment.toml` may be there.
    pub fn create(
        folder: &Path,
        creation: &Creation,
        settings: Settings,
        ports: Ports,
    ) -> Result<Arc<Self>> {
        let disk = ports.disk.as_ref();
        durable::create_folder(disk, folder)?;
        let lock = lock(&ports, folder)?;
        let names = durable::list(disk, folder)?;
        if description::is_there(&names) {
            return Err(Error::ArchiveExists { folder: folder.to_owned() });
        }
        if let Some(found) = names.into_iter().find(|name| !description::may_precede(name)) {
            return Err(Error::FolderNotEmpty { folder: folder.to_owned(), found });
        }
        let archive = draw_id(&ports)?;
        let place = key_place(folder, &settings, archive);
        Keys::create(&place, &ports)?;
        durable::create_folder(disk, &folder.join(JOURNAL))?;
        for name in [SEGMENTS, TREE, CHECKPOINTS, BLOBS] {
            durable::create_folder(disk, &folder.join(name))?;
        }
        let keys = Keys::open(&place, ports.clone(), Arc::default())?;
        let key = SigningKey::of_archive(keys.signing_seed(), archive);
        let description = Description {
            archive,
            public_key: key.verifier_key().clone(),
            created_at: ports.clock.now(),
            creation: *creation,
            signature: None,
        }
        .signed(&key)?;
        description.write(disk, folder)?;
        open_locked(folder, settings, ports, lock)
    }

    /// Opens an archive: takes its lock, recovers the journal, starts the writer.
    ///
    /// A damaged segment, tile, checkpoint or catalog does not keep it shut: [`Archive::state`] and [`Archive::verify`] tell of
    /// it, and what it held answers with an error of the family *corrupt*. Fails with [`Error::Locked`] while another process
    /// has it open, and with an error of that family where the journal or the keys are not what was stored, or where the
    /// log ends before a checkpoint that was signed; nothing is changed on disk then.
    pub fn open(folder: &Path, settings: Settings, ports: Ports) -> Result<Arc<Self>> {
        let names = durable::list(ports.disk.as_ref(), folder)?;
        if !description::is_there(&names) {
            return Err(Error::ArchiveMissing { folder: folder.to_owned() });
        }
        let lock = lock(&ports, folder)?;
        open_locked(folder, settings, ports, lock)
    }
}

fn open_locked(
    folder: &Path,
    settings: Settings,
    ports: Ports,
    lock: Box<dyn DiskLock>,
) -> Result<Arc<Archive>> {
    let disk = ports.disk.as_ref();
    let description = Description::read(disk, folder)?
        .ok_or_else(|| Error::ArchiveMissing { folder: folder.to_owned() })?;
    let archive = description.archive;
    let fuse: Arc<Fuse> = Arc::default();
    let place = key_place(folder, &settings, archive);
    let keys = Arc::new(Keys::open(&place, ports.clone(), Arc::clone(&fuse))?);
    let signing_key = SigningKey::of_archive(keys.signing_seed(), archive);
    description.check_key(folder, signing_key.verifier_key())?;
    let signer = Arc::new(Signer::open(disk, folder.join(CHECKPOINTS), signing_key)?);
    let found = find(folder, &ports, &keys, archive, &signer)?;
    let due = Seq::new(found.frontier.size().saturating_add(1)).expect("no log has 2⁶³ events");
    let are_places_known = found.sealed_places.is_some();
    let shared = Shared {
        memory: Arc::new(Memory::new(found.recovered.files, found.frontier)),
        queue: Arc::new(Queue::new(due, (found.heads, are_places_known), Arc::clone(&fuse))),
        sealing: Arc::default(),
        checkpoints: Arc::new(Bell::default()),
        ports,
        keys,
        fuse,
    };
    let (sealed, tiles) = (found.sealed, found.tiles);
    let sealing = Arc::new(Sealing {
        shared: shared.clone(),
        archive,
        home: folder.to_owned(),
        segments: folder.join(SEGMENTS),
        journal: folder.join(JOURNAL),
        sealed: Arc::clone(&sealed),
        tiles: Arc::clone(&tiles),
        signer: Arc::clone(&signer),
        seal_bytes: settings.seal_bytes,
        seal_age_micros: settings.seal_age_micros,
        places: Mutex::new(found.sealed_places),
        fault: Mutex::default(),
        round: Mutex::default(),
    });
    let blobs = LocalBlobs::open(&shared.ports, &shared.keys, archive, folder.join(BLOBS))?;
    let catalog = Arc::new(CatalogFollower::open(&shared, (&sealed, &signer), folder, archive));
    let log = (&sealed, &tiles);
    let abridging = Arc::new(Abridging::open(&shared, log, folder, (archive, &settings)));
    let checkpoints = Arc::new(Checkpoints::new(&shared, (&signer, &abridging), &settings));
    let behind = (&catalog, &checkpoints);
    let threads = Mutex::new(start(&sealing, behind, &settings, found.recovered.number)?);
    Ok(Arc::new(Archive {
        folder: folder.to_owned(),
        description,
        reserve: Reserve::new(settings.reserve_bytes),
        settings,
        blobs,
        catalog,
        checkpoints,
        abridging,
        settling: Mutex::default(),
        shared,
        signer,
        sealed,
        tiles,
        sealing,
        tree_cache: TreeCache::default(),
        places_fault: found.places_fault,
        threads,
        lock: Mutex::new(Some(lock)),
    }))
}

/// What the disk holds of the log.
struct Found {
    sealed: Arc<Sealed>,
    tiles: Arc<Tiles>,
    recovered: Recovered,
    /// The tree over all events.
    frontier: Frontier,
    /// Where each room stands after the sealed events; nothing if damage hides it.
    sealed_places: Option<Places>,
    /// The newest event of each room as far as it is known, the unsealed ones included.
    heads: Heads,
    /// What is wrong with the stored places.
    places_fault: Option<String>,
}

/// Finds what is sealed, recovers the journal behind it, and compares the tree over both with the newest checkpoint.
fn find(
    folder: &Path,
    ports: &Ports,
    keys: &Keys,
    archive: ArchiveId,
    signer: &Signer,
) -> Result<Found> {
    let disk = ports.disk.as_ref();
    let (journal, segments) = (folder.join(JOURNAL), folder.join(SEGMENTS));
    let newest = signer.newest();
    let place = SealPlace { disk, folder: &segments, keys, archive };
    let (stored, places_fault) = read_places(disk, folder, archive)?;
    let known = stored.as_ref().map_or(0, |stored| stored.size);
    let ranges = find_sealed(place, first_held(disk, &journal, keys)?, known)?;
    let sealed = Arc::new(Sealed::new(ranges.into_iter().map(Arc::new).collect()));
    let ground = Ground {
        disk,
        keys,
        archive,
        folder: &journal,
        sealed: sealed.size(),
        signed: signer.size(),
    };
    let recovered = recover(&ground)?;
    let (tiles, frontier) = find_tree(folder, ports, &sealed, &recovered, newest.as_ref())?;
    let sealed_places = sealed_places(&sealed, stored.as_ref());
    if let Some(places) = sealed_places.as_ref().filter(|places| stored.as_ref() != Some(places))
        && let Err(error) = places.write(disk, folder, archive)
    {
        tracing::warn!(%error, "where the rooms stand could not be stored; it is derived");
    }
    let known = sealed_places.as_ref().map(|places| places.heads.clone());
    let heads = places(known.unwrap_or_default(), &recovered);
    Ok(Found { sealed, tiles, recovered, frontier, sealed_places, heads, places_fault })
}

/// Opens the stored tree and appends the recovered leaves. Where it does not lead to the signed root it is made again, if the
/// events allow it.
fn find_tree(
    folder: &Path,
    ports: &Ports,
    sealed: &Sealed,
    recovered: &Recovered,
    newest: Option<&SignedCheckpoint>,
) -> Result<(Arc<Tiles>, Frontier)> {
    let size = sealed.size();
    let signed = newest.map_or(0, |newest| newest.checkpoint.size);
    let leaves = |first, count| sealed.leaves(first, count);
    let (disk, tree) = (|| Arc::clone(&ports.disk), folder.join(TREE));
    let mut tiles = Tiles::recover(disk(), tree.clone(), (size, signed), &leaves)?;
    let mut grown = grow_tree(tiles.frontier(), recovered, newest);
    if size > 0 && matches!(grown, Err(Error::RootDiffers { .. })) {
        // The stored tree follows from the events: it is made again before the events themselves are doubted.
        let damaged: (LeavesOf<'_>, &Path) = (&leaves, &tree);
        tiles = Tiles::mend(disk(), tree.clone(), size, damaged)?;
        grown = grow_tree(tiles.frontier(), recovered, newest);
    }
    Ok((Arc::new(tiles), grown?))
}

/// Reads the stored places; damage of them is told and no more.
fn read_places(
    disk: &dyn Disk,
    folder: &Path,
    archive: ArchiveId,
) -> Result<(Option<Places>, Option<String>)> {
    match Places::read(disk, folder, archive) {
        Ok(stored) => Ok((stored, None)),
        Err(error) if error.family() == Family::Corrupt => {
            tracing::warn!(%error, "the stored places are damaged: they are made again");
            Ok((None, Some(whole_message(&error))))
        }
        Err(error) => Err(error),
    }
}

/// Starts the writer, and what runs behind it. The writer is the first of them.
fn start(
    sealing: &Arc<Sealing>,
    (catalog, checkpoints): (&Arc<CatalogFollower>, &Arc<Checkpoints>),
    settings: &Settings,
    number: u64,
) -> Result<Vec<thread::JoinHandle<()>>> {
    let shared = &sealing.shared;
    let bounds = FileBounds { bytes: settings.seal_bytes, age_micros: settings.seal_age_micros };
    let journal = sealing.journal.clone();
    let writer = Writer::new(shared.clone(), sealing.archive, journal, bounds, number);
    let mut threads = vec![spawn("archive-writer", move || writer.run())?];
    if settings.runs_upkeep {
        let task = Arc::clone(sealing);
        threads.push(spawn("archive-sealer", move || task.run())?);
        let task = Arc::clone(checkpoints);
        threads.push(spawn("archive-checkpoints", move || task.run())?);
        if catalog.is_open() {
            let task = Arc::clone(catalog);
            threads.push(spawn("archive-follower", move || task.run())?);
        }
    }
    Ok(threads)
}

/// Appends the recovered leaves to the tree of what is sealed, and compares its root with the newest checkpoint on the way.
///
/// A checkpoint over sealed events alone is compared by `verify`.
fn grow_tree(
    mut tree: Frontier,
    recovered: &Recovered,
    signed: Option<&SignedCheckpoint>,
) -> Result<Frontier> {
    let frames = recovered.files.iter().flat_map(|file| &file.frames);
    let sealed = tree.size();
    let leaves = frames.flat_map(|frame| {
        let first = frame.first().leaf_index();
        let known = usize::try_from(sealed.saturating_sub(first)).unwrap_or(usize::MAX);
        frame.leaves().iter().skip(known)
    });
    let at_start = signed.filter(|signed| signed.checkpoint.size == sealed);
    if at_start.is_some_and(|signed| signed.checkpoint.root != tree.root()) {
        return Err(Error::RootDiffers { size: sealed });
    }
    for leaf in leaves {
        tree.append(leaf);
        let signed = signed.filter(|signed| signed.checkpoint.size == tree.size());
        if signed.is_some_and(|signed| signed.checkpoint.root != tree.root()) {
            return Err(Error::RootDiffers { size: tree.size() });
        }
    }
    Ok(tree)
}

/// Returns the first event that the journal holds, if it holds any and the header of its first file can be read. A file whose
/// key has been destroyed is left over: its events are sealed.
fn first_held(disk: &dyn Disk, folder: &Path, keys: &Keys) -> Result<Option<Seq>> {
    let names = durable::list(disk, folder)?;
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| file::number_of(name)).collect();
    numbers.sort_unstable();
    for number in numbers {
        let path = file::path_of(folder, number);
        let journal = disk.open_read(&path).map_err(Error::io("open", &path))?;
        let mut header = [0; FILE_HEADER_BYTES];
        match journal.read_exact_at(0, &mut header) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(Error::io("read", &path)(error)),
        }
        match FileHeader::decode(&header) {
            Some(header) if !keys.holds(header.key) => {}
            header => return Ok(header.map(|header| header.first)),
        }
    }
    Ok(None)
}

/// Returns where each room stands after the sealed events: from the footers, and where one of them is damaged, or an event is blanked,
/// from what was stored and the footers behind it. Nothing if that hides it: an event appended to a wrong place would break its
/// room's chain for ever.
fn sealed_places(sealed: &Sealed, stored: Option<&Places>) -> Option<Places> {
    let ranges = sealed.ranges();
    let mut places = Places::default();
    let unknown = ranges.iter().filter(|range| !places.follow(range)).count();
    let last_blank = ranges.iter().filter_map(|range| range.last_blank()).max();
    if unknown == 0 && last_blank.is_none() {
        return Some(places);
    }
    // A blanked event may have been the newest of its room. It was stored where that stands before it was blanked.
    let stored = stored.filter(|stored| last_blank.is_none_or(|seq| seq.get() <= stored.size));
    let mut places = stored?.clone();
    let size = places.size;
    let mut behind = ranges.iter().filter(|range| range.last.get() > size);
    (behind.all(|range| places.follow(range)) && places.size == sealed.size()).then_some(places)
}

/// Returns the newest event of each room after the recovered events.
fn places(mut heads: Heads, recovered: &Recovered) -> Heads {
    let frames = recovered.files.iter().flat_map(|file| &file.frames);
    for record in frames.flat_map(|frame| frame.records()) {
        let Ok(header) = Header::decode(record.header) else { continue };
        let room = header.id(ROLE_PLACE).map(|id| RoomId::from_bytes(*id));
        let head = PlaceSeq::new(header.place_seq).zip(Seq::new(header.seq));
        if let Some((room, (place_seq, seq))) = room.zip(head) {
            heads.insert(room, PlaceHead { place_seq, seq });
        }
    }
    heads
}

fn lock(ports: &Ports, folder: &Path) -> Result<Box<dyn DiskLock>> {
    let path = folder.join(LOCK);
    let lock = ports.disk.lock(&path).map_err(Error::io("lock", &path))?;
    lock.ok_or_else(|| Error::Locked { folder: folder.to_owned() })
}

fn key_place(folder: &Path, settings: &Settings, archive: ArchiveId) -> KeyPlace {
    KeyPlace { folder: folder.join(KEYS), kek_file: settings.kek_file.clone(), archive }
}

fn draw_id(ports: &Ports) -> Result<ArchiveId> {
    let mut id = [0; 16];
    ports
        .rng
        .fill(&mut id)
        .map_err(|source| Error::Randomness { purpose: "the archive's id", source })?;
    Ok(ArchiveId::from_bytes(id))
}

fn spawn(
    name: &'static str,
    work: impl FnOnce() + Send + 'static,
) -> Result<thread::JoinHandle<()>> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|source| Error::Thread { name, source })
}
