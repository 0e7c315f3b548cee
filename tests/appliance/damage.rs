//! One flipped byte in each kind of file is found and reported.

use std::path::{Path, PathBuf};

use chat::testing::SeededRng;

use crate::support::Appliance;

fn filled() -> Appliance {
    let appliance = Appliance::create();
    // A small threshold, so that some of it is sealed and some still lies in the journal.
    appliance.file("data/muniment.toml", "[archive]\nseal_bytes = 131072\n");
    let lines: Vec<_> = (0..900)
        .map(|number| {
            format!(
                r##"{{"source":"desk","room":"#fx","sender":"Ada","time":"2024-03-04T09:15:00Z","id":"{number}","text":"message number {number}","attachments":[{{"name":"a.txt","path":"a.txt"}}]}}"##
            )
        })
        .collect();
    appliance.file("a.txt", "the attached words");
    let folder = appliance.path("");
    let path = appliance.file("chat.jsonl", lines.join("\n"));
    appliance.import(&path, &["--attachments", folder.to_str().unwrap()], 0);
    appliance
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            found.extend(files_below(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

#[test]
fn one_flipped_byte_in_each_kind_of_file_is_reported() {
    let appliance = filled();
    appliance.run(&["verify"]).expect(0);
    let rng = SeededRng::new(11);
    let mut kinds = 0;
    for folder in ["journal", "segments", "tree", "checkpoints", "blobs", "keys"] {
        let Some(path) = files_below(&appliance.data().join(folder)).into_iter().next() else {
            continue;
        };
        kinds += 1;
        let good = std::fs::read(&path).unwrap();
        for _ in 0..4 {
            let mut bad = good.clone();
            let place = usize::try_from(rng.below(u64::try_from(bad.len()).unwrap())).unwrap();
            bad[place] ^= 1 << rng.below(8);
            write_over(&path, &bad);
            let outcome = appliance.run(&["verify"]);
            assert_ne!(outcome.code, Some(0), "byte {place} of {}: {outcome:#?}", path.display());
        }
        write_over(&path, &good);
    }
    assert!(kinds >= 5, "only {kinds} kinds of file were there to be damaged");
    appliance.run(&["verify"]).expect(0);
}

/// Writes in place: the file keeps its owner-only permission.
fn write_over(path: &Path, bytes: &[u8]) {
    use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
    let mode = std::fs::metadata(path).unwrap().permissions().mode();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.write_all_at(bytes, 0).unwrap();
    file.set_len(u64::try_from(bytes.len()).unwrap()).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}
