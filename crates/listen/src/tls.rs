//! A development certificate authority: made once in a folder, so that clients can be told to trust it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Names that the server's certificate is valid for.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Where the authority's certificate is, for `AWS_CA_BUNDLE`.
pub fn ca_path(folder: &Path) -> PathBuf {
    folder.join("tls").join("ca.pem")
}

/// The server's configuration, with a certificate that is made when it is missing.
///
/// # Errors
/// What the disk or the certificate library says.
pub fn server_config(folder: &Path) -> io::Result<Arc<ServerConfig>> {
    let (certificate, key) = (folder.join("tls").join("server.pem"), folder.join("tls").join("server.key"));
    if !(ca_path(folder).exists() && certificate.exists() && key.exists()) {
        make(folder).map_err(io::Error::other)?;
    }
    from_files(&certificate, &key)
}

/// The server's configuration with a certificate chain and its key, both as PEM.
///
/// # Errors
/// When they cannot be read, or do not fit.
pub fn from_files(certificate: &Path, key: &Path) -> io::Result<Arc<ServerConfig>> {
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(io::Error::other)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(chain, key);
    let mut config = config.map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn make(folder: &Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let tls = folder.join("tls");
    fs::create_dir_all(&tls)?;
    let ca_key = KeyPair::generate()?;
    let mut ca = CertificateParams::new(Vec::new())?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    ca.distinguished_name.push(DnType::CommonName, "laneshift development CA");
    let ca_certificate = ca.self_signed(&ca_key)?;
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate()?;
    let mut server = CertificateParams::new(NAMES.map(str::to_owned))?;
    server.distinguished_name.push(DnType::CommonName, "laneshift");
    server.use_authority_key_identifier_extension = true;
    let certificate = server.signed_by(&key, &issuer)?;
    // The authority's key is not kept: it signs this one certificate.
    write_secret(&tls.join("server.key"), &key.serialize_pem())?;
    fs::write(tls.join("server.pem"), format!("{}{}", certificate.pem(), ca_certificate.pem()))?;
    fs::write(ca_path(folder), ca_certificate.pem())?;
    Ok(())
}

/// For nobody else on this machine.
fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)?.write_all(text.as_bytes())
}
