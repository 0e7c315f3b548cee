//! The facade: events in, receipts out.

use std::fs::File;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use archive::Archive;
use chat::{Act, EventKind};
use parking_lot::Mutex;

use crate::draft::{Draft, DraftFile, DraftPerson, FileContent};
use crate::error::{Error, Result};
use crate::files;
use crate::receipt::{Outcome, Receipt};
use crate::register::Register;
use crate::sequencer::{Input, Offer, Question, Sequencer, Ticket, Work};
use crate::settings::Settings;
use crate::source::{Identities, Sourced, Unreadable};

/// Persons that are declared at once: two acts each stay well below what one batch of the log takes.
const IDENTITIES_MAX: usize = 2_000;

/// An officer, an administrator or a job, as the audit names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Officer {
    /// The name.
    pub name: String,
    /// The account's own id, which holds through a change of the name.
    pub foreign_id: Option<String>,
}

/// The ingest service of one open archive: the only way into its log. Any number of threads may use it.
#[derive(Debug)]
pub struct Ingest {
    archive: Arc<Archive>,
    sequencer: Sequencer,
}

impl Ingest {
    /// Opens the service: folds the register of names, opens the index of origins, starts the sequencer.
    pub fn open(archive: Arc<Archive>, settings: &Settings) -> Result<Arc<Self>> {
        let sequencer = Sequencer::start(&archive, settings)?;
        Ok(Arc::new(Self { archive, sequencer }))
    }

    /// Returns the archive that events go to.
    pub const fn archive(&self) -> &Arc<Archive> {
        &self.archive
    }

    /// Records the drafts as one input and returns what became of each, in order; on return all of it is on disk, synced.
    ///
    /// Files are taken into the archive first. A draft that breaks a limit is kept in quarantine: who would rather refuse it
    /// asks [`Draft::check`] before.
    pub fn accept(&self, drafts: Vec<Draft>) -> Result<Vec<Outcome>> {
        self.accept_pieces(
            drafts.into_iter().map(|draft| Sourced::Draft(Box::new(draft))).collect(),
        )
    }

    /// Records the pieces of one input in their order: drafts as [`Self::accept`] does, and bytes that are no event raw, in
    /// quarantine. Bytes longer than [`chat::limits::RAW_BYTES_MAX`] are the caller's to refuse.
    pub fn accept_pieces(&self, pieces: Vec<Sourced>) -> Result<Vec<Outcome>> {
        self.accept_as(pieces, Input::default())
    }

    /// Records pieces as a part of an input of which something is known.
    pub(crate) fn accept_as(&self, pieces: Vec<Sourced>, input: Input) -> Result<Vec<Outcome>> {
        let mut offers = Vec::with_capacity(pieces.len());
        for piece in pieces {
            offers.push(match piece {
                Sourced::Draft(mut draft) => {
                    for file in &mut draft.attachments {
                        self.keep(file)?;
                    }
                    offer(draft)
                }
                Sourced::Unreadable(piece) => {
                    Offer::Unreadable { piece: Box::new(piece), file: None }
                }
            });
        }
        let mut outcomes = self.offer(offers, &Arc::new(Mutex::new(input)))?.wait()?;
        for receipt in outcomes.iter_mut().map(|outcome| &mut outcome.receipt) {
            if receipt.leaf.is_none() {
                let leaf = self.archive.leaf(receipt.seq);
                receipt.leaf = leaf.map_err(|source| Error::Archive { source })?;
            }
        }
        Ok(outcomes)
    }

    /// Records what an officer or a job did, in the same order as all that people say. On return it is on disk, synced.
    pub fn record_act(
        &self,
        kind: EventKind,
        officer: Option<&Officer>,
        act: Act,
    ) -> Result<Receipt> {
        let officer = officer.map(|officer| DraftPerson {
            name: officer.name.clone(),
            foreign_id: officer.foreign_id.clone(),
            email: None,
        });
        let outcomes = self.sequencer.submit(Work::Act { kind, officer, act })?.wait()?;
        let outcome = outcomes.into_iter().next();
        Ok(outcome.expect("one act has one outcome").receipt)
    }

    /// Declares the persons that an input lists and all their names, where they are not known. On return it is on disk, synced.
    pub(crate) fn know(&self, mut listed: Identities) -> Result<()> {
        while !listed.persons.is_empty() {
            let rest = listed.persons.split_off(IDENTITIES_MAX.min(listed.persons.len()));
            let persons = std::mem::replace(&mut listed.persons, rest);
            let source = listed.source.clone();
            let work = Work::Identities(Identities { source, persons });
            self.sequencer.submit(work)?.wait().map(drop)?;
        }
        Ok(())
    }

    /// Declares the languages of rooms with few messages, where they can be told by now.
    pub fn settle_languages(&self) -> Result<()> {
        self.sequencer.submit(Work::Languages)?.wait().map(drop)
    }

    /// Asks the register, between two batches.
    pub(crate) fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Register) -> T + Send + 'static,
    ) -> Result<T> {
        let (sender, receiver) = sync_channel(1);
        let ask = move |register: &Register| drop(sender.send(question(register)));
        drop(self.sequencer.submit(Work::Ask(Question(Box::new(ask))))?.wait()?);
        Ok(receiver.recv().expect("the work is done, so the answer was sent"))
    }

    /// Lets what waits be recorded and ends the sequencer. Afterwards nothing is accepted; the archive stays open.
    pub fn close(&self) -> Result<()> {
        self.sequencer.close()
    }

    /// Hands offers of one input in without waiting for the disk.
    pub(crate) fn offer(&self, offers: Vec<Offer>, input: &Arc<Mutex<Input>>) -> Result<Ticket> {
        self.sequencer.submit(Work::Offers(offers, Arc::clone(input)))
    }

    /// Takes the bytes of a file into the archive, if they are to be had here.
    fn keep(&self, file: &mut DraftFile) -> Result<()> {
        let kept = match &file.content {
            FileContent::Path(path) => {
                let mut content =
                    File::open(path).map_err(|fault| Error::unreadable(path, fault))?;
                files::keep(&self.archive, &mut content)?
            }
            FileContent::Bytes(bytes) => files::keep(&self.archive, &mut bytes.as_slice())?,
            FileContent::Member(_) | FileContent::Kept { .. } | FileContent::Missing { .. } => {
                return Ok(());
            }
        };
        file.content = kept;
        Ok(())
    }
}

/// Returns the offer of a draft: what breaks a limit is offered raw.
pub(crate) fn offer(draft: Box<Draft>) -> Offer {
    match draft.bounded() {
        Ok(bounded) => Offer::Draft(bounded),
        Err((draft, refusal)) => {
            let draft = *draft;
            let raw = draft.raw.or_else(|| draft.text.map(String::into_bytes)).unwrap_or_default();
            let source =
                Some(draft.source).filter(|name| name.len() <= chat::limits::NAME_BYTES_MAX);
            let piece = Unreadable {
                source,
                raw,
                locator: draft.locator.map(|at| at.to_string()).unwrap_or_default(),
                reason: refusal.to_string(),
            };
            Offer::Unreadable { piece: Box::new(piece), file: None }
        }
    }
}
