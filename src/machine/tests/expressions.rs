//! Expressions: what they come to, and what they may not do.

use super::*;
use crate::machine::decide;

/// What an expression comes to in a comment, or why it came to nothing.
fn value(expr: &str) -> Result<String, String> {
    value_on(expr, &["first", "second: deploy"])
}

fn value_on(expr: &str, messages: &[&str]) -> Result<String, String> {
    let rule = with_rules(&format!("on \"push\" {{\n fire = \"next\"\n comment = {expr}\n }}"));
    let decision = decide(&rule, &pushed("release/1.2", messages), &ticket("In Progress"));
    let left_out = decision.effects.left_out.first().map(|effect| effect.detail.clone());
    left_out.map_or(Ok(decision.effects.comment.unwrap_or_default()), Err)
}

fn truth(expr: &str) -> bool {
    match value(expr).unwrap().as_str() {
        "true" => true,
        "false" => false,
        other => panic!("{expr}: {other}"),
    }
}

#[test]
fn functions_do_what_their_names_say() {
    for (expr, wanted) in [
        (r#"lower("ÄB")"#, "äb"),
        (r#"upper("ß")"#, "SS"),
        (r#"trimprefix(push.branch, "release/")"#, "1.2"),
        (r#"trimprefix(push.branch, "x")"#, "release/1.2"),
        (r#"trimsuffix("v1-rc", "-rc")"#, "v1"),
        (r#"replace("a-b-c", "-", "_")"#, "a_b_c"),
        (r#"join("+", split("-", "a-b-c"))"#, "a+b+c"),
        (r#"split("-", "a-b")[1]"#, "b"),
        (r#"length("äöü")"#, "3"),
        (r"length(push.commits)", "2"),
        (r#"coalesce(null, "", issue.assignee, "nobody")"#, "nobody"),
        (r"coalesce(null)", ""),
        (r#"join(",", [1, true, "x"])"#, "1,true,x"),
    ] {
        assert_eq!(value(expr).as_deref(), Ok(wanted), "{expr}");
    }
}

#[test]
fn conditions_are_true_or_false() {
    for expr in [
        r#"contains(issue.labels, "web")"#,
        r#"contains("deploy it", "deploy")"#,
        r#"startswith(push.branch, "release/") && endswith(push.branch, "2")"#,
        r#"matches(push.branch, "^release/[0-9.]+$")"#,
        r"anytrue([false, true]) && !anytrue([]) && alltrue([]) && !alltrue([true, false])",
        r"1 < 2 && 2 <= 2 && 3 > 2 && 2 >= 2 && -1 < 0 && 1.5 > 1 && 1 == 1.0",
        r#"[1, "a"] == [1, "a"] && { a = 1, b = 2 } == { b = 2, a = 1 } && null == issue.assignee"#,
        r#""1" != 1 && null != """#,
        r#"issue.status == "doing" && issue.status_name == "In Progress" && issue.type == "Story""#,
        r#"repo.path == "acme/shop" && repo.provider == "github" && sender.login == "ada" && !sender.bot"#,
        r#"push.commits[0].message == "first""#,
        r#"(true ? "a" : "b") == "a""#,
        r#"{ for n, c in push.commits : c.message => n }["first"] == 0"#,
        r#"[for c in push.commits : c.message if contains(c.message, "deploy")] == ["second: deploy"]"#,
        r#"[for k, v in { a = 1 } : k] == ["a"]"#,
        r"push.commits[*].message == push.commits.*.message",
    ] {
        assert!(truth(expr), "{expr}");
        assert!(!truth(&format!("!({expr})")), "{expr}");
    }
}

#[test]
fn what_is_not_needed_is_not_evaluated() {
    let fails = "push.commits[9].message == \"x\"";
    assert!(value(fails).is_err());
    assert!(truth(&format!("true || {fails}")));
    assert!(!truth(&format!("false && {fails}")));
    assert!(truth(&format!("true ? true : {fails}")));
    assert!(value(&format!("{fails} || true")).is_err());
}

#[test]
fn templates_put_values_into_text() {
    let heredoc = "<<-EOT\n      %{ for c in push.commits ~}\n      * ${c.message}\n      %{ endfor ~}\n      %{ if issue.assignee == null }nobody%{ else }somebody%{ endif }\n    EOT\n";
    assert_eq!(value(heredoc).unwrap(), "* first\n* second: deploy\nnobody\n");
    assert_eq!(value(r#""${push.branch} $${x} ${1} ${true}${null}.""#).unwrap(), "release/1.2 ${x} 1 true.");
    assert_eq!(value(r#""a ${~ "b" ~} c""#).unwrap(), "abc");
    // A title is data: what looks like a template in it stays as it is.
    assert_eq!(
        value_on("push.commits[0].message", &["${push.branch} %{ if"]).unwrap(),
        "${push.branch} %{ if"
    );
}

#[test]
fn what_goes_wrong_is_told() {
    for (expr, wanted) in [
        ("push.commits[9].message", "the list of 2 has no element 9"),
        ("push.commits[-1].message", "the list of 2 has no element -1"),
        ("{ a = \"x\" }.b", "the object has no `b`"),
        ("{ a = \"x\" }[\"b\"]", "the object has no `b`"),
        ("join(\"\", push.commits)", "join: found commit in the list"),
        ("replace(\"a\", \"\", \"b\")", "replace: needs something to look for, found empty text"),
        ("join(\"\", split(\"\", \"a\"))", "split: needs something to split at, found empty text"),
        ("lower(coalesce(null))", "lower: needs text, found null"),
        ("coalesce(1) && true", "`&&` needs true or false, found a number"),
        ("coalesce(\"a\") < 1", "`<` needs a number, found text"),
        ("coalesce(push.commits)", "a list has no form as text"),
        ("anytrue([1])", "anytrue: needs a list of true and false, found a number in it"),
    ] {
        assert_eq!(value(expr).unwrap_err(), wanted, "{expr}");
    }
}

#[test]
fn an_evaluation_is_bounded() {
    let long = "x".repeat(100_000);
    let told = |expr: &str| value_on(expr, &["a", &long]).unwrap_err();
    assert_eq!(
        told(r#"replace(push.commits[1].message, "x", "0123456789ab")"#),
        "makes more than 1 MiB of text"
    );
    let m = "push.commits[1].message";
    let doubled = (0..6).fold(format!("${{{m}}}"), |inner, _| format!("{inner}{inner}"));
    assert_eq!(told(&format!("\"{doubled}\"")), "makes more than 1 MiB of text");
    let looped = |inner: &str| format!("[for a in split(\"x\", {m}) : {inner}]");
    let steps = "takes more than 100000 steps";
    assert_eq!(told(&format!("length({})", looped(&looped("1")))), steps);
    assert_eq!(told(&format!("length({})", looped(&format!("contains({m}, \"y\")")))), steps);
    assert_eq!(told(&format!("length({})", looped(&format!("matches({m}, \"(a+)+$\")")))), steps);
    assert!(value_on(&format!("matches({m}, \"(x+x+)+y\")"), &["a", &long]).is_ok(), "linear in the text");
}

#[test]
fn the_deepest_expression_that_is_read_can_be_evaluated() {
    let moves = |when: &str| {
        let rule = format!("on \"pull_request.ready\" {{\n when = {when}\n fire = \"next\"\n }}");
        let event = pull_request(Trigger::PullRequestReady, |pr| pr.draft = true);
        reason(&decide(&with_rules(&rule), &event, &ticket("In Progress"))) == "moved"
    };
    let chain = vec!["pr.draft"; 115].join(" && ");
    assert!(moves(&chain));
    let nested = format!("{}{chain}{}", "!(".repeat(30), ")".repeat(30));
    assert!(moves(&nested));
    let loops = (0..30).fold("true".to_owned(), |inner, n| format!("alltrue([for x{n} in [1] : {inner}])"));
    assert!(moves(&loops));
}
