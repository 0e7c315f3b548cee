//! `[tls]`: with which certificate the server speaks TLS. Without any it speaks plain HTTP, and to loopback alone.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The certificate and its key.
#[derive(Debug, Clone, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Tls {
    /// The file of the certificate, with those between it and its authority, as PEM.
    pub(crate) certificate: Option<PathBuf>,
    /// The file of its private key as PEM, which nobody else may read.
    pub(crate) key: Option<PathBuf>,
    /// Whether the server makes itself a certificate where it has none: `tls/cert.pem` in the data directory.
    pub(crate) self_signed: bool,
}

impl Tls {
    /// Returns whether the server speaks TLS.
    pub(crate) const fn is_on(&self) -> bool {
        self.self_signed || self.certificate.is_some()
    }

    /// Returns what is wrong with the section.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        match (&self.certificate, &self.key, self.self_signed) {
            (Some(_), None, _) => Some("tls.certificate is of no use without tls.key"),
            (None, Some(_), _) => Some("tls.key is of no use without tls.certificate"),
            (Some(_), Some(_), true) => {
                Some("tls.self_signed contradicts tls.certificate; keep one of them")
            }
            (None, None, _) | (Some(_), Some(_), false) => None,
        }
    }
}
