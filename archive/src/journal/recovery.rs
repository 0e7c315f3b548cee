//! The way back from the bytes: what a crash left of the journal becomes the durable, unsealed events again (house.md §6.1).
//!
//! A bad frame that a valid one follows is corruption: recovery stops and reports. A bad frame that nothing valid
//! follows, at the end of the last file, is the torn tail of a batch that nobody was told about: it is cut whole. Nothing is
//! changed on disk before everything has been read, so a crash inside recovery leaves what it found, or what it made of it.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chat::{ArchiveId, Disk, DiskFile, Seq};

use super::file::{bytes_of, number_of, path_of};
use super::frame::{
    self, FILE_HEADER_BYTES, FRAME_HEADER_BYTES, FRAME_MAGIC, FileHeader, Frame, FrameHeader, Run,
};
use super::leaves::leaves;
use super::memory::FileMemory;
use crate::durable;
use crate::error::{Error, Result};
use crate::keys::{Keys, Opener};

/// Bytes that the search for a later frame reads at once.
const WINDOW_BYTES: usize = 64 << 10;
static ZEROS: [u8; WINDOW_BYTES] = [0; WINDOW_BYTES];

/// What recovery has to know from elsewhere.
#[derive(Debug)]
pub(crate) struct Ground<'a> {
    pub(crate) disk: &'a dyn Disk,
    pub(crate) keys: &'a Keys,
    pub(crate) archive: ArchiveId,
    /// The folder `journal`.
    pub(crate) folder: &'a Path,
    /// How many events are sealed.
    pub(crate) sealed: u64,
    /// Size of the newest durable checkpoint.
    pub(crate) signed: u64,
}

/// What was found.
#[derive(Debug)]
pub(crate) struct Recovered {
    /// The unsealed events.
    pub(crate) files: VecDeque<FileMemory>,
    /// Number of the next file to be written.
    pub(crate) number: u64,
}

/// Something to be changed on disk once all has been read.
#[derive(Debug)]
enum Repair {
    /// The torn tail of the last file begins here.
    Cut(PathBuf, u64),
    /// The last valid frame of the last file, to be written again where it stands: a process that ended at a failed
    /// sync leaves it in the cache, and perhaps not on the disk.
    Rewrite(PathBuf, u64, Vec<u8>),
    /// All of its events are sealed, or it never got any.
    Remove(PathBuf),
}

/// Reads the journal, cuts a torn tail, and removes files that hold nothing that is needed.
pub(crate) fn recover(ground: &Ground<'_>) -> Result<Recovered> {
    let Survey { files, repairs, number } = survey(ground)?;
    make_repairs(ground, &repairs)?;
    Ok(Recovered { files, number })
}

/// Reads the unsealed events from the disk as recovery would, and changes nothing.
pub(crate) fn inspect(ground: &Ground<'_>) -> Result<VecDeque<FileMemory>> {
    survey(ground).map(|survey| survey.files)
}

/// What the journal's files hold, and what should be mended.
#[derive(Debug)]
struct Survey {
    files: VecDeque<FileMemory>,
    repairs: Vec<Repair>,
    /// Number of the next file to be written.
    number: u64,
}

fn survey(ground: &Ground<'_>) -> Result<Survey> {
    let mut numbers: Vec<u64> =
        durable::list(ground.disk, ground.folder)?.iter().filter_map(|n| number_of(n)).collect();
    numbers.sort_unstable();
    let mut files = VecDeque::new();
    let mut repairs = Vec::new();
    let mut due = None;
    for number in &numbers {
        let is_last = Some(number) == numbers.last();
        let path = path_of(ground.folder, *number);
        let read = read_file(ground, &path, *number, is_last, due)?;
        repairs.extend(read.repairs);
        let Some(file) = read.file else { continue };
        due = Some(file.end());
        if file.end().leaf_index() <= ground.sealed {
            repairs.push(Repair::Remove(path));
        } else if file.first.leaf_index() > ground.sealed && files.is_empty() {
            let fault = format!("events are missing from {} on", ground.sealed.saturating_add(1));
            return Err(Error::corrupt(&path, 0, fault));
        } else {
            files.push_back(file);
        }
    }
    let found = files.back().map_or(ground.sealed, |file: &FileMemory| file.end().leaf_index());
    if found < ground.signed {
        return Err(Error::LogShort { found, signed: ground.signed });
    }
    let number = numbers.last().map_or(1, |last| last.saturating_add(1));
    Ok(Survey { files, repairs, number })
}

