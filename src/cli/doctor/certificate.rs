//! The certificate of the public listener: whether a forge that comes to the public address takes it, and how long.

use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, IpAddr, ServerName};
use rustls::server::ParsedCertificate;
use url::{Host, Url};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use super::report::Report;
use crate::app::certificates;
use crate::settings::WebSettings;

/// A person should have so long to look after a renewal that does not come by itself.
const SOON: Duration = Duration::from_hours(21 * 24);

const ABOUT: &str = "certificate";

/// Looks at it, where there is one.
pub(super) fn look(web: &WebSettings, now: Timestamp, report: &mut Report) {
    let Some(files) = &web.door.tls else { return };
    let read = certificates(files).and_then(|chain| Ok((lifetime(&chain)?, chain)));
    let ((from, until), chain) = match read {
        Ok(read) => read,
        Err(error) => {
            let fix = "name the certificate with its chain, and its key, both in PEM";
            return report.error(ABOUT, format!("{error:#}"), fix);
        }
    };
    let renew = "renew it: new files are shown without a restart";
    if until <= now {
        return report.error(ABOUT, format!("expired at {until:.0}, and every forge refuses it"), renew);
    }
    if now < from {
        let fix = "show the one before it until then, or set the clock right";
        return report.error(ABOUT, format!("is valid from {from:.0} on, and refused until then"), fix);
    }
    if let Some((url, host)) = web.public_url.as_ref().and_then(|url| Some((url, host(url)?)))
        && !is_for(&chain, &host)
    {
        let text = format!("is not for {}", url.host_str().unwrap_or_default());
        let fix = "get one for the host in CONDUIT_PUBLIC_URL, or set that right";
        // A proxy shows its own to the outside, and knows this one by another name.
        let shown = web.door.trusted_proxies.is_empty();
        return if shown { report.error(ABOUT, text, fix) } else { report.warn(ABOUT, text, fix) };
    }
    let left = Duration::try_from(until.duration_since(now)).unwrap_or_default();
    if left < SOON {
        let days = left.as_secs() / (24 * 60 * 60);
        return report.warn(ABOUT, format!("expires at {until:.0}, in {days} days"), renew);
    }
    report.ok(ABOUT, format!("valid until {until:.0}"));
}

/// From when and until when all of a chain are valid.
fn lifetime(chain: &[CertificateDer<'_>]) -> anyhow::Result<(Timestamp, Timestamp)> {
    let (mut from, mut until) = (Timestamp::MIN, Timestamp::MAX);
    for one in chain {
        let (_, read) = X509Certificate::from_der(one).context("CONDUIT_TLS_CERT cannot be read")?;
        let validity = read.validity();
        from = from.max(Timestamp::from_second(validity.not_before.timestamp())?);
        until = until.min(Timestamp::from_second(validity.not_after.timestamp())?);
    }
    Ok((from, until))
}

fn host(url: &Url) -> Option<ServerName<'_>> {
    match url.host()? {
        Host::Domain(name) => ServerName::try_from(name).ok(),
        Host::Ipv4(address) => Some(ServerName::IpAddress(IpAddr::from(std::net::IpAddr::V4(address)))),
        Host::Ipv6(address) => Some(ServerName::IpAddress(IpAddr::from(std::net::IpAddr::V6(address)))),
    }
}

/// As a client sees it.
fn is_for(chain: &[CertificateDer<'_>], host: &ServerName<'_>) -> bool {
    let parsed = chain.first().and_then(|own| ParsedCertificate::try_from(own).ok());
    parsed.is_some_and(|own| verify_server_name(&own, host).is_ok())
}
