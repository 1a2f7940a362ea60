//! Deliveries as GitHub would make them, for `demo`, for tests and for measuring.
//!
//! A payload here has the shape and the bulk of a real one: a pull request is about 25 KB, most of it
//! the addresses that GitHub repeats in every account and repository. Invented, after
//! <https://docs.github.com/en/webhooks/webhook-events-and-payloads>.

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// A repository that events come from.
#[derive(Debug, Clone, Copy, Default)]
pub struct Repository<'a> {
    /// GitHub's id for it.
    pub id: u64,
    /// `acme`.
    pub owner: &'a str,
    /// `shop`.
    pub name: &'a str,
    /// `main`.
    pub default_branch: &'a str,
}

/// A pull request at the moment of an event.
#[derive(Debug, Clone, Copy, Default)]
pub struct PullRequest<'a> {
    /// What happened to it: `opened`, `closed`, …
    pub action: &'a str,
    /// Its number.
    pub number: u64,
    /// Its title.
    pub title: &'a str,
    /// Its description.
    pub body: &'a str,
    /// The source branch.
    pub head: &'a str,
    /// The target branch.
    pub base: &'a str,
    /// Who opened it, and causes the event.
    pub author: &'a str,
    /// Not yet asking for review.
    pub draft: bool,
    /// Merged; goes with the action `closed`.
    pub merged: bool,
    /// Names of its labels.
    pub labels: &'a [&'a str],
    /// When the event happens, as RFC 3339.
    pub at: &'a str,
}

/// A release at the moment of an event.
#[derive(Debug, Clone, Copy, Default)]
pub struct Release<'a> {
    /// What happened to it: `published`, `released`, …
    pub action: &'a str,
    /// GitHub's id for it.
    pub id: u64,
    /// The tag it is made from.
    pub tag: &'a str,
    /// Its title.
    pub name: &'a str,
    /// Its notes.
    pub notes: &'a str,
    /// Not meant for everybody yet.
    pub prerelease: bool,
    /// Who made it, and causes the event.
    pub author: &'a str,
    /// When the event happens, as RFC 3339.
    pub at: &'a str,
}

/// Commits pushed to a branch.
#[derive(Debug, Clone, Copy, Default)]
pub struct Push<'a> {
    /// The branch.
    pub branch: &'a str,
    /// The messages of its commits, oldest first.
    pub messages: &'a [&'a str],
    /// Who pushed.
    pub author: &'a str,
    /// When, as seconds since 1970: GitHub writes it so in this event alone.
    pub at: i64,
}

/// What GitHub puts into `X-Hub-Signature-256`: `sha256=` and the HMAC-SHA256 of the raw body in hex.
pub fn sign(secret: &str, body: &[u8]) -> String {
    super::github::sign(secret, body)
}

/// The headers that GitHub sends along with `body`.
pub fn headers(event: &str, delivery: &str, secret: &str, body: &[u8]) -> Vec<(&'static str, String)> {
    vec![
        ("User-Agent", "GitHub-Hookshot/a1b2c3d".into()),
        ("Content-Type", "application/json".into()),
        ("X-GitHub-Event", event.into()),
        ("X-GitHub-Delivery", delivery.into()),
        ("X-Hub-Signature-256", sign(secret, body)),
    ]
}

/// `ping`: what a new hook receives first.
pub fn ping(repo: &Repository) -> Value {
    json!({
        "zen": "Keep it logically awesome.",
        "hook_id": 90_001,
        "hook": { "type": "Repository", "id": 90_001, "name": "web", "active": true, "events": ["*"] },
        "repository": repo.json(""),
        "sender": user(repo.owner),
    })
}

/// `pull_request`.
pub fn pull_request(repo: &Repository, pr: &PullRequest) -> Value {
    json!({
        "action": pr.action,
        "number": pr.number,
        "pull_request": pull_request_json(repo, pr),
        "repository": repo.json(pr.at),
        "sender": user(pr.author),
    })
}