fn make_repairs(ground: &Ground<'_>, repairs: &[Repair]) -> Result<()> {
    for repair in repairs {
        match repair {
            Repair::Cut(path, end) => {
                tracing::warn!(path = %path.display(), end, "a torn batch is cut off the journal");
                let file = ground.disk.open(path).map_err(Error::io("open", path))?;
                file.set_len(*end).map_err(Error::io("cut", path))?;
                file.sync().map_err(Error::io("sync", path))?;
            }
            Repair::Rewrite(path, offset, frame) => {
                let file = ground.disk.open(path).map_err(Error::io("open", path))?;
                file.write_all_at(*offset, frame).map_err(Error::io("write", path))?;
                file.sync().map_err(Error::io("sync", path))?;
            }
            Repair::Remove(path) => {
                ground.disk.remove(path).map_err(Error::io("remove", path))?;
            }
        }
    }
    match ground.disk.sync_folder(ground.folder) {
        // All is sealed, and whoever copied the archive left out the folder in which nothing lay.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            durable::create_folder(ground.disk, ground.folder)
        }
        synced => synced.map_err(Error::io("sync folder", ground.folder)),
    }
}

#[derive(Debug)]
struct ReadFile {
    file: Option<FileMemory>,
    repairs: Vec<Repair>,
}

impl ReadFile {
    /// A file that never got an event, or whose events are sealed and its key destroyed.
    fn empty(path: &Path) -> Self {
        Self { file: None, repairs: vec![Repair::Remove(path.to_owned())] }
    }
}

fn read_file(
    ground: &Ground<'_>,
    path: &Path,
    number: u64,
    is_last: bool,
    due: Option<Seq>,
) -> Result<ReadFile> {
    let file = ground.disk.open_read(path).map_err(Error::io("open", path))?;
    let length = file.len().map_err(Error::io("measure", path))?;
    let source = Source { path, file: file.as_ref(), length };
    let Some(header) = source.header()? else {
        if is_last && source.later_frame(0)?.is_none() {
            return Ok(ReadFile::empty(path));
        }
        return Err(Error::corrupt(path, 0, "the file's header is damaged").with_seqs(due, due));
    };
    if header.archive != ground.archive {
        return Err(Error::corrupt(path, 10, format!("it is of archive {}", header.archive)));
    }
    if due.is_some_and(|due| due != header.first) {
        let fault = format!("it begins with event {}", header.first);
        return Err(Error::corrupt(path, 42, fault).with_seqs(due, due));
    }
    let Some(opener) = ground.keys.opener(header.key)? else {
        // A seal destroys the key when the events are sealed, and then removes the file.
        if source.plain_end(&header)?.leaf_index() <= ground.sealed {
            return Ok(ReadFile::empty(path));
        }
        return Err(Error::corrupt(path, 26, "its key is not in the ring"));
    };
    let mut read = FramesRead {
        source,
        opener,
        file_first: header.first,
        due: header.first,
        number: 0,
        offset: bytes_of(FILE_HEADER_BYTES),
        last_offset: 0,
        runs: Vec::new(),
        frames: Vec::new(),
    };
    while read.next()? {}
    let mut repairs: Vec<Repair> = read.tail(is_last)?.into_iter().collect();
    if read.frames.is_empty() && is_last {
        return Ok(ReadFile::empty(path));
    }
    if is_last {
        repairs.push(read.rewrite()?);
    }
    let memory = FileMemory {
        number,
        key: header.key,
        first: header.first,
        created_at: header.created_at,
        is_complete: true,
        runs: read.runs,
        frames: read.frames,
        bytes: read.offset,
    };
    Ok(ReadFile { file: Some(memory), repairs })
}

/// The frames of one file, read in order.
struct FramesRead<'a> {
    source: Source<'a>,
    opener: Opener,
    file_first: Seq,
    /// The event that the next frame must begin with.
    due: Seq,
    /// The number that the next frame must have.
    number: u64,
    offset: u64,
    /// Where the last valid frame begins.
    last_offset: u64,
    runs: Vec<Run>,
    frames: Vec<Arc<Frame>>,
}

impl FramesRead<'_> {
    /// Reads the next frame; returns whether there was a valid one.
    fn next(&mut self) -> Result<bool> {
        let Some((header, mut sealed)) = self.source.frame(self.offset)? else { return Ok(false) };
        if header.number != self.number || header.first != self.due {
            return Err(self.corrupt(&header, "a frame before this one is missing"));
        }
        let length = bytes_of(sealed.len().saturating_add(FRAME_HEADER_BYTES));
        if !self.opener.open(self.number, &mut sealed) {
            return Err(self.corrupt(&header, "the frame does not open with its file's key"));
        }
        let split = frame::split(&header, self.file_first, &sealed);
        let (begun, records) =
            split.ok_or_else(|| self.corrupt(&header, "its records are not what it says"))?;
        let known = self.runs.last().cloned();
        self.runs.extend(begun.iter().cloned());
        let runs: Vec<Run> = known.into_iter().chain(begun).collect();
        let leaves = leaves(&runs, header.first, &records);
        self.frames.push(Arc::new(Frame::new(header.first, records, leaves)));
        self.due = header.last().next();
        self.number = self.number.saturating_add(1);
        self.last_offset = self.offset;
        self.offset = self.offset.saturating_add(length);
        Ok(true)
    }

    /// Judges what lies behind the last valid frame: nothing, a torn tail to be cut, or corruption.
    fn tail(&self, is_last: bool) -> Result<Option<Repair>> {
        if let Some((offset, later)) = self.source.later_frame(self.offset.saturating_add(1))? {
            let fault = format!("a frame is damaged, and a valid one follows at byte {offset}");
            let before = Seq::new(later.first.leaf_index());
            let error = Error::corrupt(self.source.path, self.offset, fault);
            return Err(error.with_seqs(Some(self.due), before));
        }
        if self.source.is_zero_from(self.offset)? {
            return Ok(None);
        }
        if is_last {
            return Ok(Some(Repair::Cut(self.source.path.to_owned(), self.offset)));
        }
        let fault = "a frame is damaged, and later files follow";
        let error = Error::corrupt(self.source.path, self.offset, fault);
        Err(error.with_seqs(Some(self.due), Some(self.due)))
    }

    fn rewrite(&self) -> Result<Repair> {
        let length = self.offset.saturating_sub(self.last_offset);
        let mut frame = vec![0; usize::try_from(length).expect("a frame is at most 32 MiB")];
        self.source.read(self.last_offset, &mut frame)?;
        Ok(Repair::Rewrite(self.source.path.to_owned(), self.last_offset, frame))
    }

    fn corrupt(&self, header: &FrameHeader, fault: &str) -> Error {
        let error = Error::corrupt(self.source.path, self.offset, fault);
        error.with_seqs(Some(self.due.min(header.first)), Some(header.last()))
    }
}

