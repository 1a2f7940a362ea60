//! Who may come in, how often, and behind which certificate.
#![allow(
    clippy::doc_markdown,
    rustdoc::bare_urls,
    reason = "these doc comments are the text of --help, not Markdown"
)]

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use ipnet::IpNet;
use url::Url;

use super::SettingError;

/// Faster than this is no limit.
const MOST_A_MINUTE: u32 = 1_000_000;

/// The word for what GitHub publishes as the addresses of its webhooks.
const GITHUB: &str = "github";

/// The door of `conduit serve`.
#[derive(Debug, Clone, Args)]
pub struct DoorArgs {
    /// Proxies before Conduit, as networks apart by commas: whom they name in X-Forwarded-For (or Forwarded) is believed [default: none]
    #[arg(long, env = "CONDUIT_TRUSTED_PROXIES", value_name = "CIDR,…")]
    pub trusted_proxies: Option<String>,
    /// Take deliveries from these networks alone; `github` stands for those that GitHub publishes [default: from anywhere]
    #[arg(long, env = "CONDUIT_ALLOW_FROM", value_name = "CIDR,…|github")]
    pub allow_from: Option<String>,
    /// Refused deliveries a minute, after which an address gets 429, unread; 0: no limit
    #[arg(long, env = "CONDUIT_RATE_REFUSED", default_value = "600", value_name = "N")]
    pub rate_refused: String,
    /// Genuine deliveries a minute on one hook; 0: no limit
    #[arg(long, env = "CONDUIT_RATE_HOOK", default_value = "12000", value_name = "N")]
    pub rate_hook: String,
    /// Wrong tokens a minute, after which an address gets 429; 0: no limit
    #[arg(long, env = "CONDUIT_RATE_TOKENS", default_value = "60", value_name = "N")]
    pub rate_tokens: String,
    /// Serve TLS with this certificate, and its chain behind it, in PEM; read again when it changes [default: plain HTTP]
    #[arg(long, env = "CONDUIT_TLS_CERT", value_name = "PATH")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key, in PEM
    #[arg(long, env = "CONDUIT_TLS_KEY", value_name = "PATH")]
    pub tls_key: Option<PathBuf>,
}

/// The same, checked. By default: no proxy, from anywhere, without limits, plain HTTP.
#[derive(Debug, Clone, Default)]
pub struct DoorSettings {
    /// `CONDUIT_TRUSTED_PROXIES`.
    pub trusted_proxies: Vec<IpNet>,
    /// `CONDUIT_ALLOW_FROM`; `None`: from anywhere.
    pub allow: Option<AllowSettings>,
    /// `CONDUIT_RATE_REFUSED`; 0: no limit, as below.
    pub rate_refused: u32,
    /// `CONDUIT_RATE_HOOK`.
    pub rate_hook: u32,
    /// `CONDUIT_RATE_TOKENS`.
    pub rate_tokens: u32,
    /// `CONDUIT_TLS_CERT` and `CONDUIT_TLS_KEY`; `None`: plain HTTP.
    pub tls: Option<TlsSettings>,
}

/// From where deliveries are taken.
#[derive(Debug, Clone)]
pub struct AllowSettings {
    /// Networks.
    pub networks: Vec<IpNet>,
    /// `GITHUB_API_URL`, when the networks that are published there count, too.
    pub published_by: Option<Url>,
}

/// The files of a certificate.
#[derive(Debug, Clone)]
pub struct TlsSettings {
    /// `CONDUIT_TLS_CERT`.
    pub certificate: PathBuf,
    /// `CONDUIT_TLS_KEY`.
    pub key: PathBuf,
}

impl DoorArgs {
    /// Checks all of it; `github` is where GitHub's API is.
    pub(super) fn check(&self, github: Url) -> Result<DoorSettings, SettingError> {
        Ok(DoorSettings {
            trusted_proxies: self.trusted_proxies()?,
            allow: self.allow(github)?,
            rate_refused: rate("CONDUIT_RATE_REFUSED", &self.rate_refused)?,
            rate_hook: rate("CONDUIT_RATE_HOOK", &self.rate_hook)?,
            rate_tokens: rate("CONDUIT_RATE_TOKENS", &self.rate_tokens)?,
            tls: self.tls()?,
        })
    }

    fn trusted_proxies(&self) -> Result<Vec<IpNet>, SettingError> {
        let networks: Vec<_> = words(self.trusted_proxies.as_deref())
            .map(|word| network("CONDUIT_TRUSTED_PROXIES", word, ""))
            .collect::<Result<_, _>>()?;
        // Everybody could then say to be anybody.
        match networks.iter().find(|network| network.prefix_len() == 0) {
            Some(all) => Err(SettingError::wrong(
                "CONDUIT_TRUSTED_PROXIES",
                &all.to_string(),
                "the networks of your proxies, such as 10.0.0.0/8; not every address there is",
            )),
            None => Ok(networks),
        }
    }

