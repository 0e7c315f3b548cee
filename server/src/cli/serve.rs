//! `muniment serve`: the web desk, the API and the control socket, until a signal says stop.

use std::net::SocketAddr;

use clap::Args;

use super::{Globals, Output, accept};
use crate::auth::{Caller, Way};
use crate::problem::Result;
use crate::serving::Server;
use crate::wiring::Appliance;

const EXAMPLES: &str = "\
Examples:
  muniment serve
  muniment --data /srv/archive serve --listen 127.0.0.1:8080

Beyond loopback it listens with TLS alone: tls.certificate and tls.key in muniment.toml, or tls.self_signed = true for a first
start; SIGHUP reads them again. Logs go to standard error: text on a terminal, JSON otherwise.
On a terminal it prints a link that signs you in once. SIGTERM and SIGINT drain and end with exit 0.";

/// Serve the web desk, the API and the control socket.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Serve {
    /// Address and port; port 0 takes a free one
    #[arg(long, value_name = "ADDR", value_parser = address)]
    listen: Option<SocketAddr>,
    /// Print a sign-in link even where standard error is no terminal
    #[arg(long)]
    link: bool,
}

impl Serve {
    pub(crate) async fn run(self, globals: &Globals, output: &Output) -> Result<u8> {
        let mut layers = globals.layers()?;
        if let Some(listen) = self.listen {
            layers.lay_flag("--listen", "server", "listen", &listen.to_string());
        }
        let config = accept(layers.config()?)?;
        crate::logs::begin(&config.logs, globals.verbose, globals.quiet);
        let shared = Appliance::open(&globals.data(), config).await?;
        let server = match Server::bind(&shared, shared.config.server.listen).await {
            Ok(server) => server,
            Err(problem) => {
                shared.close().await?;
                return Err(problem);
            }
        };
        let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
        if self.link || is_terminal {
            let link = sign_in_link(&shared, &server).await?;
            output.say(&format!(
                "sign in once, within {} minutes: {link}",
                shared.config.sessions.link_minutes
            ));
        }
        if let Some(fingerprint) = server.fingerprint() {
            output.say(&format!("its certificate has the SHA-256 {fingerprint}"));
        }
        output.say(&format!("muniment is ready on {}", server.origin()));
        server.run(shared).await?;
        Ok(0)
    }
}

/// Issues a link for the officer that the calling user is.
pub(super) async fn sign_in_link(
    shared: &crate::wiring::Shared,
    server: &Server,
) -> Result<String> {
    let uid = rustix::process::getuid().as_raw();
    let caller: Caller = super::transport::caller_of(shared, uid, Way::Process).await?;
    let issued = shared.credentials.issue_link(&caller, &caller.name).await?;
    Ok(format!("{}/sign-in?link={}", server.origin(), issued.secret.reveal()))
}

/// Reads the address of a flag.
fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "expected an address and a port, such as 127.0.0.1:7380 or [::1]:7380")
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn an_address_that_is_none_is_told_what_one_looks_like() {
        assert_eq!(address("127.0.0.1:0").unwrap().port(), 0);
        for text in ["garbage", "127.0.0.1", "localhost:7380", ":80"] {
            assert!(address(text).unwrap_err().contains("127.0.0.1:7380"), "{text}");
        }
    }
}