fn pull_request_json(repo: &Repository, pr: &PullRequest) -> Value {
    let mut json = pull_request_fields(repo, pr);
    let api = |link: &str| Value::from(repo.api(&format!("/pulls/{}/{link}", pr.number)));
    extend(&mut json, PULL_REQUEST_LINKS.split_whitespace().map(|link| (format!("{link}_url"), api(link))));
    let links =
        PULL_REQUEST_LINKS.split_whitespace().map(|link| (link.to_owned(), json!({ "href": api(link) })));
    json["_links"] = links.collect();
    json
}

fn pull_request_fields(repo: &Repository, pr: &PullRequest) -> Value {
    let closed_at = (pr.action == "closed").then_some(pr.at);
    let branch = |name: &str, sha: String| {
        json!({
            "label": format!("{}:{name}", repo.owner), "ref": name, "sha": sha,
            "user": user(repo.owner), "repo": repo.json(pr.at),
        })
    };
    json!({
        "url": repo.api(&format!("/pulls/{}", pr.number)),
        "id": 1_700_000_000 + pr.number,
        "html_url": repo.html(&format!("/pull/{}", pr.number)),
        "number": pr.number,
        "state": if closed_at.is_some() { "closed" } else { "open" },
        "locked": false,
        "title": pr.title,
        "user": user(pr.author),
        "body": pr.body,
        "created_at": pr.at,
        "updated_at": pr.at,
        "closed_at": closed_at,
        "merged_at": pr.merged.then_some(pr.at),
        // Set while it is open, too: the commit of a test merge.
        "merge_commit_sha": sha(&format!("merge {}", pr.number)),
        "assignees": [],
        "requested_reviewers": [user("grace")],
        "labels": pr.labels.iter().map(|name| json!({ "name": name, "color": "1d76db" })).collect::<Vec<_>>(),
        "draft": pr.draft,
        "head": branch(pr.head, sha(&format!("{} {}", pr.head, pr.number))),
        "base": branch(pr.base, sha(pr.base)),
        "author_association": "MEMBER",
        "auto_merge": null,
        "merged": pr.merged,
        "mergeable": null,
        "merged_by": pr.merged.then(|| user(pr.author)),
        "comments": 0,
        "commits": 3,
        "additions": 118,
        "deletions": 42,
        "changed_files": 7,
    })
}

/// `release`.
pub fn release(repo: &Repository, release: &Release) -> Value {
    json!({
        "action": release.action,
        "release": {
            "url": repo.api(&format!("/releases/{}", release.id)),
            "html_url": repo.html(&format!("/releases/tag/{}", release.tag)),
            "id": release.id,
            "author": user(release.author),
            "tag_name": release.tag,
            "target_commitish": repo.default_branch,
            "name": release.name,
            "draft": false,
            "prerelease": release.prerelease,
            "created_at": release.at,
            "updated_at": release.at,
            "published_at": release.at,
            "assets": [],
            "body": release.notes,
        },
        "repository": repo.json(release.at),
        "sender": user(release.author),
    })
}

/// `push`.
pub fn push(repo: &Repository, push: &Push) -> Value {
    let commits: Vec<Value> = push.messages.iter().map(|message| commit(repo, push, message)).collect();
    let mut repository = repo.json("");
    repository["pushed_at"] = push.at.into();
    json!({
        "ref": format!("refs/heads/{}", push.branch),
        "before": sha(&format!("before {}", push.at)),
        "after": sha(&format!("after {}", push.at)),
        "repository": repository,
        "pusher": { "name": push.author, "email": format!("{}@acme.example", push.author) },
        "sender": user(push.author),
        "created": false,
        "deleted": false,
        "forced": false,
        "base_ref": null,
        "compare": repo.html("/compare"),
        "head_commit": commits.last(),
        "commits": commits,
    })
}

fn commit(repo: &Repository, push: &Push, message: &str) -> Value {
    let id = sha(message);
    let person = json!({
        "name": push.author, "email": format!("{}@acme.example", push.author), "username": push.author,
    });
    json!({
        "id": id,
        "tree_id": sha(&id),
        "distinct": true,
        "message": message,
        "timestamp": "2026-11-02T10:30:00+01:00",
        "url": repo.html(&format!("/commit/{id}")),
        "author": person,
        "committer": person,
        "added": [],
        "removed": [],
        "modified": ["src/checkout/basket.rs", "src/checkout/payment.rs"],
    })
}

