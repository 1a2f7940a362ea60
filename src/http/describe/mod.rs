//! The API description, OpenAPI 3.1, made from what serves.
//!
//! A route is described by its handler's types: what it asks for by its extractor ([`Asks`]), what it answers by its
//! result ([`Answers`]); `on` in `routes` takes no handler that lacks one. Who may stands in `rights`, and what a refusal
//! looks like in `error`. [`document`](mod@document) puts it together.

mod document;
pub(super) mod field;

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};

use super::ApiError;
use super::answer::Answer;
use super::extract::{Ask, JSON_WANTED, LARGEST_JSON};
use super::fields::Input;

pub(super) use document::document;
use field::Field;

/// Everything about one method of one path, but for its address.
pub(super) struct Operation {
    /// One sentence.
    pub(super) summary: &'static str,
    pub(super) asked: Asked,
    pub(super) told: Vec<Told>,
    /// What else it may be refused with, each as an example.
    pub(super) refusals: Vec<ApiError>,
}

/// What a handler asks for.
pub(super) struct Asked {
    pub(super) fields: &'static [Field],
    pub(super) token: NeedsToken,
    /// Headers and path segments, as the description writes them.
    pub(super) parameters: Vec<Value>,
    /// A body that is not made of fields: each content type with its schema.
    pub(super) raw: Vec<(&'static str, Value)>,
    /// What the extractor refuses, given that it reads a body or not.
    pub(super) refusals: fn(has_body: bool) -> Vec<ApiError>,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            fields: &[],
            token: NeedsToken::Perhaps,
            parameters: Vec::new(),
            raw: Vec::new(),
            refusals: |_| Vec::new(),
        }
    }
}

/// Whether a route asks for a token, where the table of rights has it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum NeedsToken {
    Always,
    /// The management listener asks when it is not on loopback.
    Perhaps,
}

/// An answer to what was done.
pub(super) struct Told {
    pub(super) status: u16,
    pub(super) media: &'static str,
    pub(super) schema: fn(&mut SchemaGenerator) -> Value,
}

/// The arguments of a handler.
pub(super) trait Asks {
    fn asked() -> Asked;
}

/// The result of a handler.
pub(super) trait Answers {
    fn told() -> Vec<Told>;
}

impl Asks for () {
    fn asked() -> Asked {
        Asked::default()
    }
}

/// It looks at the request itself.
impl Asks for (actix_web::HttpRequest,) {
    fn asked() -> Asked {
        Asked::default()
    }
}

impl<I: Input + 'static> Asks for (Ask<I>,) {
    fn asked() -> Asked {
        Asked { fields: I::FIELDS, token: NeedsToken::Always, refusals: asking::<I>, ..Asked::default() }
    }
}

/// What [`Ask`] refuses.
fn asking<I: Input>(has_body: bool) -> Vec<ApiError> {
    let mut refusals = vec![
        ApiError::NotAuthorised,
        ApiError::Malformed("unknown field `overlpa`".to_owned()),
        ApiError::Busy("the store is not available"),
        ApiError::AddressLimited(1),
    ];
    refusals.extend(I::FIELDS.iter().find(|field| field.required).map(|field| ApiError::Missing(field.name)));
    if has_body {
        refusals.extend([
            ApiError::UnsupportedMedia(JSON_WANTED),
            ApiError::TooLarge(LARGEST_JSON),
            ApiError::TooSlow,
        ]);
    }
    refusals
}

impl<T: JsonSchema, const STATUS: u16> Answers for Answer<T, STATUS> {
    fn told() -> Vec<Told> {
        vec![Told { status: STATUS, media: "application/json", schema: success::<T> }]
    }
}

/// The envelope around what a handler answers.
pub(super) fn success<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Value {
    envelope(&json!({ "const": true }), &schemas.subschema_for::<T>().to_value())
}

/// An envelope with data.
pub(super) fn envelope(success: &Value, data: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["success", "data"],
        "properties": { "success": success, "data": data },
        "additionalProperties": false,
    })
}

impl Operation {
    pub(super) fn new<A: Asks, O: Answers>(summary: &'static str) -> Self {
        Self { summary, asked: A::asked(), told: O::told(), refusals: Vec::new() }
    }
}
