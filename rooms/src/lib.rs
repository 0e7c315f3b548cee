//! The room-serving engine's vocabulary.
