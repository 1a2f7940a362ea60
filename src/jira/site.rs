//! One Jira site: its address, its login and its dialect.

use std::fmt;
use std::path::PathBuf;

use data_encoding::BASE64;
use reqwest::header::HeaderValue;
use reqwest::{Certificate, NoProxy, Proxy};
use url::{Host, Url};
use zeroize::Zeroizing;

use super::Credential;
use super::login::{Login, Tokens};

/// A Jira site, as it is configured.
#[derive(Clone)]
pub struct Site {
    /// The name it has in the configuration; it is what the store and the metrics know it by.
    pub name: String,
    /// Its address. A context path (`https://tools.acme.test/jira`) is kept.
    pub url: Url,
    /// The account Conduit acts as.
    pub auth: Auth,
    /// Which Jira it is.
    pub dialect: Dialect,
    /// Certificates in PEM that are trusted beside the system's own: for a site behind a private authority.
    pub ca_file: Option<PathBuf>,
    /// The proxy to go through, which may carry a login; without one, the environment's (`HTTPS_PROXY`).
    pub proxy: Option<Credential>,
    /// Calls go by Atlassian's gateway, as scoped tokens and client credentials ask for.
    pub gateway: Option<Gateway>,
}

/// Atlassian's gateway to Cloud sites.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// Its address.
    pub url: Url,
    /// What it knows the site by; asked of the site once when it is not set.
    pub cloud_id: Option<String>,
}

/// Atlassian's gateway.
pub const GATEWAY: &str = "https://api.atlassian.com";
/// Where Atlassian sells tokens for client credentials.
pub const TOKEN_URL: &str = "https://auth.atlassian.com/oauth/token";

/// The account Conduit acts as.
#[derive(Debug, Clone)]
pub enum Auth {
    /// Cloud: e-mail address and API token. Data Center: user and password.
    Basic {
        /// The e-mail address or user name.
        user: String,
        /// The API token or password.
        password: Credential,
    },
    /// Data Center: a personal access token.
    Bearer {
        /// The token.
        token: Credential,
    },
    /// Cloud, through the gateway: OAuth client credentials of a service account.
    Client {
        /// The client's id.
        id: String,
        /// Its secret.
        secret: Credential,
        /// Where they buy a token.
        token_url: Url,
    },
}

/// The two Jiras.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// REST API 3: documents in ADF, accounts by id.
    Cloud,
    /// REST API 2: wiki text, accounts by name.
    DataCenter,
}

