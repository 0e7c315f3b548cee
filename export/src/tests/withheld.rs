//! Fields that are withheld are nowhere in the package, and what is shown still proves; by both checkers.

use crate::tests::damage::Package;
use crate::tests::log::Log;
use crate::tests::python::{accepts, python};
use crate::tests::sample::{files, log};
use crate::{Error, ExportSet, FindingKind, Withheld};

fn without(fields: &'static [Withheld]) -> impl Fn(&Log) -> ExportSet {
    move |log| {
        let mut selection = log.selection(1..=11);
        selection.withheld = Withheld::with_repetitions(fields);
        ExportSet::freeze(selection).unwrap()
    }
}

/// Returns everything in a package as text, its streams unpacked.
fn everything(package: &Package) -> String {
    let mut all = String::new();
    for (name, bytes) in files(&package.path()) {
        let is_packed = std::path::Path::new(&name).extension().is_some_and(|end| end == "zst");
        let bytes = if is_packed { zstd::decode_all(bytes.as_slice()).unwrap() } else { bytes };
        all.push_str(&String::from_utf8_lossy(&bytes));
    }
    all
}

#[test]
fn what_is_withheld_is_nowhere_in_the_package_and_the_rest_still_proves() {
    let python = python("what_is_withheld_is_nowhere_in_the_package_and_the_rest_still_proves");
    let cases: [(&'static [Withheld], &[&str], &str); 5] = [
        (&[Withheld::Raw], &["\"00ff0a\""], "raw 1"),
        (&[Withheld::Text], &["first words", "second words", "<b>x</b>", "世界"], "rich_text 1"),
        (&[Withheld::Author], &["Person 2", "Person 3", "person3"], "author"),
        (&[Withheld::Attachments], &["evil", "gone.txt", "the file's bytes"], "attachments 2"),
        (&Withheld::ALL, &["house-event", "Title", "topic-set", "t-1", "Room 1"], "title 1"),
    ];
    for (fields, hidden, said) in cases {
        let whole = everything(&Package::of(log()));
        let package = Package::of_set(log(), without(fields));
        let report = package.check();
        assert_eq!(report.findings, [], "{fields:?}");
        assert!(report.proven.iter().any(|s| s.contains(said)), "{:?}", report.proven);
        let left = everything(&package);
        for words in hidden {
            assert!(!left.contains(words), "{fields:?}: {words}");
        }
        assert!(hidden.iter().any(|words| whole.contains(words)), "{fields:?} hides something");
        if let Some(python) = &python {
            assert!(accepts(python, &package), "{fields:?}");
        }
    }
}

#[test]
fn a_field_that_is_withheld_in_silence_is_found() {
    let python = python("a_field_that_is_withheld_in_silence_is_found");
    let package = Package::of_set(log(), without(&[Withheld::Title]));
    package.reseal(|manifest| manifest.set.withheld.clear());
    assert_eq!(package.check().findings[0].kind, FindingKind::Proof);
    let miscounted = Package::of_set(log(), without(&[Withheld::Title]));
    miscounted.reseal(|manifest| drop(manifest.counts.withheld.pop_first()));
    assert_eq!(miscounted.check().findings[0].kind, FindingKind::Manifest);
    if let Some(python) = &python {
        assert!(!accepts(python, &package) && !accepts(python, &miscounted));
    }
}

#[test]
fn what_repeats_a_withheld_field_is_withheld_with_it() {
    let fields = Withheld::with_repetitions(&[Withheld::Email]);
    let words: Vec<_> = fields.iter().map(|field| field.word()).collect();
    assert_eq!(words, ["act", "email", "foreign_id", "raw"]);
    let mut selection = log().selection([1]);
    selection.withheld = vec![Withheld::Text];
    assert!(matches!(ExportSet::freeze(selection), Err(Error::SetWithheld)));
}

#[test]
fn a_set_keeps_what_it_withholds() {
    let log = log();
    let set = without(&[Withheld::Email])(&log);
    let again = ExportSet::from_bytes(&set.to_bytes()).unwrap();
    assert_eq!(again, set);
    assert_ne!(again.id(), log.whole().id());
}