    fn allow(&self, github: Url) -> Result<Option<AllowSettings>, SettingError> {
        let (published, listed): (Vec<_>, Vec<_>) =
            words(self.allow_from.as_deref()).partition(|word| word.eq_ignore_ascii_case(GITHUB));
        if published.is_empty() && listed.is_empty() {
            return Ok(None);
        }
        let network = |word| network("CONDUIT_ALLOW_FROM", word, ", or the word github");
        let networks = listed.into_iter().map(network).collect::<Result<_, _>>()?;
        Ok(Some(AllowSettings { networks, published_by: (!published.is_empty()).then_some(github) }))
    }

    fn tls(&self) -> Result<Option<TlsSettings>, SettingError> {
        let given = |path: &Option<PathBuf>| path.clone().filter(|path| !path.as_os_str().is_empty());
        match (given(&self.tls_cert), given(&self.tls_key)) {
            (Some(certificate), Some(key)) => Ok(Some(TlsSettings { certificate, key })),
            (None, None) => Ok(None),
            (Some(_), None) => {
                Err(SettingError::missing("CONDUIT_TLS_KEY", "name the key of CONDUIT_TLS_CERT, too"))
            }
            (None, Some(_)) => {
                Err(SettingError::missing("CONDUIT_TLS_CERT", "name the certificate of CONDUIT_TLS_KEY, too"))
            }
        }
    }
}

fn words(list: Option<&str>) -> impl Iterator<Item = &str> {
    list.unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty())
}

/// A network, or one address.
fn network(name: &str, word: &str, or: &str) -> Result<IpNet, SettingError> {
    let address = || word.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
    word.parse::<IpNet>().or_else(|_| address()).map_err(|_| {
        let allowed = format!("networks or addresses apart by commas, such as 10.0.0.0/8,2001:db8::/32{or}");
        SettingError::wrong(name, word, allowed)
    })
}

fn rate(name: &str, text: &str) -> Result<u32, SettingError> {
    let number = text.trim().parse().ok().filter(|rate| *rate <= MOST_A_MINUTE);
    number.ok_or_else(|| {
        SettingError::wrong(name, text, "how many a minute, from 1 to 1000000; 0 is without limit")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(change: impl FnOnce(&mut DoorArgs)) -> Result<DoorSettings, String> {
        let mut args = DoorArgs {
            trusted_proxies: None,
            allow_from: None,
            rate_refused: "600".into(),
            rate_hook: "0".into(),
            rate_tokens: "60".into(),
            tls_cert: None,
            tls_key: None,
        };
        change(&mut args);
        args.check("https://api.github.com".parse().unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn networks_and_single_addresses_are_read() {
        let door = door(|args| {
            args.trusted_proxies = Some("10.0.0.0/8, 192.0.2.7,::ffff:192.0.2.8,,fd00::/8".into());
        });
        let found: Vec<_> = door.unwrap().trusted_proxies.iter().map(ToString::to_string).collect();
        assert_eq!(found, ["10.0.0.0/8", "192.0.2.7/32", "192.0.2.8/32", "fd00::/8"]);
    }

    #[test]
    fn the_list_of_allowed_networks_may_name_the_forge() {
        let allowed = |text: &str| door(|args| args.allow_from = Some(text.into())).map(|door| door.allow);
        let list = allowed("GitHub,10.0.0.0/8").unwrap().unwrap();
        assert_eq!((list.networks.len(), list.published_by.is_some()), (1, true));
        assert!(allowed("10.0.0.0/8").unwrap().unwrap().published_by.is_none());
        assert!(allowed(" , ").unwrap().is_none(), "an empty list is none");
        let refused = allowed("gitlab").unwrap_err();
        assert!(
            refused.contains("CONDUIT_ALLOW_FROM: found `gitlab`") && refused.contains("github"),
            "{refused}"
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        let wrong = |change: fn(&mut DoorArgs)| door(change).unwrap_err();
        for (error, expected) in [
            (wrong(|args| args.trusted_proxies = Some("10.0.0.0/33".into())), "found `10.0.0.0/33`"),
            (wrong(|args| args.trusted_proxies = Some("0.0.0.0/0".into())), "not every address"),
            (wrong(|args| args.rate_refused = "many".into()), "CONDUIT_RATE_REFUSED: found `many`"),
            (wrong(|args| args.rate_hook = "-1".into()), "CONDUIT_RATE_HOOK"),
            (wrong(|args| args.rate_tokens = "1000001".into()), "CONDUIT_RATE_TOKENS"),
            (wrong(|args| args.tls_cert = Some("a.pem".into())), "CONDUIT_TLS_KEY: it is not set"),
            (wrong(|args| args.tls_key = Some("a.pem".into())), "CONDUIT_TLS_CERT: it is not set"),
        ] {
            assert!(error.contains(expected), "{error}");
        }
    }
}
