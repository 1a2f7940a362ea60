//! Settings, hooks and tokens.

use std::sync::Arc;

use conduit::clock::Clock;
use conduit::registration::{DEFAULT_OVERLAP, Hook};
use conduit::secrets::Secret;
use conduit::secrets::token::{NotRevoked, Role, Token};
use conduit::store::Store;
use futures_util::future::join_all;

use super::given::{delivery, first_waiting};

fn hook(provider: &str, repo_id: &str, clock: &Clock) -> Hook {
    Hook::new(provider, repo_id, "acme/shop", Some(vec!["SHOP".into()]), "sealed-1".into(), clock.now())
        .unwrap()
}

pub(crate) async fn a_setting_is_chosen_once(store: &Arc<dyn Store>, _clock: &Clock) {
    let both = join_all(["one", "two"].map(|value| store.setting_once("check", value))).await;
    let chosen = both[0].as_ref().unwrap();
    assert_eq!(chosen, both[1].as_ref().unwrap(), "both are told the same");
    assert_eq!(&store.setting_once("check", "three").await.unwrap(), chosen);
    assert_eq!(store.setting_once("other", "three").await.unwrap(), "three");
}

pub(crate) async fn a_setting_is_replaced_over_the_value_it_had(store: &Arc<dyn Store>, _clock: &Clock) {
    assert!(!store.replace_setting("check", "one", "two").await.unwrap(), "there is none");
    store.setting_once("check", "one").await.unwrap();
    assert!(!store.replace_setting("check", "other", "two").await.unwrap());
    assert!(store.replace_setting("check", "one", "two").await.unwrap());
    assert_eq!(store.setting_once("check", "one").await.unwrap(), "two");
    assert!(store.replace_setting("check", "one", "two").await.unwrap(), "done twice, it is done once");
}

pub(crate) async fn a_hook_is_added_once_and_found_again(store: &Arc<dyn Store>, clock: &Clock) {
    let first = hook("github", "acme-shop", clock);
    assert!(store.add_hook(&first).await.unwrap());
    let second = Hook { repo_path: "evil/shop".into(), ..first.clone() };
    assert!(!store.add_hook(&second).await.unwrap(), "the name is taken");
    assert_eq!(store.hook("github", "acme-shop").await.unwrap(), Some(first));
    assert_eq!(store.hook("github", "acme").await.unwrap(), None);
    assert_eq!(store.hook("gitlab", "acme-shop").await.unwrap(), None);
}

pub(crate) async fn hooks_are_listed_by_provider_and_by_name(store: &Arc<dyn Store>, clock: &Clock) {
    for (provider, repo_id) in [("gitlab", "a"), ("github", "b"), ("github", "a")] {
        store.add_hook(&hook(provider, repo_id, clock)).await.unwrap();
    }
    let names = |hooks: Vec<Hook>| hooks.iter().map(Hook::name).collect::<Vec<_>>();
    assert_eq!(names(store.hooks(None).await.unwrap()), ["github/a", "github/b", "gitlab/a"]);
    assert_eq!(names(store.hooks(Some("github")).await.unwrap()), ["github/a", "github/b"]);
    assert!(store.hooks(Some("forgejo")).await.unwrap().is_empty());
}

pub(crate) async fn a_hook_is_saved_only_over_the_revision_it_was_read_at(
    store: &Arc<dyn Store>,
    clock: &Clock,
) {
    store.add_hook(&hook("github", "shop", clock)).await.unwrap();
    let mut mine = store.hook("github", "shop").await.unwrap().unwrap();
    let mut theirs = mine.clone();

    theirs.pinned_repo = Some("4711".into());
    assert!(store.save_hook(&theirs).await.unwrap());
    mine.rotate("sealed-2".into(), DEFAULT_OVERLAP, clock.now());
    assert!(!store.save_hook(&mine).await.unwrap(), "theirs came first");

    let mut again = store.hook("github", "shop").await.unwrap().unwrap();
    assert_eq!(again.pinned_repo.as_deref(), Some("4711"));
    assert_eq!(again.revision, theirs.revision + 1);
    again.rotate("sealed-2".into(), DEFAULT_OVERLAP, clock.now());
    assert!(store.save_hook(&again).await.unwrap());
    let saved = store.hook("github", "shop").await.unwrap().unwrap();
    assert_eq!(saved.secrets, again.secrets);
    assert!(!store.save_hook(&hook("github", "nobody", clock)).await.unwrap(), "it never was");
}

pub(crate) async fn of_many_who_save_a_hook_at_once_one_wins(store: &Arc<dyn Store>, clock: &Clock) {
    store.add_hook(&hook("github", "shop", clock)).await.unwrap();
    let read = store.hook("github", "shop").await.unwrap().unwrap();
    let saved = join_all((0..20).map(|number| {
        let mine = Hook { pinned_repo: Some(number.to_string()), ..read.clone() };
        async move { store.save_hook(&mine).await.unwrap() }
    }))
    .await;
    assert_eq!(saved.iter().filter(|saved| **saved).count(), 1);
}

