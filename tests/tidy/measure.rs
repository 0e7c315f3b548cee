//! Size and face of every file.

use tests::sources;

/// Lines of a source file.
const FILE_LINES_MAX: usize = 500;
/// Lines of prose that make a front page.
const FRONT_PAGE_LINES_MIN: usize = 8;

#[test]
fn no_source_file_is_longer_than_five_hundred_lines() {
    let long: Vec<_> = sources(".rs")
        .into_iter()
        .map(|source| (source.text.lines().count(), source.path))
        .filter(|(lines, _)| *lines > FILE_LINES_MAX)
        .collect();
    assert!(long.is_empty(), "a second room is hiding inside: {long:?}");
}

#[test]
fn every_source_file_says_first_what_it_is_for() {
    for source in sources(".rs") {
        assert!(source.text.starts_with("//!"), "{} has no opening comment", source.path);
    }
}

#[test]
fn every_library_opens_with_a_front_page() {
    for source in sources("src/lib.rs").into_iter().chain(sources("lib.rs")) {
        let is_member =
            source.path.matches('/').count() == 2 && source.path.ends_with("src/lib.rs");
        let lines = source.text.lines().take_while(|line| line.starts_with("//!")).count();
        assert!(
            !is_member || lines >= FRONT_PAGE_LINES_MIN,
            "{}: {lines} lines of front page, at least {FRONT_PAGE_LINES_MIN} are asked for",
            source.path
        );
    }
}

#[test]
fn no_module_has_a_name_that_says_nothing() {
    const EMPTY: &[&str] =
        &["common", "utils", "util", "helpers", "helper", "misc", "types", "core"];
    for source in sources(".rs") {
        let named =
            source.path.trim_end_matches(".rs").split('/').any(|part| EMPTY.contains(&part));
        assert!(!named, "{} has a name that says nothing", source.path);
    }
}
