//! Every kind of damage is found, and named.
