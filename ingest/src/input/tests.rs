//! Claims about containers: what is read, and what is refused by name.

use std::io::Write as _;

use super::*;
use zip::write::SimpleFileOptions;

fn zip_of(members: &[(&str, &[u8])]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut zip = zip::ZipWriter::new(file.reopen().unwrap());
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
    file
}

fn refusal(members: &[(&str, &[u8])]) -> String {
    Container::open(zip_of(members).path()).unwrap_err().to_string()
}

fn read(container: &mut Container, name: &str) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    container.open_text(name).unwrap().unwrap().read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[test]
fn the_members_of_a_zip_are_read_by_name() {
    let file = zip_of(&[("b/チ.txt", b"two"), ("a.txt", b"one")]);
    let mut zip = Container::open(file.path()).unwrap();
    assert_eq!(zip.members(), ["a.txt", "b/チ.txt"]);
    assert_eq!(read(&mut zip, "b/チ.txt").unwrap(), b"two");
    assert!(zip.open_member("c").unwrap().is_none());
}

#[test]
fn a_name_that_leads_out_of_the_zip_is_refused_by_name() {
    for name in ["../evil.json", "a/../../evil.json", "/evil.json", "c:evil.json", "a\\evil.json"] {
        let words = refusal(&[("channels.json", b"[]"), (name, b"x")]);
        assert!(words.contains("evil.json") && words.contains("leads out"), "{words}");
    }
}

/// Found by the fuzzer, whose rule was narrower than the reader's.
#[test]
fn two_slashes_in_a_row_lead_nowhere_else_than_one() {
    let file = zip_of(&[("days//a.json", b"first"), ("days/b.json", b"second")]);
    let mut zip = Container::open(file.path()).unwrap();
    assert_eq!(zip.members(), ["days//a.json", "days/b.json"]);
    assert_eq!(read(&mut zip, "days//a.json").unwrap(), b"first");
    let words = refusal(&[("//evil.json", b"x")]);
    assert!(words.contains("evil.json") && words.contains("leads out"), "{words}");
}

#[test]
fn a_member_too_deep_is_refused_by_name() {
    let name = format!("{}x", "d/".repeat(chat::limits::ZIP_DEPTH_MAX + 1));
    assert!(refusal(&[(&name, b"x")]).contains("16 folders"), "{}", refusal(&[(&name, b"x")]));
}

#[test]
fn two_members_of_one_name_are_refused_by_it() {
    // The writer refuses such a thing, so that another name of the same length is written over.
    let file = zip_of(&[("day/a.json", b"first"), ("day/b.json", b"second"), ("c.json", b"x")]);
    let mut bytes = std::fs::read(file.path()).unwrap();
    let name = b"day/b.json";
    for at in 0..bytes.len() - name.len() {
        if &bytes[at..at + name.len()] == name {
            bytes[at..at + name.len()].copy_from_slice(b"day/a.json");
        }
    }
    file.reopen().unwrap().write_all(&bytes).unwrap();
    let error = Container::open(file.path()).unwrap_err();
    assert!(error.is_bad_data());
    assert!(error.to_string().contains("\"day/a.json\": its name is there twice"), "{error}");
}

#[test]
fn a_bomb_stops_before_it_fills_the_memory() {
    let zeros = vec![0; 64 << 20];
    let file = zip_of(&[("bomb.json", &zeros)]);
    let mut zip = Container::open(file.path()).unwrap();
    assert!(read(&mut zip, "bomb.json").unwrap_err().to_string().contains("200 times"));

    let folder = tempfile::tempdir().unwrap();
    let packed = zstd::encode_all(zeros.as_slice(), 3).unwrap();
    File::create(folder.path().join("bomb.zst")).unwrap().write_all(&packed).unwrap();
    let mut container = Container::open(folder.path()).unwrap();
    assert!(read(&mut container, "bomb.zst").unwrap_err().to_string().contains("200 times"));
}

#[test]
fn a_zip_cut_off_says_what_was_expected() {
    let file = zip_of(&[("a.txt", b"one")]);
    let length = file.as_file().metadata().unwrap().len();
    file.reopen().unwrap().set_len(length - 10).unwrap();
    let error = Container::open(file.path()).unwrap().fault().unwrap();
    assert!(error.is_bad_data());
    assert!(error.to_string().contains("cut off"), "{error}");
}

#[test]
fn zstd_and_gzip_are_taken_off_and_a_folder_is_listed_without_links() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| {
        File::create(folder.path().join(name)).unwrap().write_all(bytes).unwrap();
    };
    std::fs::create_dir(folder.path().join("sub")).unwrap();
    put("sub/a.zst", &zstd::encode_all(b"one".as_slice(), 1).unwrap());
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(b"two").unwrap();
    put("b.gz", &gzip.finish().unwrap());
    #[cfg(unix)]
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link")).unwrap();
    let mut container = Container::open(folder.path()).unwrap();
    assert_eq!(container.members(), ["b.gz", "sub/a.zst"]);
    assert_eq!(read(&mut container, "sub/a.zst").unwrap(), b"one");
    assert_eq!(read(&mut container, "b.gz").unwrap(), b"two");
}
