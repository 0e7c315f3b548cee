//! Accepting events: sources, idempotency, sequencing, receipts.
