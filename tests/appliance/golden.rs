//! Archives that earlier builds wrote are read and verified by this one. `tests/golden/vN` is one archive for each version of
//! the format; none is ever changed.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Appliance, copy_folder};

/// The versions of the format that this build reads.
const VERSIONS: &[&str] = &["v1"];

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden")
}

#[test]
fn every_version_of_the_format_has_a_golden_archive_and_every_one_is_read() {
    let folders =
        std::fs::read_dir(golden()).unwrap().flatten().filter(|entry| entry.path().is_dir());
    let mut found: Vec<_> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    found.sort();
    assert_eq!(found, VERSIONS);
}

#[test]
fn a_golden_archive_verifies_and_answers_as_on_the_day_it_was_written() {
    for version in VERSIONS {
        let appliance = Appliance::empty();
        copy_folder(&golden().join(version).join("archive"), &appliance.data());
        // Version control keeps no owner-only permission, and the archive insists on it.
        for key in std::fs::read_dir(appliance.data().join("keys")).unwrap().flatten() {
            std::fs::set_permissions(key.path(), std::fs::Permissions::from_mode(0o400)).unwrap();
        }
        let expected = std::fs::read(golden().join(version).join("expected.json")).unwrap();
        let expected: Value = serde_json::from_slice(&expected).unwrap();
        let verified = appliance.json(&["verify"]);
        assert_eq!(verified["ok"], true, "{version}: {verified:#}");
        for (query, hits) in expected["hits"].as_object().unwrap() {
            let page = appliance.json(&["search", query, "--limit", "100"]);
            let seqs: Vec<_> =
                page["hits"].as_array().unwrap().iter().map(|hit| hit["seq"].clone()).collect();
            assert_eq!(Value::from(seqs), *hits, "{version}: {query}");
        }
        let note = expected["checkpoint"].as_str().unwrap();
        let path = appliance.file("then.note", note);
        appliance.run(&["verify", "--since", path.to_str().unwrap()]).expect(0);
    }
}
