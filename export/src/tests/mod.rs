//! Packages as a stranger meets them: written, checked, damaged in every way, and read by another program.

mod fault;
mod killed;
mod log;
mod sample;

mod changed;
mod complete;
mod damage;
mod package;
mod pinned;
mod python;
mod real;
mod withheld;
