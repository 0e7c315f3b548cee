//! TLS: what is needed to listen beyond loopback, which certificate is shown, and who is trusted.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};

use crate::running::Running;
use crate::support::{Appliance, Outcome};

/// Runs of the command line within which a signal has been heard.
const ASKED_MAX: usize = 200;

/// Writes a certificate of its own making for loopback, and its key for its owner alone.
fn certify(appliance: &Appliance) -> (PathBuf, PathBuf) {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = appliance.file("cert.pem", made.cert.pem());
    let key = appliance.file("key.pem", made.signing_key.serialize_pem());
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    (certificate, key)
}

/// Returns an archive that is configured with the two files.
fn configured() -> (Appliance, PathBuf, PathBuf) {
    let appliance = Appliance::create();
    let (certificate, key) = certify(&appliance);
    appliance.settle_configuration(&format!(
        "[tls]\ncertificate = '{}'\nkey = '{}'\n",
        certificate.display(),
        key.display()
    ));
    (appliance, certificate, key)
}

/// Writes a token that may read, and returns its file.
fn token(appliance: &Appliance) -> PathBuf {
    let token = appliance.json(&["token", "issue", "--name", "t", "--scope", "read"]);
    appliance.file("token", token["token"].as_str().unwrap())
}

/// Asks a server for its newest checkpoint by the command line.
fn ask(appliance: &Appliance, url: &str, token: &Path, trusted: Option<&Path>) -> Outcome {
    let mut arguments = vec!["--server", url, "--token-file", token.to_str().unwrap()];
    arguments.extend(trusted.map(|file| ["--ca", file.to_str().unwrap()]).iter().flatten());
    arguments.push("checkpoint");
    appliance.run(&arguments)
}

