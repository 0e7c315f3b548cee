//! The query language: grammar, text analysis and the one matcher. Pure.
