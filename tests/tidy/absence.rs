//! What must not be there: each rule here is an invariant of ARCHITECTURE.md.

use tests::{Source, root, sources};

/// Returns the sources of a member, without the files that are compiled for tests alone.
fn product(member: &str) -> Vec<Source> {
    let prefix = format!("{member}/src/");
    let all: Vec<_> =
        sources(".rs").into_iter().filter(|source| source.path.starts_with(&prefix)).collect();
    let hidden: Vec<_> = all.iter().flat_map(test_modules).collect();
    let is_hidden = |path: &str| {
        hidden
            .iter()
            .any(|module| path == format!("{module}.rs") || path.starts_with(&format!("{module}/")))
    };
    all.into_iter().filter(|source| !is_hidden(&source.path)).collect()
}

/// Returns where the modules lie that a file declares for tests alone, without their ending.
fn test_modules(source: &Source) -> Vec<String> {
    let stem = source.path.trim_end_matches(".rs");
    let folder = match stem.rsplit_once('/') {
        Some((folder, "lib" | "main" | "mod")) => folder,
        _ => stem,
    };
    let lines: Vec<_> = source.text.lines().map(str::trim).collect();
    let declared = lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]");
    let name = |line: &str| {
        let words = line.trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ");
        words.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')).map(str::to_owned)
    };
    declared.filter_map(|pair| name(pair[1])).map(|name| format!("{folder}/{name}")).collect()
}

/// Returns the lines of code outside of comments and of test modules, which stand last in their file.
fn code(source: &Source) -> impl Iterator<Item = (usize, &str)> {
    source
        .text
        .lines()
        .enumerate()
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn refuse(member: &str, banned: &[&str]) {
    for source in product(member) {
        for (number, line) in code(&source) {
            for word in banned {
                assert!(
                    !line.contains(word),
                    "{}:{} has {word}, which {member} must not know",
                    source.path,
                    number + 1
                );
            }
        }
    }
}

#[test]
fn the_pure_members_know_no_clock_no_disk_no_net_and_no_chance() {
    let banned = [
        "std::fs",
        "std::net",
        "std::env",
        "std::process",
        "SystemTime",
        "Instant::now",
        "Utc::now",
        "Local::now",
        "tokio",
        "sqlx",
        "getrandom",
        "thread_rng",
        "println!",
        "eprintln!",
    ];
    for member in ["chat", "query", "policy"] {
        refuse(member, &banned);
    }
}

#[test]
fn only_the_server_knows_arguments_environment_and_standard_output() {
    for member in ["archive", "ingest", "index", "export", "rooms"] {
        refuse(member, &["std::env", "println!", "eprintln!", "std::io::stdout", "process::exit"]);
    }
}

#[test]
fn the_index_knows_no_export_and_the_export_cannot_search() {
    refuse("index", &["export::"]);
    refuse("export", &["index::", "query::", "tantivy"]);
}

#[test]
fn a_search_scope_is_made_in_one_place_alone() {
    for source in product("server") {
        let made = code(&source).any(|(_, line)| line.contains("Scope::"));
        assert!(
            !made || source.path.starts_with("server/src/auth"),
            "{} makes a Scope; only server/src/auth may",
            source.path
        );
    }
}

#[test]
fn the_format_crate_never_uses_the_byte_order_of_the_machine() {
    refuse("archive", &["to_ne_bytes", "from_ne_bytes"]);
    refuse("chat", &["to_ne_bytes", "from_ne_bytes"]);
}

#[test]
fn every_limit_is_used() {
    let limits = std::fs::read_to_string(root().join("chat/src/limits.rs")).unwrap();
    let names = limits.lines().filter_map(|line| line.strip_prefix("pub const "));
    let others: Vec<_> =
        sources(".rs").into_iter().filter(|source| source.path != "chat/src/limits.rs").collect();
    for name in names.filter_map(|line| line.split(':').next()) {
        assert!(
            others.iter().any(|source| source.text.contains(name)),
            "the limit {name} is used nowhere"
        );
    }
}

#[test]
fn no_shipped_text_promises_to_be_finished_later() {
    for source in sources(".rs").into_iter().chain(sources(".md")) {
        if source.path.starts_with("tests/tidy/") || source.path.starts_with("docs/decisions/") {
            continue;
        }
        for word in ["TO".to_owned() + "DO", "FIX".to_owned() + "ME"] {
            assert!(!source.text.contains(&word), "{} has {word}", source.path);
        }
    }
}
