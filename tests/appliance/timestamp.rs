//! Time stamps by an authority that `openssl ts` plays: requested, attached, counted and checked; and by openssl too.

use std::path::PathBuf;
use std::process::Command;

use crate::support::Appliance;

const SETTINGS: &str =
    "[tsa]\ndefault_tsa = stamps\n[stamps]\nserial = serial\ncrypto_device = builtin
signer_digest = sha256\ndefault_policy = 1.2.3.4.1\ndigests = sha256\ness_cert_id_alg = sha256\n";

/// Two roots, and an authority under the first.
const MADE: &str = "set -e
for root in root other; do
  openssl req -x509 -newkey rsa:2048 -nodes -keyout $root.key -out $root.pem -days 3650 -subj \"/CN=$root\" \\
    -addext basicConstraints=critical,CA:true -addext keyUsage=critical,keyCertSign
done
openssl req -newkey rsa:2048 -nodes -keyout tsa.key -out tsa.csr -subj '/CN=Stamps'
echo extendedKeyUsage=critical,timeStamping > tsa.ext
openssl x509 -req -in tsa.csr -CA root.pem -CAkey root.key -CAcreateserial -days 3650 -extfile tsa.ext -out tsa.pem
echo 01 > serial";

const ANSWER: &str = "openssl ts -reply -config tsa.cnf -queryfile monday.tsq -signer tsa.pem -inkey tsa.key -out monday.tsr";

fn shell(appliance: &Appliance, script: &str) -> bool {
    let output =
        Command::new("sh").args(["-c", script]).current_dir(appliance.path("")).output().unwrap();
    output.status.success()
}

/// Returns the file of the one time stamp that is kept.
fn kept(appliance: &Appliance) -> PathBuf {
    let entries = std::fs::read_dir(appliance.data().join("checkpoints")).unwrap().flatten();
    let mut stamps = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "tsr"));
    let (Some(one), None) = (stamps.next(), stamps.next()) else { panic!("one stamp is kept") };
    one
}

#[test]
fn a_time_stamp_is_requested_attached_and_weighed_and_a_damaged_or_foreign_one_is_found() {
    let test =
        "a_time_stamp_is_requested_attached_and_weighed_and_a_damaged_or_foreign_one_is_found";
    let (appliance, other) = (Appliance::create(), Appliance::create());
    if !shell(&appliance, "openssl version") {
        println!("skipped: {test}: no openssl");
        return;
    }
    appliance.file("tsa.cnf", SETTINGS);
    assert!(shell(&appliance, MADE), "openssl makes certificates");
    let line = r##"{"source":"feed","room":"#fx","sender":"Ada","time":"2024-03-04T09:15:00Z","id":"1","text":"words"}"##;
    appliance.import(&appliance.file("one.jsonl", line), &[], 0);
    let out = appliance.path("monday");
    let asked = appliance.json(&["timestamp", "request", "--out", out.to_str().unwrap()]);
    appliance.run(&["timestamp", "request", "--out", out.to_str().unwrap()]).expect(73);
    assert!(shell(&appliance, ANSWER), "openssl answers");
    let [response, root, foreign] =
        ["monday.tsr", "root.pem", "other.pem"].map(|name| appliance.path(name));
    let [response, root, foreign] = [&response, &root, &foreign].map(|path| path.to_str().unwrap());

    let refused = appliance.run(&["timestamp", "attach", response, "--authority", foreign]);
    assert!(refused.expect(1).stderr.contains("leads to none of the authorities"));
    let refused = other.run(&["timestamp", "attach", response]).expect(1);
    assert!(refused.stderr.contains("stamps none of this archive"), "{refused:#?}");
    let attached = appliance.json(&["timestamp", "attach", response, "--authority", root]);
    assert_eq!((&attached["size"], &attached["trusted"]), (&asked["size"], &true.into()));
    appliance.json(&["timestamp", "attach", response]);
    let listed = appliance.run(&["--json", "timestamp", "list"]).expect(0).json();
    assert_eq!((&listed["at"], &listed["authority"]), (&attached["at"], &"CN=Stamps".into()));
    let acts = appliance.run(&["--json", "audit"]).expect(0).stdout;
    assert!(acts.contains("list-timestamps"), "a look at what is kept is on record: {acts}");

    let report = appliance.json(&["verify"]);
    assert_eq!(report["timestamps"], 1, "{report:#}");
    assert!(report["proven"].to_string().contains("which nobody vouched for"), "{report:#}");
    let report = appliance.json(&["verify", "--authority", root]);
    assert!(report["proven"].to_string().contains("says CN=Stamps, which you trust"), "{report:#}");
    let note = kept(&appliance).with_extension("").with_extension("note");
    std::fs::copy(note, appliance.path("kept.note")).unwrap();
    let by_openssl = "openssl ts -verify -data kept.note -in monday.tsr -CAfile root.pem";
    assert!(shell(&appliance, by_openssl), "openssl says so too");

    let path = kept(&appliance);
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let report = appliance.run(&["--json", "verify"]).expect(1).json();
    assert!(report["findings"].to_string().contains("its signature does not hold"), "{report:#}");
    appliance.run(&["timestamp", "list"]).expect(1);
}

#[test]
fn an_insider_who_signs_another_history_is_found_by_the_time_stamp() {
    let test = "an_insider_who_signs_another_history_is_found_by_the_time_stamp";
    let appliance = Appliance::create();
    if !shell(&appliance, "openssl version") {
        println!("skipped: {test}: no openssl");
        return;
    }
    appliance.file("tsa.cnf", SETTINGS);
    assert!(shell(&appliance, MADE), "openssl makes certificates");
    let line = r##"{"source":"feed","room":"#fx","sender":"Ada","time":"2024-03-04T09:15:00Z","id":"1","text":"words"}"##;
    appliance.import(&appliance.file("one.jsonl", line), &[], 0);
    let before = appliance.path("before");
    assert!(shell(&appliance, &format!("cp -a {} before", appliance.data().display())));
    let second = line.replace(r#""id":"1""#, r#""id":"2""#);
    appliance.import(&appliance.file("second.jsonl", &second), &[], 0);
    let out = appliance.path("monday");
    appliance.json(&["timestamp", "request", "--out", out.to_str().unwrap()]);
    assert!(shell(&appliance, ANSWER), "openssl answers");
    let response = appliance.path("monday.tsr");
    appliance.json(&["timestamp", "attach", response.to_str().unwrap()]);
    let stamp = kept(&appliance);

    // The archive as it was before, with its own keys: another line takes the place of what followed, and is signed.
    let data = appliance.data();
    std::fs::rename(&data, appliance.path("stamped")).unwrap();
    std::fs::rename(&before, &data).unwrap();
    let forged = second.replace("words", "other");
    appliance.import(&appliance.file("forged.jsonl", &forged), &[], 0);
    appliance.run(&["checkpoint"]).expect(0);
    appliance.run(&["verify"]).expect(0);
    let kept_there = data.join("checkpoints").join(stamp.file_name().unwrap());
    let was = appliance.path("stamped").join("checkpoints").join(stamp.file_name().unwrap());
    std::fs::copy(was, kept_there).unwrap();
    let report = appliance.run(&["--json", "verify"]).expect(1).json();
    let found = report["findings"].to_string();
    assert!(found.contains("the time stamp of"), "{report:#}");
}