/// A file that is read frame by frame, its length known, so that no damaged number makes us allocate past it.
struct Source<'a> {
    path: &'a Path,
    file: &'a dyn DiskFile,
    length: u64,
}

impl Source<'_> {
    fn header(&self) -> Result<Option<FileHeader>> {
        let mut bytes = [0; FILE_HEADER_BYTES];
        if self.length < bytes_of(FILE_HEADER_BYTES) {
            return Ok(None);
        }
        self.read(0, &mut bytes)?;
        Ok(FileHeader::decode(&bytes))
    }

    /// Returns the whole, valid frame that begins here, its part still sealed.
    fn frame(&self, offset: u64) -> Result<Option<(FrameHeader, Vec<u8>)>> {
        let body = offset.saturating_add(bytes_of(FRAME_HEADER_BYTES));
        if body > self.length {
            return Ok(None);
        }
        let mut head = [0; FRAME_HEADER_BYTES];
        self.read(offset, &mut head)?;
        let Some(header) = FrameHeader::decode(&head) else { return Ok(None) };
        if body.saturating_add(u64::from(header.length)) > self.length {
            return Ok(None);
        }
        let length = usize::try_from(header.length).expect("a frame is at most 32 MiB");
        let mut sealed = vec![0; length];
        self.read(body, &mut sealed)?;
        Ok(header.fits(&sealed).then_some((header, sealed)))
    }

    /// Returns the event after the last one, as the frames say without being opened.
    fn plain_end(&self, header: &FileHeader) -> Result<Seq> {
        let (mut end, mut offset) = (header.first, bytes_of(FILE_HEADER_BYTES));
        while let Some((frame, sealed)) = self.frame(offset)? {
            end = frame.last().next();
            let length = bytes_of(sealed.len().saturating_add(FRAME_HEADER_BYTES));
            offset = offset.saturating_add(length);
        }
        Ok(end)
    }

    /// Returns the first valid frame that begins at this byte or later.
    fn later_frame(&self, from: u64) -> Result<Option<(u64, FrameHeader)>> {
        let mut start = from;
        while let Some(window) = self.window(start)? {
            let searched = if ZEROS.starts_with(&window) { &[] } else { window.as_slice() };
            let candidates = searched.windows(FRAME_MAGIC.len()).enumerate();
            for (at, _) in candidates.filter(|(_, bytes)| *bytes == FRAME_MAGIC) {
                let offset = start.saturating_add(bytes_of(at));
                if let Some((header, _)) = self.frame(offset)? {
                    return Ok(Some((offset, header)));
                }
            }
            // Windows overlap, so that no magic falls between two of them.
            let step = window.len().saturating_sub(FRAME_MAGIC.len().saturating_sub(1));
            start = start.saturating_add(bytes_of(step.max(1)));
        }
        Ok(None)
    }

    fn is_zero_from(&self, from: u64) -> Result<bool> {
        let mut start = from;
        while let Some(window) = self.window(start)? {
            if !ZEROS.starts_with(&window) {
                return Ok(false);
            }
            start = start.saturating_add(bytes_of(window.len()));
        }
        Ok(true)
    }

    /// Returns some bytes from an offset on, none at the end.
    fn window(&self, start: u64) -> Result<Option<Vec<u8>>> {
        let left = self.length.saturating_sub(start);
        let bytes = usize::try_from(left).map_or(WINDOW_BYTES, |left| left.min(WINDOW_BYTES));
        if bytes == 0 {
            return Ok(None);
        }
        let mut window = vec![0; bytes];
        self.read(start, &mut window)?;
        Ok(Some(window))
    }

    fn read(&self, offset: u64, bytes: &mut [u8]) -> Result<()> {
        self.file.read_exact_at(offset, bytes).map_err(Error::io("read", self.path))
    }
}
