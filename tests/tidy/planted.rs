//! Every planted bug can still be planted, and the test that must notice is still there.

#[path = "../planted/bug.rs"]
mod bug;

use tests::{root, sources};

/// Bugs of reliability.md T18.
const BUGS_MIN: usize = 10;

#[test]
fn every_planted_bug_still_fits_the_tree() {
    let bugs = bug::all();
    assert!(bugs.len() >= BUGS_MIN, "{} planted bugs", bugs.len());
    let tests = sources(".rs");
    for bug in bugs {
        let text = std::fs::read_to_string(root().join(&bug.file)).unwrap_or_default();
        let places = text.matches(&bug.find).count();
        assert_eq!(places, 1, "{}: {} has the text {places} times", bug.name, bug.file);
        assert!(bug.find != bug.replace && !bug.what.is_empty(), "{}", bug.name);
        let own = format!("{}/", bug.package);
        let name = format!("fn {}(", bug.caught_by);
        let is_there = |path: &str, text: &str| path.starts_with(&own) && text.contains(&name);
        assert!(tests.iter().any(|source| is_there(&source.path, &source.text)), "{}", bug.name);
    }
}
