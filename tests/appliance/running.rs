//! A server of the binary, and plain HTTP to it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use crate::support::Appliance;

/// A running server, stopped with the test.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    address: String,
    pub(crate) link: String,
}

impl Running {
    /// Starts `serve` on a free port and waits for its ready line.
    pub(crate) fn start(appliance: &Appliance) -> Self {
        Self::start_with(appliance, &[])
    }

    /// Starts `serve` with these variables in its environment.
    pub(crate) fn start_with(appliance: &Appliance, variables: &[(&str, &str)]) -> Self {
        let mut command = appliance.command();
        command.envs(variables.iter().copied());
        command.args(["serve", "--listen", "127.0.0.1:0", "--link"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let (mut address, mut link, mut text) = (None, None, String::new());
        while address.is_none() {
            text.clear();
            assert!(said.read_line(&mut text).unwrap() > 0, "the server ended before it was ready");
            if let Some(at) = text.find("/sign-in?link=") {
                link = Some(text[at..].trim().to_owned());
            }
            if let Some((_, rest)) = text.split_once("ready on http://") {
                address = Some(rest.trim().to_owned());
            }
        }
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Self { child, address: address.unwrap(), link: link.unwrap() }
    }

    /// Sends one request and returns the status, the head and the body.
    pub(crate) fn ask(
        &self,
        method: &str,
        target: &str,
        headers: &[&str],
        body: &str,
    ) -> (u16, String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let host = if headers.iter().any(|line| line.starts_with("Host:")) {
            String::new()
        } else {
            format!("Host: {}\r\n", self.address)
        };
        let more = headers.iter().fold(String::new(), |more, line| more + line + "\r\n");
        write!(
            stream,
            "{method} {target} HTTP/1.1\r\n{host}{more}Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_owned(), body.to_owned())
    }

    /// Begins a request whose body does not come while the stream is held.
    pub(crate) fn begin(&self, method: &str, target: &str, headers: &[&str]) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let more = headers.iter().fold(String::new(), |more, line| more + line + "\r\n");
        let host = &self.address;
        write!(
            stream,
            "{method} {target} HTTP/1.1\r\nHost: {host}\r\n{more}Content-Length: 9\r\n\r\n{{"
        )
        .unwrap();
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
