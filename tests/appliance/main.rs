//! The appliance from outside: each test is a claim about the binary that a person could check by hand.

mod bad_input;
mod crash;
mod damage;
mod export;
mod import;
mod search;
mod serving;
mod support;
