//! The fields of Jira's payloads that Conduit reads, and no others.
//!
//! Everything is borrowed from the body and optional; `read` says what an event cannot do without. Cloud knows people
//! by `accountId`, Data Center by `name`; ids are texts to the one and numbers to the other.

use std::borrow::Cow;

use serde::Deserialize;

use crate::forge::lenient::{Id, Maybe, Text, objects};

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Payload<'a> {
    /// Milliseconds since 1970.
    pub(super) timestamp: Maybe<u64>,
    #[serde(rename = "webhookEvent")]
    pub(super) webhook_event: Text<'a>,
    pub(super) issue_event_type_name: Text<'a>,
    pub(super) user: Maybe<User<'a>>,
    pub(super) issue: Maybe<Issue<'a>>,
    pub(super) changelog: Maybe<Changelog<'a>>,
    pub(super) comment: Maybe<Comment<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub(super) struct User<'a> {
    pub(super) account_id: Text<'a>,
    pub(super) name: Text<'a>,
    pub(super) display_name: Text<'a>,
    pub(super) account_type: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Issue<'a> {
    pub(super) id: Maybe<Id>,
    #[serde(rename = "self")]
    pub(super) address: Text<'a>,
    pub(super) key: Text<'a>,
    pub(super) fields: Maybe<Fields<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Fields<'a> {
    pub(super) summary: Text<'a>,
    pub(super) status: Maybe<Named<'a>>,
    pub(super) issuetype: Maybe<Named<'a>>,
    pub(super) project: Maybe<Project<'a>>,
    pub(super) labels: Maybe<Vec<Cow<'a, str>>>,
    pub(super) assignee: Maybe<User<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Named<'a> {
    pub(super) id: Maybe<Id>,
    pub(super) name: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Project<'a> {
    pub(super) id: Maybe<Id>,
    pub(super) key: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Changelog<'a> {
    pub(super) id: Maybe<Id>,
    pub(super) items: Maybe<Vec<Item<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub(super) struct Item<'a> {
    pub(super) field: Text<'a>,
    pub(super) field_id: Text<'a>,
    pub(super) from: Maybe<Id>,
    pub(super) from_string: Text<'a>,
    pub(super) to: Maybe<Id>,
    pub(super) to_string: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub(super) struct Comment<'a> {
    pub(super) id: Maybe<Id>,
    pub(super) author: Maybe<User<'a>>,
}

objects!(Payload, User, Issue, Fields, Named, Project, Changelog, Item, Comment);

impl Changelog<'_> {
    /// The change of the status, if there is one. A field of somebody's own may be called `status`, too, so that
    /// the id decides where it is said; older versions say only the name.
    pub(super) fn status(&self) -> Option<&Item<'_>> {
        let name = |item: &Item<'_>| item.field_id.as_deref().unwrap_or(item.field.str()) == "status";
        self.items.iter().flatten().find(|item| name(item))
    }
}
