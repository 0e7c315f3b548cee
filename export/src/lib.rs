//! Evidence packages: frozen sets, formats, manifest, offline verification.
