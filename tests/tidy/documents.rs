//! Links in documents lead somewhere, and the documents that the house promises are there.

use std::path::Path;

use tests::{Source, root, sources};

/// What a visitor is promised.
const PROMISED: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "LICENSE",
    "docs/format.md",
    "docs/walk.md",
    "docs/reliability.md",
    "docs/decisions",
];

#[test]
fn every_promised_document_is_there() {
    for path in PROMISED {
        assert!(root().join(path).try_exists().unwrap(), "{path} is missing");
    }
}

/// Returns the targets of inline links, code blocks left out.
fn targets(source: &Source) -> Vec<String> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in source.text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for piece in line.split("](").skip(1) {
            if let Some((target, _)) = piece.split_once(')') {
                found.push(target.to_owned());
            }
        }
    }
    found
}

#[test]
fn every_test_that_the_page_on_reliability_names_is_there() {
    let page = std::fs::read_to_string(root().join("docs/reliability.md")).unwrap();
    let named = page.split('`').skip(1).step_by(2);
    for path in named.filter(|word| word.contains('/') && !word.contains(' ')) {
        assert!(root().join(path).try_exists().unwrap(), "docs/reliability.md names {path}");
    }
    let tests: String = sources(".rs").into_iter().map(|source| source.text).collect();
    let page = page.split('`').skip(1).step_by(2);
    for name in page.filter(|word| word.matches('_').count() > 4 && !word.contains(['/', ' '])) {
        assert!(tests.contains(&format!("fn {name}(")), "docs/reliability.md names {name}");
    }
}

#[test]
fn every_link_within_the_repository_leads_to_a_file() {
    for source in sources(".md") {
        let folder = root().join(Path::new(&source.path).parent().unwrap());
        for target in targets(&source) {
            let path = target.split('#').next().unwrap_or_default();
            let is_outside = target.contains("://") || target.starts_with("mailto:");
            if path.is_empty() || is_outside {
                continue;
            }
            let alive = folder.join(path).try_exists().unwrap();
            assert!(alive, "{}: the link to {target} is dead", source.path);
        }
    }
}

#[test]
fn every_link_to_a_heading_of_the_same_document_is_alive() {
    for source in sources(".md") {
        let headings: Vec<_> = source
            .text
            .lines()
            .filter(|line| line.starts_with('#'))
            .map(|line| anchor(line.trim_start_matches('#').trim()))
            .collect();
        for target in targets(&source) {
            if let Some(wanted) = target.strip_prefix('#') {
                assert!(
                    headings.iter().any(|heading| heading == wanted),
                    "{}: no heading for #{wanted}",
                    source.path
                );
            }
        }
    }
}

#[test]
fn the_sections_of_the_format_are_numbered_without_a_gap() {
    let text = std::fs::read_to_string(root().join("docs/format.md")).unwrap();
    let numbers: Vec<u32> = text
        .lines()
        .filter_map(|line| line.strip_prefix("## ")?.split_once('.')?.0.parse().ok())
        .collect();
    assert_eq!(numbers, (1..=11).collect::<Vec<_>>(), "a section was lost or moved");
}

fn anchor(heading: &str) -> String {
    heading
        .chars()
        .filter_map(|letter| match letter {
            ' ' => Some('-'),
            '-' | '_' => Some(letter),
            _ if letter.is_alphanumeric() => Some(letter.to_ascii_lowercase()),
            _ => None,
        })
        .collect()
}
