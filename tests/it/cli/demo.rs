//! `conduit demo`

use super::run::{Conduit, masked};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_tells_the_whole_story_and_ends_by_itself() {
    let ended = Conduit::new(&["demo"]).run().await;
    assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{ended:?}");
    let out = masked(&ended.out);
    assert!(out.starts_with("Conduit listens on http://ADDRESS with an embedded store"), "{out}");
    assert!(out.contains("\nNext:\n"), "{out}");

    let table = out.split("\n\n").find(|part| part.trim_start().starts_with("REPOSITORY"));
    insta::assert_snapshot!(table.expect("a table of everything"), @r"
    REPOSITORY  DELIVERY            ANSWER         TICKET  OUTCOME          WHY
    acme/shop   #118 opened, draft  202 accepted   SHOP-1  – nothing_to_do  no_rule_matched
    acme/shop   #118 ready          202 accepted   SHOP-1  ✓ moved          To Do → In Progress
    acme/shop   #118 merged         202 accepted   SHOP-1  ✓ moved          In Progress → Done
    acme/shop   #118 merged, again  202 duplicate          – as before      duplicate
    acme/shop   #119 closed         202 accepted   SHOP-2  ✓ moved          In Progress → To Do
    acme/shop   #120 merged         202 accepted   SHOP-3  – nothing_to_do  no_rule_matched
    acme/shop   forged              401 refused            » refused        wrong signature
    acme/pay    #7 merged           202 accepted   PAY-1   ✓ moved          In Progress → In QA
    acme/pay    #7 merged           202 accepted   PAY-2   ✓ moved          In Progress → In QA
    acme/pay    release v2.1.0      202 accepted   PAY-3   ✓ moved          In QA → Done
    acme/pay    release v2.1.0      202 accepted   PAY-4   – nothing_to_do  unknown_status
    acme/pay    release v2.1.0      202 accepted   WEB-1   ✓ moved          To Do → Done
    acme/web    #31 merged          202 accepted           – nothing_to_do  no_keys
    ");
}
