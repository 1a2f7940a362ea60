//! `conduit init`, against simulated projects of many kinds.

use jira_sim::{
    Account, Builder, Category, Condition, Field, JiraSim, NewIssue, Permission, Project, Transition,
    Workflow,
};

use super::doctor::{Folder, only_read};
use super::run::Conduit;
use crate::support::service::{API_KEY, EMAIL, RULES};

fn site(project: Project) -> Builder {
    JiraSim::cloud().account(Account::with_api_token(EMAIL, API_KEY)).project(project)
}

/// One ticket in each of these statuses.
fn tickets(mut site: Builder, key: &str, standing: &[(&str, &str)]) -> Builder {
    for (number, (issue_type, status)) in (1..).zip(standing) {
        site = site.issue(NewIssue::new(&format!("{key}-{number}")).issue_type(issue_type).status(status));
    }
    site
}

/// A workflow in which each status is left by a few ways only.
fn strict() -> Workflow {
    Workflow::new()
        .status("Backlog", Category::New)
        .status("In Progress", Category::Indeterminate)
        .status("In QA", Category::Indeterminate)
        .status("Blocked", Category::Indeterminate)
        .status("Done", Category::Done)
        .status("Won't Do", Category::Done)
        .transition(Transition::new(11, "Start", "In Progress").from("Backlog"))
        .transition(Transition::new(21, "Hand over", "In QA").from("In Progress"))
        .transition(Transition::new(22, "Give up", "Backlog").from("In Progress"))
        .transition(
            Transition::new(31, "Ship", "Done").from("In QA").screen([Field::resolution().required()]),
        )
        .transition(
            Transition::new(32, "Close", "Done").from("In QA").screen([Field::resolution().required()]),
        )
        .transition(Transition::new(41, "Hidden", "Blocked").from("In QA").condition(Condition::Never))
}

fn bugs() -> Workflow {
    Workflow::new()
        .status("Reported", Category::New)
        .status("Fixing", Category::Indeterminate)
        .status("Fixed", Category::Done)
        .transition(Transition::new(11, "Fix", "Fixing").from("Reported"))
        .transition(Transition::new(21, "Fixed", "Fixed").from("Fixing"))
}

/// A folder whose rules are for another project.
async fn folder(site: Builder, project: &str) -> Folder {
    let other = RULES.replace("shop", "other");
    Folder::new(site.start().await.unwrap(), &format!("{project}, other"), &other)
}

