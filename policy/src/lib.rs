//! The officers' rules: who may do what. Pure.
//!
//! What stands here is what the rest already uses. Retention rules, legal holds, matters, approvals and warrants have
//! their room here (ARCHITECTURE.md, "What is not built yet"), and nothing in the workspace destroys an event.
//!
//! This crate refuses to do: input or output, reading a clock, drawing random numbers. Time comes in as an argument.
