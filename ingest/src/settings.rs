//! How the ingest service is set up.

/// Finds the language of a text: a 3-letter code, or nothing where it cannot tell.
pub type Detector = fn(&str) -> Option<&'static str>;

/// What may be set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Batches that may wait before the sequencer; whoever offers more is held up. Each may come from someone who posts one event.
    pub queue_batches_max: usize,
    /// Bytes that may wait there; a batch that is larger waits until it is alone.
    pub queue_bytes_max: usize,
    /// Finds the language of rooms, which is declared in the ledger. Without it none is declared.
    pub language: Option<Detector>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { queue_batches_max: 4_096, queue_bytes_max: 32 << 20, language: None }
    }
}
