//! The group commit under every order of its locks: who appends, who writes, and who closes. The queue of the model holds one
//! piece of work, so that appends block on a full one.
//!
//! `cargo test -p archive --features loom --lib journal::model`.

use std::collections::HashMap;
use std::sync::Arc;

use chat::{EventKind, Recorded, Seq, Timestamp};
use loom::thread;

use super::frame::Records;
use super::promise::{Pending, promise};
use super::queue::{Queue, Work};
use crate::error::{Error, Result};
use crate::fuse::Fuse;

/// How often a thread may be stopped where it does not wait by itself: the bound that keeps the model small.
const PREEMPTIONS_MAX: usize = 3;

fn model(run: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS_MAX);
    builder.check(run);
}

fn queue() -> (Arc<Queue>, Arc<Fuse>) {
    let fuse = Arc::new(Fuse::default());
    let queue = Queue::new(Seq::FIRST, (HashMap::new(), true), Arc::clone(&fuse));
    (Arc::new(queue), fuse)
}

fn append(queue: &Queue, fuse: &Arc<Fuse>, number: u64) -> Result<Pending> {
    let mut event = chat::testing::message(number, 1, 1, "x");
    (event.place, event.kind) = (None, EventKind::Message);
    let recorded = Recorded {
        seq: Seq::new(number).expect("numbered from 1"),
        place_seq: None,
        place_prev: None,
        recorded_at: Timestamp::from_micros(1),
        event,
    };
    let pieces = Records::encode(std::slice::from_ref(&recorded)).expect("it is small");
    let (promise, pending) = promise(Arc::clone(fuse));
    queue.push(&[recorded], pieces, promise)?;
    Ok(pending)
}

/// Writes as the committer does: numbers the events of a frame in their order and answers whoever waits for them.
fn write(queue: &Queue, works: usize) -> u64 {
    let mut written = 0;
    for _ in 0..works {
        match queue.take() {
            None => break,
            Some(Work::Finish(reply)) => drop(reply.send(())),
            Some(Work::Batch(batch)) => {
                assert_eq!(batch.first.get(), written + 1, "a frame follows the one before it");
                for (count, reply) in batch.replies {
                    let leaves = (0..count).map(|_| {
                        written += 1;
                        [u8::try_from(written).expect("few are written"); 32]
                    });
                    reply.keep(leaves.collect());
                }
            }
        }
    }
    written
}

#[test]
fn every_append_learns_its_own_leaves_and_the_writer_ends_when_the_queue_is_closed() {
    model(|| {
        let (queue, fuse) = queue();
        let appending = Arc::clone(&queue);
        let appender = thread::spawn(move || {
            let first = append(&appending, &fuse, 1).unwrap();
            let second = append(&appending, &fuse, 2).unwrap();
            assert_eq!(first.wait().unwrap(), [[1; 32]]);
            assert_eq!(second.wait().unwrap(), [[2; 32]]);
            appending.close();
        });
        assert_eq!(write(&queue, usize::MAX), 2, "what waits is written before the end");
        appender.join().unwrap();
    });
}

#[test]
fn a_writer_that_stops_wakes_whoever_waits_for_it_or_for_room() {
    model(|| {
        let (queue, fuse) = queue();
        let (appending, known) = (Arc::clone(&queue), Arc::clone(&fuse));
        let appender = thread::spawn(move || {
            let mut told = Vec::new();
            for number in 1..=2 {
                match append(&appending, &known, number) {
                    Ok(pending) => told.push(pending.wait()),
                    Err(error) => told.push(Err(error)),
                }
            }
            told
        });
        let first = queue.take().expect("something is appended");
        fuse.blow("sync the journal");
        drop(first);
        queue.abandon();
        for told in appender.join().unwrap() {
            assert!(matches!(told, Err(Error::Stopped { .. })), "{told:?} was acknowledged");
        }
    });
}

#[test]
fn closing_while_someone_appends_and_someone_finishes_a_file_leaves_nobody_waiting() {
    model(|| {
        let (queue, fuse) = queue();
        let (appending, finishing) = (Arc::clone(&queue), Arc::clone(&queue));
        let appender = thread::spawn(move || append(&appending, &fuse, 1).map(Pending::wait));
        let finisher = thread::spawn(move || {
            let told = finishing.finish_file();
            finishing.close();
            told
        });
        let written = write(&queue, usize::MAX);
        finisher.join().unwrap().unwrap();
        match appender.join().unwrap() {
            Ok(leaves) => assert_eq!((leaves.unwrap().len(), written), (1, 1)),
            Err(error) => assert!(matches!(error, Error::Closed), "{error}"),
        }
    });
}
