//! Full-text search over the log: a rebuildable cache beside it.
