//! From where deliveries are taken, where that is restricted.

use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use ipnet::IpNet;

use super::address::is_trusted;
use crate::http::ApiError;

/// The addresses that deliveries may come from.
#[derive(Debug, Clone, Default)]
pub struct AllowList {
    /// As configured.
    pub networks: Vec<IpNet>,
    /// Those that the forge publishes, when they are asked for.
    pub published: Option<Published>,
}

/// Networks that a forge publishes; whoever asks it puts the answer here. None until it has answered once.
#[derive(Debug, Clone, Default)]
pub struct Published(Arc<ArcSwapOption<Vec<IpNet>>>);

impl Published {
    /// Puts the newest answer in force.
    pub fn replace(&self, networks: Vec<IpNet>) {
        self.0.store(Some(Arc::new(networks)));
    }
}

impl AllowList {
    /// Refuses an address that is not on the list.
    ///
    /// Until the forge has said its networks once, an address that might be one of them is told to come again: a stranger
    /// is not let in for want of a list, and a forge is not told that it is one.
    pub(super) fn check(&self, address: Option<IpAddr>) -> Result<(), ApiError> {
        let Some(address) = address else { return Err(ApiError::AddressNotAllowed) };
        if is_trusted(address, &self.networks) {
            return Ok(());
        }
        let Some(published) = &self.published else { return Err(ApiError::AddressNotAllowed) };
        match &*published.0.load() {
            None => Err(ApiError::Busy("the forge's addresses are not known yet")),
            Some(networks) if is_trusted(address, networks) => Ok(()),
            Some(_) => Err(ApiError::AddressNotAllowed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn until_the_forge_has_said_its_networks_only_the_configured_ones_are_let_in() {
        let published = Published::default();
        let list =
            AllowList { networks: vec!["10.0.0.0/8".parse().unwrap()], published: Some(published.clone()) };
        let check = |address: &str| list.check(Some(address.parse().unwrap()));
        assert_eq!(check("10.1.2.3"), Ok(()));
        assert!(matches!(check("192.0.2.1"), Err(ApiError::Busy(_))));
        published.replace(vec!["192.0.2.0/24".parse().unwrap()]);
        assert_eq!(check("192.0.2.1"), Ok(()));
        assert_eq!(check("10.1.2.3"), Ok(()));
        assert_eq!(check("198.51.100.1"), Err(ApiError::AddressNotAllowed));
    }

    #[test]
    fn without_an_address_nobody_is_on_a_list() {
        assert_eq!(AllowList::default().check(None), Err(ApiError::AddressNotAllowed));
    }
}
