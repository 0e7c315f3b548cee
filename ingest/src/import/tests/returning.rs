//! Claims about inputs whose texts return to earlier ones.

use super::*;

const TEXTS: [&str; 3] = ["x1", "x2", "x3"];

/// Imports three files that say three things under one id, one after the other.
fn three_versions(bench: &Bench) -> [PathBuf; 3] {
    TEXTS.map(|text| {
        let path = bench.file(&format!("{text}.jsonl"), line(1, text, ",\"id\":\"12\""));
        let report = bench.import(&path);
        assert_eq!(report.accepted + report.revised, 1);
        path
    })
}

/// An input that says `text` and was never imported: it says one thing more.
fn fresh(bench: &Bench, name: &str, text: &str) -> PathBuf {
    let lines = line(1, text, ",\"id\":\"12\"") + &line(2, name, "");
    bench.file(&format!("{name}.jsonl"), lines)
}

#[test]
fn a_new_input_that_goes_back_to_an_earlier_text_is_recorded() {
    let bench = Bench::new();
    three_versions(&bench);
    let path = fresh(&bench, "back", "x1");
    let back = bench.import(&path);
    assert_eq!((back.accepted, back.revised, back.duplicates), (1, 1, 0));
    assert_eq!(bench.texts(EventKind::Edit), ["x2", "x3", "x1"]);
    let again = bench.import(&path);
    assert_eq!((again.accepted, again.revised, again.duplicates), (0, 0, 2));
    let same = bench.import(&fresh(&bench, "same", "x1"));
    assert_eq!((same.accepted, same.revised, same.duplicates), (1, 0, 1), "it is the newest");
}

#[test]
fn a_second_import_of_the_first_file_adds_nothing() {
    let bench = Bench::new();
    let [first, ..] = three_versions(&bench);
    for _ in 0..2 {
        let again = bench.import(&first);
        assert_eq!((again.accepted, again.revised, again.duplicates), (0, 0, 1));
    }
    assert_eq!(bench.texts(EventKind::Edit), ["x2", "x3"]);
}

#[test]
fn a_second_import_of_the_last_file_adds_nothing() {
    let bench = Bench::new();
    let [.., last] = three_versions(&bench);
    let again = bench.import(&last);
    assert_eq!((again.accepted, again.revised, again.duplicates), (0, 0, 1));
}

#[test]
fn a_file_is_known_by_its_bytes_after_a_restart_and_under_another_name() {
    let bench = Bench::new();
    three_versions(&bench);
    let Bench { folder, archive, ingest } = bench;
    ingest.close().unwrap();
    archive.close().unwrap();
    drop((ingest, archive));
    let path = folder.path().join("archive");
    let settings =
        ArchiveSettings { runs_upkeep: false, reserve_bytes: 0, ..ArchiveSettings::default() };
    let archive = Archive::open(&path, settings, Ports::production()).unwrap();
    let ingest = Ingest::open(Arc::clone(&archive), &Settings::default()).unwrap();
    let bench = Bench { folder, archive, ingest };
    let copy = bench.file("copy.jsonl", line(1, "x1", ",\"id\":\"12\""));
    assert_eq!(bench.import(&copy).duplicates, 1);
}

#[test]
fn files_of_one_folder_are_a_history_and_the_folder_again_adds_nothing() {
    let bench = Bench::new();
    for (month, text) in ["x1", "x2", "x1"].into_iter().enumerate() {
        bench.file(&format!("year/{month}.jsonl"), line(1, text, ",\"id\":\"12\""));
    }
    let year = bench.folder.path().join("year");
    let first = bench.import(&year);
    assert_eq!((first.accepted, first.revised, first.duplicates), (1, 2, 0));
    assert_eq!(bench.texts(EventKind::Edit), ["x2", "x1"]);
    let again = bench.import(&year);
    assert_eq!((again.accepted, again.revised, again.duplicates), (0, 0, 3));
}

#[test]
fn a_run_that_was_cut_short_knows_what_it_brought_itself_and_no_more() {
    let bench = Bench::new();
    three_versions(&bench);
    let mut lines = line(1, "x1", ",\"id\":\"12\"");
    let noise = chat::testing::SeededRng::new(5);
    for number in 0..5_000 {
        lines += &line(number, &format!("{:016x}{:016x}", noise.next(), noise.next()), "");
    }
    let packed = zstd::encode_all(lines.as_bytes(), 3).unwrap();
    let cut = bench.file("in.jsonl.zst", &packed[..packed.len() / 2]);
    let error = bench.try_import(&cut).unwrap_err();
    let Error::ImportCutShort { report, .. } = error else { panic!("{error}") };
    assert_eq!(report.revised, 1, "the text went back");
    assert_eq!(bench.import(&fresh(&bench, "on", "x4")).revised, 1);
    let error = bench.try_import(&cut).unwrap_err();
    let Error::ImportCutShort { report: again, .. } = error else { panic!("{error}") };
    assert_eq!((again.accepted, again.revised), (0, 0), "it brought that text before");
    assert_eq!(bench.texts(EventKind::Edit), ["x2", "x3", "x1", "x4"]);
}