impl Repository<'_> {
    fn path(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    fn html(&self, rest: &str) -> String {
        format!("https://github.com/{}{rest}", self.path())
    }

    fn api(&self, rest: &str) -> String {
        format!("https://api.github.com/repos/{}{rest}", self.path())
    }

    fn json(&self, pushed_at: &str) -> Value {
        let mut repo = json!({
            "id": self.id,
            "node_id": format!("R_kgDO{:06}", self.id),
            "name": self.name,
            "full_name": self.path(),
            "private": true,
            "owner": user(self.owner),
            "html_url": self.html(""),
            "description": "Where the shop is built",
            "fork": false,
            "url": self.api(""),
            "created_at": "2019-03-04T10:00:00Z",
            "updated_at": pushed_at,
            "pushed_at": pushed_at,
            "git_url": format!("git://github.com/{}.git", self.path()),
            "ssh_url": format!("git@github.com:{}.git", self.path()),
            "clone_url": self.html(".git"),
            "svn_url": self.html(""),
            "homepage": null,
            "mirror_url": null,
            "license": null,
            "language": "Rust",
            "visibility": "private",
            "default_branch": self.default_branch,
            "topics": ["checkout", "payments"],
        });
        extend(&mut repo, REPOSITORY_COUNTS.split_whitespace().map(|name| (name.to_owned(), 17.into())));
        extend(&mut repo, REPOSITORY_FLAGS.split_whitespace().map(|name| (name.to_owned(), true.into())));
        let links = REPOSITORY_LINKS
            .split_whitespace()
            .map(|link| (format!("{link}_url"), self.api(&format!("/{link}")).into()));
        extend(&mut repo, links);
        repo
    }
}

fn user(login: &str) -> Value {
    let bot = login.ends_with("[bot]");
    let mut user = json!({
        "login": login,
        "id": 583_231,
        "node_id": "MDQ6VXNlcjU4MzIzMQ==",
        "gravatar_id": "",
        "url": format!("https://api.github.com/users/{login}"),
        "user_view_type": "public",
        "avatar_url": format!("https://avatars.githubusercontent.com/{login}?v=4"),
        "html_url": format!("https://github.com/{login}"),
        "type": if bot { "Bot" } else { "User" },
        "site_admin": false,
    });
    let api = |link| format!("https://api.github.com/users/{login}/{link}").into();
    extend(&mut user, USER_LINKS.split_whitespace().map(|link| (format!("{link}_url"), api(link))));
    user
}

fn extend(object: &mut Value, fields: impl Iterator<Item = (String, Value)>) {
    if let Value::Object(object) = object {
        object.extend(fields);
    }
}

/// A commit's name: 40 hex digits that go with `of`.
fn sha(of: &str) -> String {
    let digest = Sha256::digest(of);
    HEXLOWER.encode(digest.get(..20).unwrap_or(&digest))
}

const PULL_REQUEST_LINKS: &str = "comments commits diff issue patch review_comment review_comments statuses";

const USER_LINKS: &str =
    "events followers following gists organizations received_events repos starred subscriptions";

const REPOSITORY_LINKS: &str = "\
    archive assignees blobs branches collaborators comments commits compare contents contributors \
    deployments downloads events forks git_commits git_refs git_tags hooks issue_comment issue_events \
    issues keys labels languages merges milestones notifications pulls releases stargazers statuses \
    subscribers subscription tags teams trees";

const REPOSITORY_COUNTS: &str =
    "forks forks_count open_issues open_issues_count size stargazers_count watchers watchers_count";

const REPOSITORY_FLAGS: &str = "\
    allow_auto_merge allow_forking allow_merge_commit allow_rebase_merge allow_squash_merge \
    allow_update_branch archived delete_branch_on_merge disabled has_discussions has_downloads \
    has_issues has_pages has_projects has_wiki is_template use_squash_pr_title_as_default \
    web_commit_signoff_required";