/// A site that cannot be used. Never holds a credential.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// The address is not one Conduit can call.
    #[error("Jira site `{site}`: {what} {why}")]
    Address {
        /// The site's name.
        site: String,
        /// Which address.
        what: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The credential cannot stand in a header.
    #[error("Jira site `{site}`: the credential holds characters that no HTTP header can carry")]
    Credential {
        /// The site's name.
        site: String,
    },
    /// The certificates cannot be read.
    #[error("Jira site `{site}`: the certificates in {file} cannot be used: {why}")]
    Certificates {
        /// The site's name.
        site: String,
        /// The file.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// The proxy's address cannot be used.
    #[error("Jira site `{site}`: the proxy's address cannot be used")]
    Proxy {
        /// The site's name.
        site: String,
    },
    /// TLS cannot be set up, for instance because the system has no certificates at all.
    #[error("Jira site `{site}`: TLS cannot be set up: {why}")]
    Tls {
        /// The site's name.
        site: String,
        /// What is wrong.
        why: String,
    },
}

impl Site {
    /// A site whose dialect follows from its address.
    pub fn new(name: impl Into<String>, url: Url, auth: Auth) -> Self {
        let dialect = Self::detect(&url);
        Self { name: name.into(), url, auth, dialect, ca_file: None, proxy: None, gateway: None }
    }

    /// The dialect spoken at an address: Atlassian's own hosts are Cloud.
    pub fn detect(url: &Url) -> Dialect {
        let host = url.host_str().unwrap_or_default();
        if host.ends_with(".atlassian.net") || host.ends_with(".jira.com") || host == "api.atlassian.com" {
            Dialect::Cloud
        } else {
            Dialect::DataCenter
        }
    }

    /// The address without what does not belong in it, or why it cannot be called.
    pub(super) fn base(&self) -> Result<Url, SiteError> {
        self.callable(&self.url, "the address")
    }

    /// The gateway's address, likewise.
    pub(super) fn gateway(&self) -> Result<Option<Url>, SiteError> {
        let url = self.gateway.as_ref().map(|gateway| self.callable(&gateway.url, "the gateway's address"));
        url.transpose()
    }

    fn callable(&self, url: &Url, what: &'static str) -> Result<Url, SiteError> {
        let fail = |why| SiteError::Address { site: self.name.clone(), what, why };
        if !matches!(url.scheme(), "https" | "http") || url.cannot_be_a_base() {
            return Err(fail("must begin with https:// (or http:// inside a trusted network)"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(fail("must not carry a user or password: they are settings of their own"));
        }
        if url.scheme() == "http" && self.dialect == Dialect::Cloud && !is_loopback(url) {
            return Err(fail("must begin with https://: the API token would travel in the open"));
        }
        let mut base = url.clone();
        base.set_query(None);
        base.set_fragment(None);
        Ok(base)
    }

    /// As whom requests are sent.
    pub(super) fn login(&self) -> Result<Login, SiteError> {
        let fixed = |header: Option<HeaderValue>| {
            header.map(Login::Fixed).ok_or_else(|| SiteError::Credential { site: self.name.clone() })
        };
        match &self.auth {
            Auth::Basic { user, password } => fixed(basic(user, password)),
            Auth::Bearer { token } => fixed(bearer(token.expose())),
            Auth::Client { id, secret, token_url } => {
                let url = self.callable(token_url, "the address where tokens are bought")?;
                Ok(Login::Bought(Tokens::new(id.clone(), secret.clone(), url)))
            }
        }
    }

    /// The proxy to go through.
    pub(super) fn proxy(&self) -> Result<Option<Proxy>, SiteError> {
        let Some(address) = &self.proxy else { return Ok(None) };
        let proxy = Proxy::all(address.expose()).map_err(|_| SiteError::Proxy { site: self.name.clone() })?;
        Ok(Some(proxy.no_proxy(NoProxy::from_env())))
    }

    /// The certificates trusted beside the system's own.
    pub(super) fn certificates(&self) -> Result<Vec<Certificate>, SiteError> {
        let Some(path) = &self.ca_file else { return Ok(Vec::new()) };
        let fail = |why: String| SiteError::Certificates {
            site: self.name.clone(),
            file: path.display().to_string(),
            why,
        };
        let pem = std::fs::read(path).map_err(|error| fail(error.to_string()))?;
        let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| fail(error.to_string()))?;
        if certificates.is_empty() {
            return Err(fail("it holds no certificate in PEM".to_owned()));
        }
        Ok(certificates)
    }
}

/// A header of user and password, marked so that it is never printed.
fn basic(user: &str, password: &Credential) -> Option<HeaderValue> {
    let pair = Zeroizing::new(format!("{user}:{}", password.expose()));
    secret_header(&Zeroizing::new(format!("Basic {}", BASE64.encode(pair.as_bytes()))))
}

/// A header of a token, marked likewise. `None` when no header can carry it.
pub(super) fn bearer(token: &str) -> Option<HeaderValue> {
    secret_header(&Zeroizing::new(format!("Bearer {token}")))
}

fn secret_header(text: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_str(text).ok()?;
    header.set_sensitive(true);
    Some(header)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl fmt::Debug for Site {
    /// By host: an address may have been written with a password in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site")
            .field("name", &self.name)
            .field("host", &self.url.host_str())
            .field("auth", &self.auth)
            .field("dialect", &self.dialect)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(url: &str) -> Site {
        let auth = Auth::Basic { user: "bot@acme.test".to_owned(), password: Credential::new("hush") };
        Site::new("acme", url.parse().unwrap(), auth)
    }

    #[test]
    fn atlassians_own_hosts_speak_cloud() {
        for cloud in
            ["https://acme.atlassian.net", "https://api.atlassian.com/ex/jira/1234", "https://acme.jira.com/"]
        {
            assert_eq!(site(cloud).dialect, Dialect::Cloud, "{cloud}");
        }
        for other in
            ["https://jira.acme.test/jira", "https://atlassian.net.evil.test", "http://127.0.0.1:8080"]
        {
            assert_eq!(site(other).dialect, Dialect::DataCenter, "{other}");
        }
    }

    #[test]
    fn an_address_is_https_and_carries_no_login() {
        let refuse = |url: &str| site(url).base().unwrap_err().to_string();
        assert!(refuse("ftp://jira.acme.test").contains("must begin with https://"));
        assert!(refuse("mailto:jira@acme.test").contains("must begin with https://"));
        assert!(refuse("http://acme.atlassian.net").contains("in the open"));
        let inside = refuse("https://bot:hush@jira.acme.test");
        assert!(inside.contains("must not carry a user") && !inside.contains("hush"), "{inside}");
        assert_eq!(
            site("https://jira.acme.test/jira/?a=b#c").base().unwrap().as_str(),
            "https://jira.acme.test/jira/"
        );
        let simulated = Site { dialect: Dialect::Cloud, ..site("http://127.0.0.1:8080") };
        assert!(simulated.base().is_ok());
    }

    #[test]
    fn nothing_shows_a_credential() {
        let site = site("https://bot:other-hush@jira.acme.test");
        let Login::Fixed(header) = site.login().unwrap() else { panic!("a fixed login") };
        let shown = format!("{site:?} {header:?}");
        assert!(!shown.contains("hush") && !shown.contains("Ym90"), "{shown}");
    }

    #[test]
    fn a_credential_that_no_header_can_carry_is_refused_unseen() {
        let auth = Auth::Bearer { token: Credential::new("hush\n") };
        let error = Site { auth, ..site("https://jira.acme.test") }.login().err().unwrap().to_string();
        assert!(error.contains("`acme`") && !error.contains("hush"), "{error}");
    }

    #[test]
    fn certificates_that_cannot_be_used_are_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let with = |path: PathBuf| Site { ca_file: Some(path), ..site("https://jira.acme.test") };
        let error = with(file.path().to_owned()).certificates().unwrap_err().to_string();
        assert!(error.contains("it holds no certificate"), "{error}");
        let missing = with(file.path().with_extension("gone")).certificates().unwrap_err().to_string();
        assert!(missing.contains("No such file"), "{missing}");
    }
}
