//! Deliveries are taken from the addresses that GitHub publishes: they are asked of it at the start, and until it answers nobody
//! else is let in.

use conduit::app::service::Service;
use conduit::clock::Clock;
use conduit::forge_api::hook_networks;
use conduit::settings::AllowSettings;
use reqwest::Client;

use crate::support::github::{GitHubSim, Trouble};
use crate::support::service::{On, RULES, board, settings, write_config};

/// A service behind a proxy on loopback that takes deliveries from GitHub and from 10.1.0.0/16.
async fn serve(folder: &tempfile::TempDir, github: &GitHubSim) -> Service {
    write_config(folder.path(), RULES);
    let mut settings = settings(folder.path(), &On::Sqlite, &board(&[]).await);
    let door = &mut settings.web.as_mut().unwrap().door;
    door.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    let networks = vec!["10.1.0.0/16".parse().unwrap()];
    door.allow = Some(AllowSettings { networks, published_by: Some(github.api()) });
    Service::start(settings, Clock::system()).await.unwrap()
}

/// What an unsigned delivery from there is answered: 401 is for whoever may try.
async fn knock(service: &Service, address: &str) -> u16 {
    let url = format!("http://{}/conduit/webhooks/github/shop/payload", service.address.unwrap());
    let request = Client::new().post(url).header("X-Forwarded-For", address);
    let answer = request.header("Content-Type", "application/json").body("{}").send().await.unwrap();
    assert_eq!(answer.status() == 503, answer.headers().contains_key("retry-after"));
    answer.status().as_u16()
}

#[tokio::test]
async fn what_github_publishes_is_let_in_and_nobody_else() {
    let github = GitHubSim::start();
    github.publishes(&["192.0.2.0/24", "2001:db8::/32"]);
    let folder = tempfile::tempdir().unwrap();
    let service = serve(&folder, &github).await;
    for (address, expected) in
        [("192.0.2.1", 401), ("2001:db8::7", 401), ("10.1.2.3", 401), ("203.0.113.9", 403), ("10.2.0.1", 403)]
    {
        assert_eq!(knock(&service, address).await, expected, "{address}");
    }
    assert_eq!(github.asked(), ["/api/v3/meta"], "once");
    service.stop().await;
}

#[tokio::test]
async fn while_github_does_not_tell_strangers_are_sent_away_for_now_and_it_is_asked_again() {
    let github = GitHubSim::start();
    github.publishes(&["192.0.2.0/24"]);
    github.has(Some(Trouble::BadGateway));
    let folder = tempfile::tempdir().unwrap();
    let service = serve(&folder, &github).await;
    assert_eq!(knock(&service, "192.0.2.1").await, 503);
    assert_eq!(knock(&service, "203.0.113.9").await, 503, "it may be GitHub's for all we know");
    assert_eq!(knock(&service, "10.1.2.3").await, 401, "what is listed needs no telling");
    github.has(None);
    let known = async {
        while knock(&service, "192.0.2.1").await != 401 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_mins(1), known).await.expect("it is asked again");
    assert_eq!(knock(&service, "203.0.113.9").await, 403);
    service.stop().await;
}

#[tokio::test]
async fn an_answer_that_names_no_networks_is_none() {
    let github = GitHubSim::start();
    for (networks, expected) in [
        (&[][..], "names none"),
        (&["0.0.0.0/0"], "names none"),
        (&["192.0.2.0/24", "everywhere"], "is not a network"),
    ] {
        github.publishes(networks);
        let error = hook_networks(&github.api()).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    github.publishes(&["192.0.2.0/24"]);
    for (trouble, expected) in [(Trouble::BadGateway, "502"), (Trouble::Redirects, "301")] {
        github.has(Some(trouble));
        let error = hook_networks(&github.api()).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    github.has(None);
    assert_eq!(hook_networks(&github.api()).await.unwrap(), ["192.0.2.0/24".parse().unwrap()]);
}
