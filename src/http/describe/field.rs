//! A field of a request as the API description shows it, declared beside the code that reads it.

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};

use crate::http::fields::LONGEST;

/// A field that an input takes.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Field {
    pub(in crate::http) name: &'static str,
    pub(super) about: &'static str,
    pub(super) required: bool,
    kind: Kind,
    /// What a text, or each text of a list, looks like.
    pattern: Option<&'static str>,
    /// How long a text, or each text of a list, may be.
    longest: usize,
    /// How many texts a list may have.
    most: Option<usize>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    /// A text, or the number 0.
    Duration,
    List,
    Flag,
    /// One of the names that a type has.
    Typed(fn(&mut SchemaGenerator) -> Value),
    /// One of these names.
    OneOf(fn() -> Vec<&'static str>),
}

impl Field {
    const fn new(name: &'static str, about: &'static str, kind: Kind) -> Self {
        Self { name, about, required: false, kind, pattern: None, longest: LONGEST, most: None }
    }

    pub(in crate::http) const fn text(name: &'static str, about: &'static str) -> Self {
        Self::new(name, about, Kind::Text)
    }

    /// A length of time.
    pub(in crate::http) const fn duration(name: &'static str, about: &'static str) -> Self {
        Self::new(name, about, Kind::Duration).like(pattern::DURATION)
    }

    pub(in crate::http) const fn list(name: &'static str, about: &'static str) -> Self {
        Self::new(name, about, Kind::List)
    }

    pub(in crate::http) const fn flag(name: &'static str, about: &'static str) -> Self {
        Self::new(name, about, Kind::Flag)
    }

    /// A text that is one of the names of `T`.
    pub(in crate::http) const fn of<T: JsonSchema>(name: &'static str, about: &'static str) -> Self {
        Self::new(name, about, Kind::Typed(|schemas| schemas.subschema_for::<T>().to_value()))
    }

    pub(in crate::http) const fn one_of(
        name: &'static str,
        about: &'static str,
        names: fn() -> Vec<&'static str>,
    ) -> Self {
        Self::new(name, about, Kind::OneOf(names))
    }

    /// What its text, or each text of its list, looks like: one of [`pattern`].
    pub(in crate::http) const fn like(self, pattern: &'static str) -> Self {
        Self { pattern: Some(pattern), ..self }
    }

    /// How long its text, or each text of its list, may be.
    pub(in crate::http) const fn no_longer_than(self, longest: usize) -> Self {
        Self { longest, ..self }
    }

    /// How many texts its list may have.
    pub(in crate::http) const fn at_most(self, most: usize) -> Self {
        Self { most: Some(most), ..self }
    }

    /// It must be there.
    pub(in crate::http) const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// The JSON schema of its value.
    pub(super) fn schema(&self, schemas: &mut SchemaGenerator) -> Value {
        match self.kind {
            Kind::Text => self.words(),
            Kind::Duration => json!({ "anyOf": [self.words(), { "type": "integer", "enum": [0] }] }),
            Kind::List => {
                let mut list = json!({ "type": "array", "items": self.words() });
                if let Some(most) = self.most {
                    list["maxItems"] = most.into();
                }
                list
            }
            Kind::Flag => json!({ "type": "boolean" }),
            Kind::Typed(schema) => schema(schemas),
            Kind::OneOf(names) => json!({ "type": "string", "enum": names() }),
        }
    }

    /// The same as a member of a body, where `null` is as good as nothing.
    pub(super) fn member(&self, schemas: &mut SchemaGenerator) -> Value {
        let schema = self.schema(schemas);
        if self.required { schema } else { json!({ "anyOf": [schema, { "type": "null" }] }) }
    }

    fn words(&self) -> Value {
        let mut text = json!({ "type": "string", "maxLength": self.longest });
        if let Some(pattern) = self.pattern {
            text["pattern"] = pattern.into();
        }
        text
    }
}

/// What texts look like. The code that reads a field decides; the requests of
/// `tests/it/http/description.rs` are drawn from these.
pub(in crate::http) mod pattern {
    pub(in crate::http) const DURATION: &str = "^(0|[0-9]{1,9}[smhd])$";
    /// One that is longer than nothing.
    pub(in crate::http) const LASTING: &str = "^[1-9][0-9]{0,8}[smhd]$";
    pub(in crate::http) const EVENT_ID: &str = "^[A-Za-z2-7]{26}$";
    pub(in crate::http) const ISSUE_KEY: &str = "^[A-Za-z][A-Za-z0-9_-]{0,63}-[0-9]{1,18}$";
    pub(in crate::http) const LIMIT: &str = "^([1-9][0-9]?|1[0-9][0-9]|200)$";
    pub(in crate::http) const MOMENT: &str = "^([0-9]{1,9}[smhd]|[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?([Zz]|[+-][0-9]{2}:[0-9]{2}))$";
    pub(in crate::http) const PROJECT: &str = "^[A-Za-z][A-Za-z0-9_-]{0,63}$";
    pub(in crate::http) const REPO_ID: &str = "^[A-Za-z0-9._-]{1,100}$";
    pub(in crate::http) const REPO_PATH: &str =
        r"^([^\s*/\x00-\x1f\x7f-\x9f]+/)+(\*|[^\s*/\x00-\x1f\x7f-\x9f]+)$";
    pub(in crate::http) const SECRET: &str = "^[ -~]{16,256}$";
    pub(in crate::http) const TOKEN_NAME: &str = "^[A-Za-z0-9._@-]{1,64}$";
}
