//! A server of the binary, and plain HTTP to it.

use std::fmt::Write as _;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use crate::support::{Appliance, Outcome};

/// A running server, stopped with the test.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    address: String,
    pub(crate) link: String,
}

/// What a process takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) resident_bytes: u64,
    /// Open files but those of segments, each of which is held open while it is part of the archive.
    pub(crate) open_files: usize,
    /// Open files of segments.
    pub(crate) segment_files: usize,
}

impl Running {
    /// Starts `serve` on a free port and waits for its ready line.
    pub(crate) fn start(appliance: &Appliance) -> Self {
        Self::start_with(appliance, &[])
    }

    /// Starts `serve` with these variables in its environment.
    pub(crate) fn start_with(appliance: &Appliance, variables: &[(&str, &str)]) -> Self {
        Self::try_start(appliance, variables).expect("the server ended before it was ready")
    }

    /// Starts `serve`, or returns how it ended where it did before it was ready.
    pub(crate) fn try_start(
        appliance: &Appliance,
        variables: &[(&str, &str)],
    ) -> Result<Self, Outcome> {
        let mut command = appliance.command();
        command.envs(variables.iter().copied());
        command.args(["serve", "--listen", "127.0.0.1:0", "--link"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let (mut address, mut link, mut text) = (None, None, String::new());
        while address.is_none() {
            let before = text.len();
            if said.read_line(&mut text).unwrap() == 0 {
                let code = child.wait().unwrap().code();
                return Err(Outcome { code, stdout: String::new(), stderr: text });
            }
            let text = &text[before..];
            if let Some(at) = text.find("/sign-in?link=") {
                link = Some(text[at..].trim().to_owned());
            }
            if let Some((_, origin)) = text.split_once("muniment is ready on ") {
                address = origin.trim().split_once("://").map(|(_, address)| address.to_owned());
            }
        }
        std::thread::spawn(move || io::copy(&mut said, &mut io::sink()));
        Ok(Self { child, address: address.unwrap(), link: link.unwrap() })
    }

    /// Sends one request and returns the status, the head and the body.
    pub(crate) fn ask(
        &self,
        method: &str,
        target: &str,
        headers: &[&str],
        body: &str,
    ) -> (u16, String, String) {
        self.try_ask(method, target, headers, body).unwrap()
    }

    /// Sends one request; an error where the server is gone before it has answered.
    pub(crate) fn try_ask(
        &self,
        method: &str,
        target: &str,
        headers: &[&str],
        body: &str,
    ) -> io::Result<(u16, String, String)> {
        let host = if headers.iter().any(|line| line.starts_with("Host:")) {
            String::new()
        } else {
            format!("Host: {}\r\n", self.address)
        };
        let more = headers.iter().fold(String::new(), |more, line| more + line + "\r\n");
        let head = format!(
            "{method} {target} HTTP/1.1\r\n{host}{more}Connection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let answer = self.send(&[head.as_bytes(), body.as_bytes()].concat(), false)?;
        let answer = String::from_utf8_lossy(&answer);
        let cut = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(cut)?;
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or_else(cut)?;
        Ok((status, head.to_owned(), body.to_owned()))
    }

    /// Sends bytes as they are and returns all that comes back until the connection ends; it can be said that no more come.
    pub(crate) fn send(&self, bytes: &[u8], is_end: bool) -> io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(&self.address)?;
        // An answer may come, and the connection end, before everything was taken.
        let mut written = stream.write_all(bytes);
        if is_end {
            written = written.and_then(|()| stream.shutdown(Shutdown::Write));
        }
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            Err(error) if answer.is_empty() => written.and(Err(error))?,
            _ => {}
        }
        Ok(answer)
    }

    /// Returns the most memory that the server's process ever had, in bytes; nothing where the process is gone.
    pub(crate) fn memory_bytes(&self) -> Option<u64> {
        self.bytes("VmHWM:")
    }

    /// Returns what the server's process takes now; nothing where it is gone.
    pub(crate) fn usage(&self) -> Option<Usage> {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).ok()?.flatten();
        let paths: Vec<_> = open.filter_map(|file| std::fs::read_link(file.path()).ok()).collect();
        let is_segment = |path: &&PathBuf| path.to_string_lossy().contains("/data/segments/");
        let segment_files = paths.iter().filter(is_segment).count();
        let open_files = paths.len() - segment_files;
        Some(Usage { resident_bytes: self.bytes("VmRSS:")?, open_files, segment_files })
    }

    fn bytes(&self, name: &str) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let value = status.lines().find_map(|line| line.strip_prefix(name))?;
        value
            .trim()
            .strip_suffix(" kB")?
            .trim()
            .parse::<u64>()
            .ok()
            .map(|kilobytes| kilobytes << 10)
    }

    /// Kills the server as a crash does.
    pub(crate) fn kill(&self) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::KILL).unwrap();
    }

    /// Asks the server to read its certificate again.
    pub(crate) fn hang_up(&self) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::HUP).unwrap();
    }

    /// Returns the address that it listens on.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Asks the server to stop and returns its exit code, whatever it is.
    pub(crate) fn end(mut self) -> Option<i32> {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).ok();
        self.child.wait().unwrap().code()
    }

    /// Begins a request whose body does not come while the stream is held, and waits until the server asks for that body:
    /// from then on, and not before, it is being worked on.
    pub(crate) fn begin(&self, method: &str, target: &str, headers: &[&str]) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let more = headers.iter().fold(String::new(), |more, line| more + line + "\r\n");
        let host = &self.address;
        let head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n{more}");
        write!(stream, "{head}Expect: 100-continue\r\nContent-Length: 9\r\n\r\n").unwrap();
        let mut answer = [0; "HTTP/1.1 100 ".len()];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 100 ");
        stream
    }

    /// Asks the server to stop as a service manager would, and waits for it.
    pub(crate) fn stop(mut self) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "SIGTERM drains and ends with 0");
    }
}

impl Drop for Running {
    /// A test that failed leaves no server behind.
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

/// Returns a text as the value of a parameter in a target: every byte that is no letter or digit as `%XX`.
pub(crate) fn escaped(text: &str) -> String {
    let mut target = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            target.push(char::from(byte));
        } else {
            write!(target, "%{byte:02X}").expect("a String takes every write");
        }
    }
    target
}
