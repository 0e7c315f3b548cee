//! The officers' rules: retention, holds, warrants. Pure.
