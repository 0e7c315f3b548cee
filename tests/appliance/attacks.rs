//! An insider with root, every key and this very program, against one who keeps a single checkpoint elsewhere: whatever is
//! done to what lay before that checkpoint, `verify --since` finds it.

use std::path::{Path, PathBuf};

use crate::support::{Appliance, copy_folder, python};

/// Small, so that most of the log is sealed and some of it still lies in the journal.
const SETTINGS: &str = "[archive]\nseal_bytes = 65536\n";
const LINES: usize = 700;

/// The archive before anything was said, the archive as it was, and the checkpoint that is kept elsewhere.
struct World {
    founding: Appliance,
    honest: Appliance,
    kept: String,
}

fn line(number: usize) -> String {
    let more = if number % 100 == 7 {
        format!(r#","attachments":[{{"name":"a{number}.txt","path":"a{number}.txt"}}]"#)
    } else {
        String::new()
    };
    format!(
        r##"{{"source":"desk","room":"#r{}","sender":"P{}","time":"2024-03-04T09:{:02}:{:02}Z","id":"{number}","text":"message number {number} of the morning"{more}}}"##,
        number % 3,
        number % 5,
        number / 60,
        number % 60,
    )
}

/// Says these lines in an archive, with their files, and signs what it then has.
fn say(appliance: &Appliance, lines: &[String], attached: &str) {
    for number in (7..LINES).step_by(100) {
        appliance.file(&format!("a{number}.txt"), format!("{attached} {number}"));
    }
    let path = appliance.file("chat.jsonl", lines.join("\n"));
    let folder = appliance.path("");
    appliance.import(&path, &["--attachments", folder.to_str().unwrap()], 0);
    appliance.run(&["checkpoint"]).expect(0);
}

impl World {
    fn create() -> Self {
        let founding = Appliance::create();
        founding.file("data/muniment.toml", SETTINGS);
        let honest = Appliance::copy_of(&founding);
        say(&honest, &(0..LINES).map(line).collect::<Vec<_>>(), "the attached words");
        let kept = honest.run(&["checkpoint"]).expect(0).stdout;
        Self { founding, honest, kept }
    }

    /// Grows another history from the same founding, under the same keys, longer than the true one.
    fn fork(&self, change: impl FnOnce(&mut Vec<String>)) -> Appliance {
        let fork = Appliance::copy_of(&self.founding);
        let mut lines: Vec<_> = (0..LINES).map(line).collect();
        change(&mut lines);
        lines.extend((LINES..LINES + 20).map(line));
        say(&fork, &lines, "the attached words");
        fork
    }

    /// Takes a copy of the true archive and does something to its files.
    fn damaged(&self, damage: impl FnOnce(&Path)) -> Appliance {
        let copy = Appliance::copy_of(&self.honest);
        damage(&copy.data());
        copy
    }
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            found.extend(files(&entry.path(), ending));
        } else if entry.file_name().to_string_lossy().ends_with(ending) {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 3;
    bytes[middle] ^= 1;
    write_over(path, &bytes);
}

/// Writes in place: the file keeps its permission.
fn write_over(path: &Path, bytes: &[u8]) {
    use std::os::unix::fs::PermissionsExt as _;
    let before = std::fs::metadata(path).unwrap().permissions();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(path, bytes).unwrap();
    std::fs::set_permissions(path, before).unwrap();
}

fn swap(one: &Path, other: &Path) {
    let (first, second) = (std::fs::read(one).unwrap(), std::fs::read(other).unwrap());
    write_over(one, &second);
    write_over(other, &first);
}

fn remove_all(folder: &Path, ending: &str) {
    for path in files(folder, ending) {
        std::fs::remove_file(path).unwrap();
    }
}

fn replace_folder(from: &Path, to: &Path) {
    std::fs::remove_dir_all(to).unwrap();
    copy_folder(from, to);
}

type Attack = (&'static str, fn(&World) -> Appliance);

/// Histories told anew from the beginning, with the archive's own keys: every file is sound, and every checkpoint signed.
const RETOLD: &[Attack] = &[
    ("a word is changed", |world| {
        world.fork(|lines| lines[300] = lines[300].replace("morning", "evening"))
    }),
    ("a letter is changed for one that looks the same", |world| {
        world.fork(|lines| lines[300] = lines[300].replace("morning", "m\u{43e}rning"))
    }),
    ("a space is added", |world| {
        world.fork(|lines| lines[300] = lines[300].replace("the morning", "the  morning"))
    }),
    ("a message is dropped", |world| world.fork(|lines| drop(lines.remove(300)))),
    ("the first message is dropped", |world| world.fork(|lines| drop(lines.remove(0)))),
    ("the last message is dropped", |world| world.fork(|lines| drop(lines.pop()))),
    ("a message is inserted", |world| {
        world.fork(|lines| lines.insert(300, line(301).replace("\"301\"", "\"x\"")))
    }),
    ("two messages change places", |world| world.fork(|lines| lines.swap(300, 301))),
    ("all messages stand in the other order", |world| world.fork(|lines| lines.reverse())),
    ("a message is dated back", |world| {
        world.fork(|lines| lines[300] = lines[300].replace("2024-03-04", "2023-03-04"))
    }),
    ("a message is put into another mouth", |world| {
        world.fork(|lines| lines[300] = lines[300].replace("\"P0\"", "\"P1\""))
    }),
    ("a message is put into another room", |world| {
        world.fork(|lines| lines[300] = lines[300].replace("#r0", "#r1"))
    }),
    ("a message gets another id in its source", |world| {
        world.fork(|lines| lines[300] = lines[300].replace("\"300\"", "\"300b\""))
    }),
    ("a message is said to come from another source", |world| {
        world.fork(|lines| lines[300] = lines[300].replace("\"desk\"", "\"feed\""))
    }),
    ("all messages are said to come from another source", |world| {
        world.fork(|lines| {
            for line in lines.iter_mut() {
                *line = line.replace("\"desk\"", "\"feed\"");
            }
        })
    }),
    ("a file is left out", |world| {
        world.fork(|lines| lines[307] = line(308).replace("308", "307"))
    }),
    ("the words of the files are changed", |world| {
        let fork = Appliance::copy_of(&world.founding);
        say(&fork, &(0..LINES + 20).map(line).collect::<Vec<_>>(), "other words");
        fork
    }),
    ("the archive is rolled back to its beginning", |world| Appliance::copy_of(&world.founding)),
    ("the archive is rolled back and tells half of it", |world| {
        let fork = Appliance::copy_of(&world.founding);
        say(&fork, &(0..LINES / 2).map(line).collect::<Vec<_>>(), "the attached words");
        fork
    }),
    ("the archive is replaced by another with the same words", |_| {
        let other = Appliance::create();
        other.file("data/muniment.toml", SETTINGS);
        say(&other, &(0..LINES + 20).map(line).collect::<Vec<_>>(), "the attached words");
        other
    }),
];

/// Files of the true archive damaged, swapped, or taken from another.
const FORGED: &[Attack] = &[
    ("an archive rolled back keeps the newest checkpoints", |world| {
        let back = Appliance::copy_of(&world.founding);
        replace_folder(&world.honest.data().join("checkpoints"), &back.data().join("checkpoints"));
        back
    }),
    ("the journal is cut and the checkpoints beyond the cut are gone", |world| {
        world.damaged(|data| {
            let journal = files(&data.join("journal"), ".journal");
            let bytes = std::fs::read(&journal[0]).unwrap();
            write_over(&journal[0], &bytes[..200]);
            journal[1..].iter().for_each(|later| std::fs::remove_file(later).unwrap());
            remove_all(&data.join("checkpoints"), ".note");
        })
    }),
    ("the journal and all checkpoints are gone", |world| {
        world.damaged(|data| {
            remove_all(&data.join("journal"), ".journal");
            remove_all(&data.join("checkpoints"), ".note");
        })
    }),
    ("a sealed file of talk is gone", |world| {
        world.damaged(|data| {
            std::fs::remove_file(&files(&data.join("segments"), ".talk")[0]).unwrap();
        })
    }),
    ("a sealed file of the ledger is gone", |world| {
        world.damaged(|data| {
            std::fs::remove_file(&files(&data.join("segments"), ".ledger")[0]).unwrap();
        })
    }),
    ("both files of a sealed range are gone", |world| {
        world.damaged(|data| {
            std::fs::remove_file(&files(&data.join("segments"), ".ledger")[0]).unwrap();
            std::fs::remove_file(&files(&data.join("segments"), ".talk")[0]).unwrap();
        })
    }),
    ("two sealed files change names", |world| {
        world.damaged(|data| {
            let talk = files(&data.join("segments"), ".talk");
            swap(&talk[0], &talk[1]);
        })
    }),
    ("a byte of a sealed file is changed", |world| {
        world.damaged(|data| flip(&files(&data.join("segments"), ".talk")[0]))
    }),
    ("a byte of the journal is changed", |world| {
        world.damaged(|data| flip(&files(&data.join("journal"), ".journal")[0]))
    }),
    ("a byte of the stored tree is changed", |world| {
        world.damaged(|data| flip(&data.join("tree/edge")))
    }),
    ("two files of the messages change places", |world| {
        world.damaged(|data| {
            let blobs = files(&data.join("blobs"), "");
            swap(&blobs[0], &blobs[1]);
        })
    }),
    ("a file of a message is gone", |world| {
        world.damaged(|data| std::fs::remove_file(&files(&data.join("blobs"), "")[0]).unwrap())
    }),
    ("the sealed files of another history are put in, with their keys and their tree", |world| {
        let fork = world.fork(|lines| lines[300] = lines[300].replace("morning", "evening"));
        world.damaged(|data| {
            for part in ["segments", "tree", "journal", "keys", "origins", "blobs"] {
                replace_folder(&fork.data().join(part), &data.join(part));
            }
        })
    }),
    ("the same, and its checkpoints and its catalog too", |world| {
        let fork = world.fork(|lines| lines[300] = lines[300].replace("morning", "evening"));
        world.damaged(|data| {
            for part in ["segments", "tree", "journal", "keys", "origins", "blobs", "checkpoints"] {
                replace_folder(&fork.data().join(part), &data.join(part));
            }
            for part in
                files(data, "").iter().filter(|path| path.to_string_lossy().contains("catalog"))
            {
                std::fs::remove_file(part).unwrap();
            }
        })
    }),
    ("the ring of keys is cut", |world| {
        world.damaged(|data| {
            let ring = data.join("keys/ring");
            let bytes = std::fs::read(&ring).unwrap();
            write_over(&ring, &bytes[..32 + 80]);
        })
    }),
    ("another archive says that it is this one", |world| {
        let other = Appliance::create();
        say(&other, &(0..LINES + 20).map(line).collect::<Vec<_>>(), "the attached words");
        std::fs::copy(world.honest.data().join("archive.json"), other.data().join("archive.json"))
            .unwrap();
        other
    }),
    ("the archive names another key as its own", |world| {
        let other = Appliance::create().json(&["status"])["public_key"].clone();
        let own = world.honest.json(&["status"])["public_key"].clone();
        world.damaged(|data| {
            let path = data.join("archive.json");
            let text = std::fs::read_to_string(&path).unwrap();
            let forged = text.replace(own.as_str().unwrap(), other.as_str().unwrap());
            assert_ne!(forged, text);
            write_over(&path, forged.as_bytes());
        })
    }),
    ("the newest checkpoint claims another size", |world| {
        world.damaged(|data| {
            let newest = files(&data.join("checkpoints"), ".note").pop().unwrap();
            let text = std::fs::read_to_string(&newest).unwrap();
            let size = text.lines().nth(1).unwrap().to_owned();
            let other = (size.parse::<u64>().unwrap() - 1).to_string();
            write_over(&newest, text.replacen(&size, &other, 1).as_bytes());
        })
    }),
];

/// Attacks an archive and returns what `verify --since` the kept checkpoint says, if it did not find it.
fn undetected(world: &World, (name, attack): &Attack) -> Option<String> {
    let attacked = attack(world);
    let note = attacked.file("kept.note", &world.kept);
    let outcome = attacked.run(&["verify", "--since", note.to_str().unwrap()]);
    let is_found = match outcome.code {
        Some(1) => outcome.stdout.starts_with("FAILED"),
        // What cannot even be opened is refused with its reason.
        Some(65 | 74 | 78) => outcome.stderr.starts_with("muniment: "),
        _ => false,
    };
    let said = outcome.stdout.lines().nth(1).unwrap_or_else(|| outcome.stderr.trim());
    println!("{name}: {:?} {}", outcome.code, said.chars().take(160).collect::<String>());
    (!is_found).then(|| format!("{name}: {outcome:#?}"))
}

#[test]
fn every_attack_of_an_insider_is_found_by_who_kept_a_checkpoint_elsewhere() {
    let world = World::create();
    let note = world.honest.file("kept.note", &world.kept);
    let arguments = ["verify", "--since", note.to_str().unwrap()];
    Appliance::copy_of(&world.honest).run(&arguments).expect(0);
    let missed: Vec<_> =
        RETOLD.iter().chain(FORGED).filter_map(|attack| undetected(&world, attack)).collect();
    println!("{} attacks, {} not found", RETOLD.len() + FORGED.len(), missed.len());
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn a_signing_key_that_was_swapped_is_found_though_everything_else_is_sound() {
    let test = "a_signing_key_that_was_swapped_is_found_though_everything_else_is_sound";
    let world = World::create();
    let attacked = world.damaged(|data| remove_all(&data.join("checkpoints"), ".note"));
    let script = "tests/oracles/swap_signing_key.py";
    let Some(_) = python(test, script, &[&attacked.data()]) else { return };
    let note = attacked.file("kept.note", &world.kept);
    let outcome = attacked.run(&["verify", "--since", note.to_str().unwrap()]).expect(1);
    assert!(outcome.stdout.starts_with("FAILED"), "{outcome:#?}");
    assert!(outcome.stdout.contains("signing"), "{outcome:#?}");
}