/// Sends one request by TLS and returns the answer as it comes.
fn by_tls(address: &str, certificate: &Path, request: &str) -> String {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let connection = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = rustls::StreamOwned::new(connection, TcpStream::connect(address).unwrap());
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// W4, the refusal.
#[test]
fn beyond_loopback_without_tls_nothing_listens() {
    let appliance = Appliance::create();
    for listen in ["0.0.0.0:0", "[::]:0"] {
        let outcome = appliance.run(&["serve", "--listen", listen]).expect(78);
        assert!(outcome.stderr.contains("with TLS alone"), "{outcome:#?}");
    }
    appliance.settle_configuration("[tls]\nself_signed = true\n");
    let outcome = appliance.run(&["serve", "--listen", "0.0.0.0:0"]).expect(78);
    assert!(outcome.stderr.contains("server.host_names"), "{outcome:#?}");
    assert!(!appliance.data().join("tls").exists(), "nothing is made for a start that is refused");
}

#[test]
fn with_tls_it_answers_to_its_own_names_alone() {
    let appliance = Appliance::create();
    appliance.settle_configuration(
        "[server]\nhost_names = [\"archive.example\"]\n[tls]\nself_signed = true\n",
    );
    let server = Running::start(&appliance);
    let certificate = appliance.data().join("tls/cert.pem");
    for (host, status) in [("archive.example", "200"), ("localhost", "200"), ("10.1.2.3", "403")] {
        let request = format!("GET /livez HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let answer = by_tls(server.address(), &certificate, &request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{host}: {answer}");
    }
    server.stop();
}

/// W4, a first start.
#[test]
fn a_certificate_of_its_own_making_serves_a_first_start_and_only_who_is_given_it_trusts_it() {
    let appliance = Appliance::create();
    let token = token(&appliance);
    appliance.settle_configuration("[tls]\nself_signed = true\n");
    let server = Running::start(&appliance);
    let certificate = appliance.data().join("tls/cert.pem");
    let mode = |name: &str| {
        let found = std::fs::metadata(appliance.data().join("tls").join(name)).unwrap();
        found.permissions().mode() & 0o7777
    };
    assert_eq!((mode("key.pem"), mode("cert.pem")), (0o400, 0o400));
    let port = server.address().rsplit_once(':').unwrap().1.to_owned();
    for name in ["127.0.0.1", "localhost"] {
        let url = format!("https://{name}:{port}");
        let note = ask(&appliance, &url, &token, Some(&certificate)).expect(0).stdout;
        assert!(note.starts_with("muniment/"), "{note}");
    }
    let url = format!("https://127.0.0.1:{port}");
    let other = certify(&appliance).0;
    let refused = ask(&appliance, &url, &token, Some(&other)).expect(69);
    assert!(refused.stderr.contains("TLS"), "{refused:#?}");
    let untold = ask(&appliance, &url, &token, None).expect(2);
    assert!(untold.stderr.contains("--ca"), "{untold:#?}");
    ask(&appliance, &format!("http://127.0.0.1:{port}"), &token, None).expect(69);
    let plain = server.send(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", true);
    assert!(!String::from_utf8_lossy(&plain.unwrap_or_default()).contains("HTTP/"), "plain HTTP");
    server.stop();
    let kept = std::fs::read(&certificate).unwrap();
    Running::start(&appliance).stop();
    assert_eq!(std::fs::read(&certificate).unwrap(), kept, "it is made once");
}

#[test]
fn a_session_over_tls_is_a_cookie_that_no_plain_page_can_set_or_see() {
    let (appliance, certificate, _) = configured();
    let server = Running::start(&appliance);
    let address = server.address().to_owned();
    let ask = |method: &str, target: &str, more: &str, body: &str| {
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{more}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        by_tls(&address, &certificate, &request)
    };
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let signed_in = ask("POST", "/sign-in", form, server.link.split_once('?').unwrap().1);
    let head = signed_in.to_lowercase();
    assert!(head.contains("strict-transport-security: max-age=31536000"), "{signed_in}");
    let (_, cookie) = signed_in.split_once("set-cookie: ").unwrap();
    let cookie = cookie.lines().next().unwrap();
    assert!(cookie.starts_with("__Host-muniment-session="), "{cookie}");
    for part in ["Path=/", "HttpOnly", "SameSite=Strict", "Secure"] {
        assert!(cookie.split("; ").any(|said| said == part), "{part} of {cookie}");
    }
    let pair = cookie.split(';').next().unwrap();
    let desk = ask("GET", "/desk", &format!("Cookie: {pair}\r\n"), "");
    assert!(desk.starts_with("HTTP/1.1 200"), "{desk}");
    let renamed = pair.trim_start_matches("__Host-");
    let refused = ask("GET", "/api/v1/status", &format!("Cookie: {renamed}\r\n"), "");
    assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
    server.stop();
}

#[test]
fn a_certificate_is_read_again_at_a_signal_and_one_that_cannot_be_used_changes_nothing() {
    let (appliance, certificate, _) = configured();
    let token = token(&appliance);
    let server = Running::start(&appliance);
    let url = format!("https://{}", server.address());
    let kept = |name: &str| {
        let path = appliance.path(name);
        std::fs::copy(&certificate, &path).unwrap();
        path
    };
    let first = kept("first.pem");
    let is_shown = |trusted: &Path| ask(&appliance, &url, &token, Some(trusted)).code == Some(0);
    assert!(is_shown(&first));
    certify(&appliance);
    let second = kept("second.pem");
    assert!(is_shown(&first) && !is_shown(&second), "nothing changes before the signal");
    server.hang_up();
    assert!((0..ASKED_MAX).any(|_| is_shown(&second)), "the second certificate is never shown");
    assert!(!is_shown(&first));
    std::fs::write(&certificate, "no certificate at all").unwrap();
    server.hang_up();
    assert!(is_shown(&second) && is_shown(&second), "one that cannot be used changes nothing");
    certify(&appliance);
    let third = kept("third.pem");
    server.hang_up();
    assert!((0..ASKED_MAX).any(|_| is_shown(&third)), "a good one after it is shown");
    server.stop();
}

#[test]
fn files_that_cannot_be_used_end_the_start_with_the_reason() {
    let refused = |appliance: &Appliance, word: &str| {
        let outcome = appliance.run(&["serve", "--listen", "127.0.0.1:0"]).expect(78);
        assert!(outcome.stderr.contains(word), "{word}: {outcome:#?}");
    };
    let (appliance, certificate, key) = configured();
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(&key, open).unwrap();
    refused(&appliance, "mode 0644");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let good = std::fs::read(&certificate).unwrap();
    let other = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(&certificate, other.cert.pem()).unwrap();
    refused(&appliance, "not the key of the certificate");
    std::fs::write(&certificate, "-----BEGIN CERTIFICATE-----\n????").unwrap();
    refused(&appliance, "cert.pem");
    std::fs::remove_file(&certificate).unwrap();
    refused(&appliance, "cert.pem: it is not there");
    std::fs::write(&certificate, good).unwrap();
    std::fs::write(&key, "no key").unwrap();
    refused(&appliance, "there is no private key in it");
    appliance.settle_configuration("[tls]\nkey = \"key.pem\"\n");
    refused(&appliance, "tls.certificate");
}
