//! TLS by rustls over ring: the certificate that the server shows, and the one that the command line trusts.
//!
//! There is one provider of cryptography and it is named here, never taken from the process: two of them in one binary
//! would make rustls panic at the first handshake.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chat::Disk;
use parking_lot::RwLock;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use sha2::{Digest as _, Sha256};
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroizing;

use crate::auth::secret::hex;
use crate::config::Config;
use crate::problem::{Kind, Problem, Result};

/// Bytes of a file with certificates or a key.
const PEM_BYTES_MAX: u64 = 1 << 20;
/// Who may do what with a file of ours: its owner may read it.
const OWNER_READS: u32 = 0o400;
/// Bits of a file's mode that let others in.
const OTHERS: u32 = 0o077;

/// The certificate that is shown now, and where it came from.
#[derive(Debug)]
pub(crate) struct Tls {
    disk: Arc<dyn Disk>,
    certificate: PathBuf,
    key: PathBuf,
    shown: RwLock<Shown>,
}

#[derive(Debug, Clone)]
struct Shown {
    config: Arc<ServerConfig>,
    fingerprint: String,
}

impl Tls {
    /// Reads the certificate that the configuration names, or makes one where it is to be of our own making. Nothing where
    /// no TLS is asked for. Whatever is wrong with the files is a fault of the configuration.
    pub(crate) fn open(config: &Config, data: &Path, disk: &Arc<dyn Disk>) -> Result<Option<Self>> {
        let (certificate, key) = match (&config.tls.certificate, &config.tls.key) {
            (Some(certificate), Some(key)) => (certificate.clone(), key.clone()),
            _ if config.tls.self_signed => own(config, data, disk.as_ref())?,
            _ => return Ok(None),
        };
        let shown = RwLock::new(read(disk.as_ref(), &certificate, &key)?);
        Ok(Some(Self { disk: Arc::clone(disk), certificate, key, shown }))
    }

    /// Returns what answers the next handshake.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.shown.read().config))
    }

    /// Returns the SHA-256 of the certificate, by which a person compares it.
    pub(crate) fn fingerprint(&self) -> String {
        self.shown.read().fingerprint.clone()
    }

    /// Reads the files again. The certificate before stays where they cannot be used. Connections go on as they are.
    pub(crate) fn read_again(&self) -> Result<()> {
        let shown = read(self.disk.as_ref(), &self.certificate, &self.key)?;
        *self.shown.write() = shown;
        Ok(())
    }
}

/// Returns how a client speaks that trusts the certificates of one file and no others.
pub(crate) fn trusting(certificates: &Path) -> Result<Arc<ClientConfig>> {
    let refuse = |words: String| {
        Problem::new(Kind::BadRequest, format!("--ca {}: {words}", certificates.display()))
    };
    let pem = std::fs::read(certificates).map_err(|error| refuse(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| refuse(error.to_string()))?;
        roots.add(certificate).map_err(|error| refuse(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(refuse("there is no certificate in it (PEM, BEGIN CERTIFICATE)".to_owned()));
    }
    let config =
        ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let config = config.map_err(|error| Problem::of(Kind::Internal, &error))?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Reads a certificate and its key, which must belong together.
fn read(disk: &dyn Disk, certificate: &Path, key: &Path) -> Result<Shown> {
    let chain = bytes(disk, certificate)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&chain)
        .collect::<Result<_, _>>()
        .map_err(|error| unusable(certificate, &error.to_string()))?;
    let Some(first) = chain.first() else {
        return Err(unusable(certificate, "there is no certificate in it (PEM)"));
    };
    let fingerprint = hex(&Sha256::digest(first));
    keep_to_owner(key)?;
    let secret = Zeroizing::new(bytes(disk, key)?);
    let secret = PrivateKeyDer::from_pem_slice(&secret)
        .map_err(|error| unusable(key, &format!("there is no private key in it (PEM): {error}")))?;
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| Problem::of(Kind::Internal, &error))?;
    let mut config = config
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(|error| unusable(key, &format!("not the key of the certificate: {error}")))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Shown { config: Arc::new(config), fingerprint })
}

fn bytes(disk: &dyn Disk, path: &Path) -> Result<Vec<u8>> {
    let read = archive::durable::read(disk, path, PEM_BYTES_MAX);
    let read = read.map_err(|error| unusable(path, &error.to_string()))?;
    read.ok_or_else(|| unusable(path, "it is not there"))
}

/// Refuses a key that others on the machine can read.
fn keep_to_owner(key: &Path) -> Result<()> {
    let found = std::fs::metadata(key).map_err(|error| unusable(key, &error.to_string()))?;
    let mode = found.permissions().mode() & 0o7777;
    if mode & OTHERS == 0 {
        return Ok(());
    }
    Err(unusable(key, &format!("others can read this key (mode {mode:04o}); chmod 600 it")))
}

fn unusable(path: &Path, why: &str) -> Problem {
    Problem::new(Kind::Configuration, format!("tls: {}: {why}", path.display()))
}

/// Returns the files of a certificate that this archive signed itself, for a first start. It is made once, for the names that
/// the server answers to then; whoever wants another removes the folder `tls`.
fn own(config: &Config, data: &Path, disk: &dyn Disk) -> Result<(PathBuf, PathBuf)> {
    let folder = data.join("tls");
    let (certificate, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let is_there =
        |path: &Path| path.try_exists().map_err(|error| unusable(path, &error.to_string()));
    if is_there(&certificate)? && is_there(&key)? {
        return Ok((certificate, key));
    }
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let address = config.server.listen.ip();
    if !address.is_loopback() && !address.is_unspecified() {
        names.push(address.to_string());
    }
    names.extend(config.server.host_names.iter().map(|name| {
        let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
        bare.unwrap_or(name).to_owned()
    }));
    let made = rcgen::generate_simple_self_signed(names).map_err(|error| {
        unusable(
            &certificate,
            &format!("no certificate can be made for server.host_names: {error}"),
        )
    })?;
    archive::durable::create_folder(disk, &folder)?;
    let secret = Zeroizing::new(made.signing_key.serialize_pem());
    archive::durable::write_secret(disk, &key, secret.as_bytes(), OWNER_READS)?;
    archive::durable::write_secret(disk, &certificate, made.cert.pem().as_bytes(), OWNER_READS)?;
    Ok((certificate, key))
}
