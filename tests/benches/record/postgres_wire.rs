//! As much of PostgreSQL's protocol (version 3.0) as a bench needs: a trusted start, simple queries, `COPY FROM STDIN`.

use std::io::{self, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;

/// The version of the protocol: 3.0.
const VERSION: u32 = 3 << 16;

/// A connection.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: BufReader<UnixStream>,
}

/// What an exchange came to.
#[derive(Default)]
struct Outcome {
    rows: usize,
    /// The first column of the first row.
    first: Option<String>,
    fault: Option<String>,
}

impl Wire {
    /// Says who is there, and waits until the server takes queries.
    pub(crate) fn open(stream: UnixStream, user: &str, database: &str) -> io::Result<Self> {
        let mut wire = Self { stream: BufReader::new(stream) };
        let words = format!("user\0{user}\0database\0{database}\0\0");
        let body = [&VERSION.to_be_bytes(), words.as_bytes()].concat();
        wire.send(None, &body)?;
        wire.take(b'Z').map(|_| wire)
    }

    /// Sends one query and returns how many rows came.
    pub(crate) fn query(&mut self, text: &str) -> io::Result<usize> {
        self.send(Some(b'Q'), &[text.as_bytes(), &[0]].concat())?;
        Ok(self.take(b'Z')?.rows)
    }

    /// Sends one query and returns the first column of its first row.
    pub(crate) fn text(&mut self, text: &str) -> io::Result<String> {
        self.send(Some(b'Q'), &[text.as_bytes(), &[0]].concat())?;
        Ok(self.take(b'Z')?.first.unwrap_or_default())
    }

    /// Sends a `COPY … FROM STDIN` and waits until rows are taken.
    pub(crate) fn begin_copy(&mut self, text: &str) -> io::Result<()> {
        self.send(Some(b'Q'), &[text.as_bytes(), &[0]].concat())?;
        self.take(b'G').map(drop)
    }

    /// Sends whole rows.
    pub(crate) fn copy(&mut self, rows: &[u8]) -> io::Result<()> {
        self.send(Some(b'd'), rows)
    }

    /// Says that there are no more rows.
    pub(crate) fn end_copy(&mut self) -> io::Result<()> {
        self.send(Some(b'c'), &[])?;
        self.take(b'Z').map(drop)
    }

    fn send(&mut self, kind: Option<u8>, body: &[u8]) -> io::Result<()> {
        let length = u32::try_from(body.len() + 4).map_err(io::Error::other)?;
        let kind: Vec<u8> = kind.into_iter().collect();
        self.stream.get_mut().write_all(&[&kind, &length.to_be_bytes()[..], body].concat())
    }

    /// Takes messages up to one of this kind; a fault that the server told comes out then.
    fn take(&mut self, last: u8) -> io::Result<Outcome> {
        let mut outcome = Outcome::default();
        loop {
            let (kind, body) = self.message()?;
            match kind {
                b'D' => {
                    outcome.rows += 1;
                    outcome.first = outcome.first.take().or_else(|| first_column(&body));
                }
                b'E' => outcome.fault = Some(String::from_utf8_lossy(&body).replace('\0', " ")),
                _ => {}
            }
            // After a fault the server takes queries again, whatever was waited for.
            if kind == last || (kind == b'Z' && outcome.fault.is_some()) {
                return match outcome.fault.take() {
                    Some(fault) => Err(io::Error::other(fault)),
                    None => Ok(outcome),
                };
            }
        }
    }

    fn message(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut head = [0; 5];
        self.stream.read_exact(&mut head)?;
        let [kind, length @ ..] = head;
        let length = u32::from_be_bytes(length).saturating_sub(4);
        let mut body = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        self.stream.read_exact(&mut body)?;
        Ok((kind, body))
    }
}

/// Returns the first column of a row: u16 columns, then u32 bytes and the value of each.
fn first_column(body: &[u8]) -> Option<String> {
    let length = u32::from_be_bytes(body.get(2..6)?.try_into().ok()?);
    let value = body.get(6..6 + usize::try_from(length).ok()?)?;
    Some(String::from_utf8_lossy(value).into_owned())
}
