//! Muniment: records every chat event once, provably, and finds and exports it again.
//!
//! The executable is the only place that knows the outside: arguments, environment, standard output, HTTP. It holds no
//! rule of its own: what is kept, found and proven is decided by the members that it wires together in [`wiring`].
//! Every verb of the command line is a request to the same router that serves HTTP ([`api`]), sent over the control
//! socket to a running server or to a router in this very process; so the answers are the same either way.

mod api;
mod audit;
mod auth;
mod backup;
mod cli;
mod config;
mod health;
mod jobs;
mod logs;
mod notify;
mod problem;
mod serving;
mod settling;
mod shutdown;
mod tables;
mod tls;
mod web;
mod wire;
mod wiring;
mod witness;
mod witnessing;

use std::process::ExitCode;

fn main() -> ExitCode {
    // The index, packages and keys hold what people said: no file of ours is for another user of the machine.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    ExitCode::from(cli::main())
}
