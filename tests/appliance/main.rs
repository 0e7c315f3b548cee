//! The appliance from outside: each test is a claim about the binary that a person could check by hand.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test stops at the first thing that is not as it should be, and writes its own files as they come"
)]

mod attacks;
mod audit;
mod backup;
mod bad_input;
mod crash;
mod damage;
mod desk;
mod export;
mod failing_disk;
mod faults;
mod full_disk;
mod golden;
mod hostile;
mod images;
mod import;
mod neighbours;
mod operating;
mod power;
mod reading;
mod recorder;
mod refusals;
mod repeating;
mod running;
mod search;
mod serving;
mod soak;
mod status;
mod support;
mod timestamp;
mod tls;
mod torture;
mod verifying;
mod volume;
mod walk;
mod witness;
