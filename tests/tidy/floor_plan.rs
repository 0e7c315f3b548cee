//! The arrows between members: the list here is ARCHITECTURE.md's, and the manifests must draw no other.

use std::collections::BTreeSet;

use tests::root;

/// Each member and the members it may use.
const FLOOR_PLAN: &[(&str, &[&str])] = &[
    ("chat", &[]),
    ("query", &["chat"]),
    ("policy", &["chat", "query"]),
    ("archive", &["chat", "policy"]),
    ("ingest", &["chat", "policy", "archive"]),
    ("index", &["chat", "query", "archive"]),
    ("export", &["chat", "archive"]),
    ("rooms", &["chat"]),
    ("server", &["chat", "query", "policy", "archive", "ingest", "index", "export", "rooms"]),
    (
        "tests",
        &["chat", "query", "policy", "archive", "ingest", "index", "export", "rooms", "server"],
    ),
];

fn manifest(member: &str) -> toml::Table {
    let path = root().join(member).join("Cargo.toml");
    let text = std::fs::read_to_string(&path).expect("every member has a manifest");
    text.parse().expect("a manifest is TOML")
}

fn used(manifest: &toml::Table, table: &str) -> BTreeSet<String> {
    let names = manifest.get(table).and_then(toml::Value::as_table);
    names.map(|names| names.keys().cloned().collect()).unwrap_or_default()
}

fn is_member(name: &str) -> bool {
    FLOOR_PLAN.iter().any(|(member, _)| *member == name)
}

#[test]
fn the_workspace_has_these_members_and_no_other() {
    let text = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let workspace: toml::Table = text.parse().unwrap();
    let members = workspace["workspace"]["members"].as_array().unwrap();
    let members: BTreeSet<_> = members.iter().filter_map(toml::Value::as_str).collect();
    let planned: BTreeSet<_> = FLOOR_PLAN.iter().map(|(member, _)| *member).collect();
    assert_eq!(members, planned);
}

#[test]
fn every_arrow_between_members_is_drawn_on_the_floor_plan() {
    for (member, allowed) in FLOOR_PLAN {
        for name in used(&manifest(member), "dependencies") {
            assert!(
                !is_member(&name) || allowed.contains(&name.as_str()),
                "{member} uses {name}, which the floor plan does not allow"
            );
        }
    }
}

#[test]
fn no_test_of_a_member_borrows_from_a_floor_above_it() {
    for (member, allowed) in FLOOR_PLAN {
        for name in used(&manifest(member), "dev-dependencies") {
            assert!(
                !is_member(&name) || allowed.contains(&name.as_str()) || name == *member,
                "tests of {member} use {name}, which the floor plan does not allow"
            );
        }
    }
}

#[test]
fn no_member_is_published_and_every_member_keeps_the_lints() {
    for (member, _) in FLOOR_PLAN {
        let manifest = manifest(member);
        let publish = &manifest["package"]["publish"];
        assert_eq!(publish.get("workspace").and_then(toml::Value::as_bool), Some(true), "{member}");
        assert_eq!(manifest["lints"]["workspace"].as_bool(), Some(true), "{member}");
    }
}