pub(crate) async fn a_hook_registered_anew_does_not_get_its_predecessors_secrets(
    store: &Arc<dyn Store>,
    clock: &Clock,
) {
    store.add_hook(&hook("github", "shop", clock)).await.unwrap();
    let old = store.hook("github", "shop").await.unwrap().unwrap();
    store.remove_hook("github", "shop").await.unwrap();
    clock.advance(std::time::Duration::from_secs(1));
    let new = hook("github", "shop", clock);
    assert!(store.add_hook(&new).await.unwrap());
    assert!(!store.save_hook(&old).await.unwrap());
    assert_eq!(store.hook("github", "shop").await.unwrap(), Some(new));
}

pub(crate) async fn a_removed_hook_is_gone_and_its_events_stay(store: &Arc<dyn Store>, clock: &Clock) {
    store.add_hook(&hook("github", "shop", clock)).await.unwrap();
    let event = delivery("d-1", clock);
    store.ingest(&event).await.unwrap();
    assert!(store.remove_hook("github", "shop").await.unwrap());
    assert!(!store.remove_hook("github", "shop").await.unwrap());
    assert_eq!(store.hook("github", "shop").await.unwrap(), None);
    assert!(store.hooks(None).await.unwrap().is_empty());
    assert_eq!(first_waiting(store).await.id, event.id);
}

pub(crate) async fn a_token_is_kept_as_it_is(store: &Arc<dyn Store>, clock: &Clock) {
    assert!(store.tokens().await.unwrap().is_empty());
    let mut token = Token::new("ci", Role::Operator, &Secret::generate().unwrap(), clock.now());
    token.expires_at = Some(clock.now());
    token.repos = vec!["acme/shop".into(), "acme/*".into()];
    store.save_token(&token).await.unwrap();
    assert_eq!(store.tokens().await.unwrap(), [token.clone()]);
    token.name = "build".into();
    store.save_token(&token).await.unwrap();
    assert_eq!(store.tokens().await.unwrap(), [token], "the same token under another name");
}

pub(crate) async fn a_revoked_token_stays_revoked_whoever_saves_it_again(
    store: &Arc<dyn Store>,
    clock: &Clock,
) {
    let fresh = Token::new("first-admin", Role::Admin, &Secret::generate().unwrap(), clock.now());
    store.save_token(&fresh).await.unwrap();
    let revoked = Token { revoked_at: Some(clock.now()), ..fresh.clone() };
    store.save_token(&revoked).await.unwrap();
    store.save_token(&fresh).await.unwrap();
    assert_eq!(store.tokens().await.unwrap(), [revoked]);
}

fn token(name: &str, role: Role, clock: &Clock) -> Token {
    Token::new(name, role, &Secret::generate().unwrap(), clock.now())
}

pub(crate) async fn tokens_are_revoked_by_their_name_and_the_last_administrator_stays(
    store: &Arc<dyn Store>,
    clock: &Clock,
) {
    let mut ends = token("guest", Role::Admin, clock);
    ends.expires_at = Some(clock.now());
    let mut limited = token("ci", Role::Viewer, clock);
    limited.repos = vec!["acme/shop".into()];
    for token in [&token("ada", Role::Admin, clock), &ends, &limited, &token("ci", Role::Operator, clock)] {
        store.save_token(token).await.unwrap();
    }
    let at = clock.now();
    let revoke = async |name: &str| store.revoke_tokens(name, at).await.unwrap();
    assert_eq!(revoke("nobody").await, Err(NotRevoked::NotFound));
    assert_eq!(revoke("ada").await, Err(NotRevoked::LastAdmin), "one that ends is not enough");
    assert_eq!(revoke("ci").await, Ok(()), "both of them");
    assert_eq!(revoke("ci").await, Ok(()), "an order that came twice, because its answer was lost");
    assert_eq!(revoke("guest").await, Ok(()));
    let later = at + std::time::Duration::from_secs(1);
    assert_eq!(store.revoke_tokens("ci", later).await.unwrap(), Err(NotRevoked::NotFound));

    let tokens = store.tokens().await.unwrap();
    let ended = |name: &str| -> Vec<_> {
        tokens.iter().filter(|token| token.name == name).map(|token| token.revoked_at).collect()
    };
    assert_eq!(ended("ci"), [Some(at), Some(at)]);
    assert_eq!((ended("ada"), ended("guest")), (vec![None], vec![Some(at)]));
    let gone = Token { revoked_at: Some(at), ..limited };
    assert!(tokens.contains(&gone), "all else is as it was: {tokens:?}");
}

pub(crate) async fn of_administrators_who_revoke_each_other_at_once_one_stays(
    store: &Arc<dyn Store>,
    clock: &Clock,
) {
    let names = ["ada", "eva", "ida", "ora"];
    for name in names {
        store.save_token(&token(name, Role::Admin, clock)).await.unwrap();
    }
    let answers = join_all(names.map(|name| store.revoke_tokens(name, clock.now()))).await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(
        answers.iter().filter(|answer| **answer == Err(NotRevoked::LastAdmin)).count(),
        1,
        "{answers:?}"
    );
    let tokens = store.tokens().await.unwrap();
    assert_eq!(tokens.iter().filter(|token| token.is_lasting_admin()).count(), 1);
}
