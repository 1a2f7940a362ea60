//! `conduit doctor` looks at the certificate that the public listener shows.

use jiff::{Span, Timestamp, ToSpan as _, tz::TimeZone};
use rcgen::{CertificateParams, KeyPair};

use super::doctor::Folder;
use crate::support::service::{RULES, board};

/// A certificate for this host that is valid between these times from now, and its key.
fn issue(host: &str, from: Span, until: Span) -> (String, String) {
    let day = |from_now: Span| {
        let date = Timestamp::now().to_zoned(TimeZone::UTC).checked_add(from_now).unwrap().date();
        let [month, day] = [date.month(), date.day()].map(|number| u8::try_from(number).unwrap());
        rcgen::date_time_ymd(date.year().into(), month, day)
    };
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    (params.not_before, params.not_after) = (day(from), day(until));
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

/// What the doctor says of them, and how it ends.
async fn said_of(pair: &(String, String), proxies: &str) -> (i32, String) {
    let folder = Folder::new(board(&[]).await, "shop", RULES);
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let run = folder
        .run(&["doctor", "--offline"])
        .env("CONDUIT_TLS_CERT", &file("cert.pem", &pair.0))
        .env("CONDUIT_TLS_KEY", &file("key.pem", &pair.1))
        .env("CONDUIT_TRUSTED_PROXIES", proxies);
    let ended = run.run().await;
    let lines = ended.out.lines().skip_while(|line| !line.contains(" certificate "));
    (ended.code, lines.take(2).collect::<Vec<_>>().join("\n"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_a_forge_would_refuse_is_told_before_it_does() {
    const HOST: &str = "conduit.example.com";
    let good = issue(HOST, -1.day(), 90.days());
    let other = issue(HOST, -1.day(), 90.days());
    for (pair, code, expected) in [
        (good.clone(), 0, vec!["✓ certificate", "valid until"]),
        (issue(HOST, -1.day(), 10.days()), 0, vec!["! certificate", "expires at", "days", "fix: renew it"]),
        (issue(HOST, -90.days(), -1.day()), 1, vec!["✗ certificate", "expired at", "fix: renew it"]),
        (issue(HOST, 2.days(), 90.days()), 1, vec!["✗ certificate", "is valid from"]),
        (
            issue("other.example.com", -1.day(), 90.days()),
            1,
            vec!["✗ certificate", "is not for conduit.example.com"],
        ),
        ((good.0.clone(), other.1), 1, vec!["✗ certificate", "do not go together"]),
        (("no certificate".to_owned(), good.1.clone()), 1, vec!["✗ certificate", "CONDUIT_TLS_CERT"]),
    ] {
        let (ended, said) = said_of(&pair, "").await;
        assert!(expected.iter().all(|words| said.contains(words)), "{expected:?} in {said}");
        assert_eq!(ended, code, "{said}");
        assert!(!said.contains(&pair.1[40..60]), "{said}");
    }
    // Behind a proxy that ends TLS for the outside, the name is the proxy's to check.
    let (_, said) = said_of(&issue("conduit.internal", -1.day(), 90.days()), "10.0.0.0/8").await;
    assert!(said.contains("! certificate") && said.contains("is not for"), "{said}");
    let wildcard = said_of(&issue("*.example.com", -1.day(), 90.days()), "").await;
    assert!(wildcard.1.contains("✓ certificate"), "{wildcard:?}");
}