/// Begins a file, and sees that `check` and `doctor` have nothing against it. What was written, and what was said.
async fn begins(site: Builder, project: &str) -> (String, String) {
    let folder = folder(site, project).await;
    let ended = folder.reads(&["init", project]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(ended.out, "", "what is written to a file is not printed");
    let path = folder.path().join(format!("statemachines/{project}.hcl"));
    let text = std::fs::read_to_string(&path).unwrap();
    let check = folder.run(&["check"]).run().await;
    assert_eq!(check.code, 0, "{}\n{text}", check.out);
    let doctor = folder.reads(&["doctor", "--project", project]).await;
    assert_eq!(doctor.code, 0, "{}\n{text}", doctor.out);
    assert!(!doctor.out.contains("[D3"), "{}\n{text}", doctor.out);
    let laid_out = folder.run(&["fmt", "--check", path.to_str().unwrap()]).run().await;
    assert_eq!(laid_out.code, 0, "{}", laid_out.out);
    (text, ended.err.replace(folder.path().to_str().unwrap(), "FOLDER"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_simple_board_becomes_a_simple_machine() {
    let site = tickets(
        site(Project::new("SHOP")),
        "SHOP",
        &[("Story", "To Do"), ("Story", "In Progress"), ("Story", "Done")],
    );
    let (text, said) = begins(site, "shop").await;
    insta::assert_snapshot!(text);
    insta::assert_snapshot!(said);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strict_workflow_is_followed_and_what_jira_asks_for_is_filled_in() {
    let standing = [("Story", "Backlog"), ("Story", "In Progress"), ("Task", "In QA"), ("Story", "In QA")];
    let site = tickets(site(Project::new("PAY").workflow(strict())), "PAY", &standing);
    let (text, _) = begins(site, "pay").await;
    insta::assert_snapshot!(text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_issue_type_goes_its_own_way() {
    let project = Project::new("WEB").issue_type("Bug", bugs());
    let standing = [
        ("Story", "To Do"),
        ("Story", "In Progress"),
        ("Bug", "Reported"),
        ("Bug", "Fixing"),
        ("Bug", "Fixed"),
    ];
    let (text, _) = begins(tickets(site(project), "WEB", &standing), "web").await;
    insta::assert_snapshot!(text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_in_any_language_become_aliases() {
    let workflow = Workflow::simplified(&["À faire", "進行中", "\"QA\" ${x} \\", "Готово"]);
    let standing = [("Story", "À faire"), ("Story", "進行中"), ("Story", "Готово")];
    let site = tickets(site(Project::new("INT").workflow(workflow)), "INT", &standing);
    let (text, _) = begins(site, "int").await;
    insta::assert_snapshot!(text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_classic_workflow_and_an_empty_project_are_begun_too() {
    let classic = Project::new("OLD").workflow(Workflow::classic());
    let standing = [
        ("Bug", "Open"),
        ("Bug", "In Progress"),
        ("Bug", "Reopened"),
        ("Bug", "Resolved"),
        ("Bug", "Closed"),
    ];
    let (text, _) = begins(tickets(site(classic), "OLD", &standing), "old").await;
    assert!(text.contains("resolution = \"Done\""), "{text}");
    let (text, _) = begins(site(Project::new("NEW")), "new").await;
    assert!(text.contains("was not seen for Story, Task, Bug"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_written_over_and_standard_output_takes_it_too() {
    let folder = folder(tickets(site(Project::new("SHOP")), "SHOP", &[("Story", "To Do")]), "shop").await;
    let first = folder.reads(&["init", "SHOP"]).await;
    assert_eq!(first.code, 0, "{first:?}");
    let path = folder.path().join("statemachines/shop.hcl");
    let written = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, "# mine\n").unwrap();
    let again = folder.reads(&["init", "SHOP"]).await;
    assert_eq!(again.code, 2);
    assert!(again.err.contains("--force writes over it"), "{}", again.err);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "# mine\n");
    let printed = folder.reads(&["init", "SHOP", "--out", "-"]).await;
    assert_eq!((printed.code, printed.out.as_str()), (0, written.as_str()));
    assert_eq!(folder.reads(&["init", "SHOP", "--force"]).await.code, 0);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), written);
    let missing = folder.reads(&["init", "GONE"]).await;
    assert_eq!(missing.code, 4, "{missing:?}");
    let json = folder.run(&["init", "SHOP", "--out", "-", "-o", "json"]).answers("conduit.init/1").await;
    assert_eq!(json["text"], written);
    assert!(json["guesses"].as_array().unwrap().len() > 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_project_brings_its_workers_yaml() {
    let account = Account::with_access_token("conduit", "the-token").without(Permission::AdministerProjects);
    let jira = JiraSim::data_center()
        .context_path("/jira")
        .account(account)
        .project(Project::new("SHOP"))
        .issue(NewIssue::new("SHOP-1"))
        .start()
        .await
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    let run = |arguments: &[&str]| {
        Conduit::new(arguments)
            .env("CONDUIT_CONFIG", config.to_str().unwrap())
            .env("ATLASSIAN_DOMAIN_URL", &jira.url())
            .env("ATLASSIAN_TOKEN", "the-token")
    };
    let ended = run(&["init", "shop"]).run().await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.err.contains("workers.yaml is written"), "{}", ended.err);
    assert_eq!(run(&["check"]).run().await.code, 0);
    let doctor = run(&["doctor"]).run().await;
    assert_eq!(doctor.code, 0, "{}", doctor.out);
    assert!(doctor.out.contains("Data Center 9.12.0"), "{}", doctor.out);
    only_read(&jira);
}
