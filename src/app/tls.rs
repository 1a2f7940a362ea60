//! The certificate of the public listener: read at the start, and again when its files change.
//!
//! A renewed certificate serves from the next connection on. One that cannot be used changes nothing and is reported: the old
//! one is shown until it is mended.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use arc_swap::{ArcSwap, ArcSwapOption};
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::signal::unix::Signal;
use tokio::sync::watch;

use super::changes::Changes;
use crate::settings::TlsSettings;

/// Files are read again now and then anyway: some file systems tell nobody of a change.
const AT_LEAST: Duration = Duration::from_hours(1);

/// A certificate with its key, as it is shown now.
#[derive(Debug)]
pub(super) struct Certificate {
    files: TlsSettings,
    shown: ArcSwap<CertifiedKey>,
    /// Why the files are not what is shown. Said once: the log may be written where the files are watched.
    failure: ArcSwapOption<String>,
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.shown.load_full())
    }
}

impl Certificate {
    /// Reads it, with notices of what changes from now on.
    pub(super) fn load(files: &TlsSettings) -> anyhow::Result<(Arc<Self>, Changes)> {
        let changes = Changes::of(&[&files.certificate, &files.key], "the certificate");
        let shown = read(files)?;
        let shown = ArcSwap::from_pointee(shown);
        Ok((Arc::new(Self { files: files.clone(), shown, failure: ArcSwapOption::empty() }), changes))
    }

    /// TLS 1.2 and 1.3 with whatever certificate is shown.
    pub(super) fn server(self: &Arc<Self>) -> anyhow::Result<ServerConfig> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let versions = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = versions.context("TLS cannot be set up")?.with_no_client_auth();
        Ok(builder.with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>))
    }

    /// Reads it again on each SIGHUP and each change of a file, until it is told to stop.
    pub(super) async fn watch(
        self: Arc<Self>,
        mut changes: Changes,
        mut hangup: Signal,
        mut stop: watch::Receiver<bool>,
    ) {
        while !*stop.borrow() {
            tokio::select! {
                _ = hangup.recv() => {}
                () = changes.settled() => {}
                () = tokio::time::sleep(AT_LEAST) => {}
                _ = stop.changed() => break,
            }
            let certificate = Arc::clone(&self);
            if let Err(error) = tokio::task::spawn_blocking(move || certificate.renew()).await {
                tracing::error!(%error, "the certificate could not be read again: {error}");
            }
        }
    }

    fn renew(&self) {
        let new = read(&self.files);
        let failure = new.as_ref().err().map(|error| Arc::new(format!("{error:#}")));
        let before = self.failure.swap(failure.clone());
        match new {
            Ok(new) if new.cert == self.shown.load().cert => tracing::debug!("the certificate is as it was"),
            Ok(new) => {
                self.shown.store(Arc::new(new));
                tracing::info!(
                    "the certificate in {} is shown from now on",
                    self.files.certificate.display()
                );
            }
            Err(_) if failure == before => {}
            Err(error) => {
                tracing::error!("the new certificate is not taken, the old one is shown: {error:#}");
            }
        }
    }
}

/// The certificate that would be shown, with its chain behind it; to be looked over.
pub fn certificates(files: &TlsSettings) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    Ok(read(files)?.cert)
}

fn read(files: &TlsSettings) -> anyhow::Result<CertifiedKey> {
    let chain = chain(&files.certificate)
        .with_context(|| format!("CONDUIT_TLS_CERT: {} cannot be used", files.certificate.display()))?;
    let unusable = || format!("CONDUIT_TLS_KEY: {} cannot be used", files.key.display());
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| anyhow::anyhow!("it holds no private key in PEM: {}", plain(&error)))
        .with_context(unusable)?;
    together(chain, key, &aws_lc_rs::default_provider()).with_context(|| {
        format!("{} and {} do not go together", files.certificate.display(), files.key.display())
    })
}

fn chain(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let entries = CertificateDer::pem_file_iter(path).map_err(|error| anyhow::anyhow!(plain(&error)))?;
    let chain: Vec<_> = entries.collect::<Result<_, _>>().map_err(|error| anyhow::anyhow!(plain(&error)))?;
    if chain.is_empty() {
        bail!("it holds no certificate in PEM");
    }
    Ok(chain)
}

fn together(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    provider: &CryptoProvider,
) -> anyhow::Result<CertifiedKey> {
    let certified = CertifiedKey::from_der(chain, key, provider)?;
    Ok(certified)
}

/// What is wrong with a file; never what it holds.
fn plain(error: &rustls::pki_types::pem::Error) -> String {
    use rustls::pki_types::pem::Error;
    match error {
        Error::Io(error) => error.to_string(),
        Error::NoItemsFound => "there is none in it".to_owned(),
        _ => "it is not PEM, or damaged".to_owned(),
    }
}
