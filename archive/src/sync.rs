//! The locks, channels and waits of the group commit. With the feature `loom` they are those of a model that tries every order of
//! their operations; the tests of `journal::model` are all that runs then.

#[cfg(feature = "loom")]
mod modelled;

#[cfg(not(feature = "loom"))]
pub(crate) use parking_lot::{Condvar, Mutex};
#[cfg(not(feature = "loom"))]
pub(crate) use std::sync::mpsc::{Receiver, Sender, channel};
#[cfg(not(feature = "loom"))]
pub(crate) use std::thread::{Thread, current, park};

#[cfg(feature = "loom")]
pub(crate) use loom::thread::{Thread, current, park};

#[cfg(feature = "loom")]
pub(crate) use modelled::{Condvar, Mutex, Receiver, Sender, channel};
