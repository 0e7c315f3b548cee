//! The package read by another program.
