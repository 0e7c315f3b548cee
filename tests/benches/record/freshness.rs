//! The row `freshness`: from the acknowledgement of a message to the answer of the first search that finds it, while a
//! thousand a second come in.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Fault;
use crate::clock::spread;
use crate::corpus::Line;
use crate::rows::Row;
use crate::served::Server;
use crate::sheet::{Goal, Sheet};
use crate::stage::Stage;

pub(crate) const ROW: Row = Row {
    name: "freshness",
    about: "an acknowledged message is found, at 1,000 messages a second",
    only_by_name: false,
    run,
};

/// Messages a second, one a request.
const RATE: u64 = 1_000;
/// Connections that they come in by.
const FEEDS: u64 = 16;
/// How long they come.
const SECONDS: u64 = 15;
/// Of so many messages one is looked for.
const SAMPLED: u64 = 25;
/// Connections that look for them.
const SEEKERS: usize = 2;
/// Until when a message must be found at all.
const FOUND_MAX: Duration = Duration::from_secs(10);

/// A message that was acknowledged and is to be found.
struct Due {
    number: u64,
    acknowledged: Instant,
}

/// One that was.
struct Seen {
    micros: f64,
    searches: u64,
}

fn run(stage: &Stage, sheet: &mut Sheet) -> Result<(), Fault> {
    let server = stage.installed()?.serve()?;
    let lines = &stage.corpus().lines;
    let (sender, receiver) = channel();
    let receiver = Mutex::new(receiver);
    let began = Instant::now() + Duration::from_millis(100);
    let (waits, seen) = std::thread::scope(|scope| {
        let (server, receiver) = (&server, &receiver);
        let feeds: Vec<_> = (0..FEEDS)
            .map(|feed| {
                let sender = sender.clone();
                scope.spawn(move || {
                    feed_all(server, lines, feed, began, &sender).map_err(|fault| fault.to_string())
                })
            })
            .collect();
        drop(sender);
        let seekers: Vec<_> = (0..SEEKERS)
            .map(|_| scope.spawn(move || seek(server, receiver).map_err(|fault| fault.to_string())))
            .collect();
        (joined(feeds), joined(seekers))
    });
    let elapsed = began.elapsed();
    server.stop()?;
    let (waits, seen) = (waits?, seen?);
    let found_at_once = seen.iter().filter(|one| one.searches == 1).count();
    sheet.figure("acknowledged", waits.len() as f64 / elapsed.as_secs_f64(), "messages/s");
    sheet.waits("from a message's due time to its acknowledgement", waits);
    sheet.figure("found by the first search", found_at_once as f64, "messages");
    sheet.figure("looked for", seen.len() as f64, "messages");
    let fresh: Vec<_> = seen.iter().map(|one| one.micros).collect();
    let p99 = spread(fresh.clone()).p99;
    sheet.waits("from the acknowledgement to the answer that shows it", fresh);
    sheet.claim("p99, seconds", p99 / 1e6, Goal::AtMost(1.0));
    sheet.note("Each message has its time to be sent, whatever became of those before it: who is late counts from there. The uncommitted tail is searched too, so a message is found by the first search after its acknowledgement; what is measured is how long that search takes and waits.");
    Ok(())
}

type Handle<'scope, T> = ScopedJoinHandle<'scope, Result<Vec<T>, String>>;

fn joined<T>(threads: Vec<Handle<'_, T>>) -> Result<Vec<T>, String> {
    let ended = threads.into_iter().map(ScopedJoinHandle::join);
    let all: Result<Vec<_>, String> =
        ended.map(|one| one.map_err(|_| "a thread broke off".to_owned())?).collect();
    Ok(all?.into_iter().flatten().collect())
}

/// Sends every message of one connection at its time; returns how long each took from there, in microseconds.
fn feed_all(
    server: &Server,
    lines: &[Line],
    feed: u64,
    began: Instant,
    found: &Sender<Due>,
) -> Result<Vec<f64>, Fault> {
    let mut client = server.client()?;
    let mut waits = Vec::new();
    for number in (feed..RATE * SECONDS).step_by(usize::try_from(FEEDS)?) {
        let due = began + Duration::from_micros(number * 1_000_000 / RATE);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        client.post(&message(number, lines)?)?;
        waits.push(due.elapsed().as_secs_f64() * 1e6);
        if number % SAMPLED == 0 {
            found.send(Due { number, acknowledged: Instant::now() })?;
        }
    }
    Ok(waits)
}

fn message(number: u64, lines: &[Line]) -> Result<Vec<u8>, Fault> {
    let line = lines.get(usize::try_from(number)? % lines.len()).ok_or("the corpus is empty")?;
    let now = archive::Ports::production().clock.now();
    let Line { room, sender, text, .. } = line;
    let text = format!("{text} {}", mark(number));
    let id = number.to_string();
    let event = json!({ "source": "feed", "room": room, "sender": sender, "time": now.to_string(), "id": id, "text": text });
    Ok(serde_json::to_vec(&event)?)
}

/// Returns a word that one message alone has.
fn mark(number: u64) -> String {
    format!("fresh{number}mark")
}

/// Looks for messages as they are acknowledged, each until it is found.
fn seek(server: &Server, due: &Mutex<Receiver<Due>>) -> Result<Vec<Seen>, Fault> {
    let mut client = server.client()?;
    let mut seen = Vec::new();
    loop {
        let next = due.lock().map_err(|_| "the other seeker broke off")?.recv();
        let Ok(Due { number, acknowledged }) = next else { return Ok(seen) };
        let mut searches = 0;
        loop {
            searches += 1;
            let answer: Value = serde_json::from_slice(&client.search(&mark(number))?)?;
            if answer["count"] == 1 {
                break;
            }
            if acknowledged.elapsed() > FOUND_MAX {
                return Err(format!("message {number} was acknowledged and is not found").into());
            }
        }
        seen.push(Seen { micros: acknowledged.elapsed().as_secs_f64() * 1e6, searches });
    }
}
