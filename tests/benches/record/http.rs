//! As much of HTTP/1.1 as a bench needs: one connection that stays open, requests one after the other.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

/// A connection to the server.
#[derive(Debug)]
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    address: String,
    bearer: String,
}

impl Client {
    /// Connects.
    pub(crate) fn open(address: &str, bearer: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
            address: address.to_owned(),
            bearer: bearer.to_owned(),
        })
    }

    /// Asks for the newest twenty of a query and returns the answer.
    pub(crate) fn search(&mut self, query: &str) -> io::Result<Vec<u8>> {
        self.ask("GET", &format!("/api/v1/search?q={}&limit=20", escaped(query)), &[])
    }

    /// Posts lines and returns the answer, which comes when they are synced.
    pub(crate) fn post(&mut self, lines: &[u8]) -> io::Result<Vec<u8>> {
        self.ask("POST", "/api/v1/events", lines)
    }

    /// Sends one request and returns the body of its answer; any status but 200 is an error.
    fn ask(&mut self, method: &str, target: &str, body: &[u8]) -> io::Result<Vec<u8>> {
        let Self { address, bearer, .. } = &*self;
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: {address}\r\nAuthorization: {bearer}\r\nContent-Type: application/x-ndjson\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.stream.get_mut().write_all(&[head.as_bytes(), body].concat())?;
        let (mut status, mut length) = (String::new(), 0_usize);
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let line = line.trim_end();
            match line.split_once(':') {
                _ if line.is_empty() => break,
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse().map_err(io::Error::other)?;
                }
                _ if status.is_empty() => line.clone_into(&mut status),
                _ => {}
            }
        }
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer)?;
        if status.split(' ').nth(1) == Some("200") {
            return Ok(answer);
        }
        Err(io::Error::other(format!("{status}: {}", String::from_utf8_lossy(&answer))))
    }
}

/// Returns a text as a part of an address.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    text.bytes().fold(String::new(), |out, byte| match byte {
        byte if plain(byte) => out + &char::from(byte).to_string(),
        byte => out + &format!("%{byte:02X}"),
    })
}
