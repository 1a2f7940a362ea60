//! The API description holds: what is described is served, and what is answered is described.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Map, Value, json};

use super::door::{Delivery, Door};

/// How many requests each operation gets.
const TRIES: usize = 24;

/// One described method of one path.
struct Operation<'a> {
    document: &'a Value,
    method: Method,
    path: &'a str,
    described: &'a Value,
}

async fn describe(door: &Door) -> Value {
    door.ask(Method::GET, "/conduit/openapi.json").send().await.unwrap().json().await.unwrap()
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let paths = document["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, methods)| {
        methods.as_object().unwrap().iter().map(move |(method, described)| {
            let method = method.to_uppercase().parse().unwrap();
            Operation { document, method, path, described }
        })
    });
    let all: Vec<_> = all.collect();
    assert!(all.len() > 20, "the test finds the operations");
    all
}

impl Operation<'_> {
    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The operation of this name.
    fn of<'a>(document: &'a Value, name: &str) -> Operation<'a> {
        operations(document).into_iter().find(|one| one.name() == name).unwrap_or_else(|| panic!("no {name}"))
    }

    fn listener<'a>(&self, door: &'a Door) -> &'a str {
        let servers = self.described["servers"].as_array();
        let public = servers.is_none_or(|servers| servers.iter().any(|server| server["url"] == "/"));
        if public { &door.public } else { &door.management }
    }

    /// Sends, and holds the answer against the description.
    async fn hold(&self, request: RequestBuilder) -> (StatusCode, String) {
        let response = request.send().await.unwrap();
        let status = response.status();
        let media =
            response.headers()["content-type"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let text = response.text().await.unwrap();
        let described = &self.described["responses"][status.as_str()];
        assert!(described.is_object(), "{} answers an undescribed {status}: {text}", self.name());
        let schema = &described["content"][&media]["schema"];
        assert!(schema.is_object(), "{} answers {status} as an undescribed {media}", self.name());
        if media == "application/json" {
            let body: Value = serde_json::from_str(&text).unwrap();
            // References are looked up from the root.
            let whole = json!({ "allOf": [schema], "components": self.document["components"] });
            let validator = jsonschema::validator_for(&whole).unwrap();
            let errors: Vec<_> = validator
                .iter_errors(&body)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{} {status}: {errors:#?}\n{text}", self.name());
        }
        (status, text)
    }

    /// Everything that a request may carry: where it goes, its name, its schema.
    fn fields(&self) -> Vec<(&str, &str, &Value)> {
        let parameters = self.described["parameters"].as_array().into_iter().flatten();
        let mut fields: Vec<_> = parameters
            .map(|one| (one["in"].as_str().unwrap(), one["name"].as_str().unwrap(), &one["schema"]))
            .collect();
        let body = &self.described["requestBody"]["content"]["application/json"]["schema"]["properties"];
        let members = body.as_object().into_iter().flatten();
        fields.extend(members.map(|(name, schema)| ("body", name.as_str(), schema)));
        fields
    }

    /// A request with these values in their places.
    fn request(&self, door: &Door, values: &[(&str, &str, Value)]) -> RequestBuilder {
        let mut url = url::Url::parse(self.listener(door)).unwrap();
        {
            let mut segments = url.path_segments_mut().unwrap();
            segments.clear();
            for segment in self.path.trim_start_matches('/').split('/') {
                let name = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
                let given = name
                    .and_then(|name| values.iter().find(|(place, own, _)| (*place, *own) == ("path", name)));
                segments.push(&given.map_or(segment.to_owned(), |(_, _, value)| text(value)));
            }
        }
        for (_, name, value) in values.iter().filter(|(place, ..)| *place == "query") {
            url.query_pairs_mut().append_pair(name, &text(value));
        }
        let mut request = door.client.request(self.method.clone(), url);
        for (_, name, value) in values.iter().filter(|(place, ..)| *place == "header") {
            request = request.header(
                *name,
                percent_encoding::utf8_percent_encode(&text(value), percent_encoding::NON_ALPHANUMERIC)
                    .to_string(),
            );
        }
        if self.described["requestBody"].is_object() {
            let body = values.iter().filter(|(place, ..)| *place == "body");
            let body: Map<_, _> = body.map(|(_, name, value)| ((*name).to_owned(), value.clone())).collect();
            request = request.json(&body);
        }
        request
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Values for a field: as described, and as nobody meant it.
fn values(document: &Value, schema: &Value) -> BoxedStrategy<Option<Value>> {
    let good = described(document, schema);
    let junk = prop_oneof![
        any::<String>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(Value::Null),
        Just(json!({})),
        Just(json!([[]])),
        "[a-z]{1100}".prop_map(Value::from),
    ];
    prop_oneof![6 => good.prop_map(Some), 2 => junk.prop_map(Some), 1 => Just(None)].boxed()
}

fn described(document: &Value, schema: &Value) -> BoxedStrategy<Value> {
    if let Some(name) = schema["$ref"].as_str() {
        return described(document, document.pointer(name.trim_start_matches('#')).unwrap());
    }
    for choice in ["anyOf", "oneOf"] {
        if let Some(choices) = schema[choice].as_array() {
            let choices: Vec<_> = choices.iter().map(|one| described(document, one)).collect();
            return proptest::strategy::Union::new(choices).boxed();
        }
    }
    if let Some(names) = schema["enum"].as_array() {
        return proptest::sample::select(names.clone()).boxed();
    }
    if schema["const"].is_string() {
        return Just(schema["const"].clone()).boxed();
    }
    match schema["type"].as_str() {
        Some("array") => {
            let items = described(document, &schema["items"]);
            proptest::collection::vec(items, 0..4).prop_map(Value::from).boxed()
        }
        Some("boolean") => any::<bool>().prop_map(Value::from).boxed(),
        Some("null") => Just(Value::Null).boxed(),
        _ => match schema["pattern"].as_str() {
            Some(pattern) => {
                let inner = pattern.trim_start_matches('^').trim_end_matches('$');
                proptest::string::string_regex(inner).unwrap().prop_map(Value::from).boxed()
            }
            None => "[a-z/ -]{1,20}".prop_map(Value::from).boxed(),
        },
    }
}

#[tokio::test]
async fn whatever_is_asked_the_answer_is_a_described_one_and_never_the_services_fault() {
    let door = Door::open().await;
    let document = describe(&door).await;
    let mut runner = TestRunner::deterministic();
    for operation in operations(&document) {
        for attempt in 0..TRIES {
            let mut given = Vec::new();
            for (place, name, schema) in operation.fields() {
                let value = values(&document, schema).new_tree(&mut runner).unwrap().current();
                given.extend(value.map(|value| (place, name, value)));
            }
            let lacks_segment = |name: &str| {
                !given.iter().any(|(place, own, value)| {
                    (*place, *own) == ("path", name) && !matches!(text(value).as_str(), "" | "." | "..")
                })
            };
            // Without its segments it is another path.
            if operation.fields().iter().any(|(place, name, _)| *place == "path" && lacks_segment(name)) {
                continue;
            }
            let request = operation.request(&door, &given);
            let request = match attempt % 6 {
                0 => request,
                1 => request.bearer_auth("a-guess"),
                2 => request.bearer_auth(door.viewer.expose()),
                _ => request.bearer_auth(door.admin.expose()),
            };
            let (status, text) = operation.hold(request).await;
            assert!(!status.is_server_error(), "{} with {given:?}: {status} {text}", operation.name());
        }
    }
}

#[tokio::test]
async fn what_is_described_is_served_and_takes_no_other_method() {
    let door = Door::open().await;
    let document = describe(&door).await;
    for operation in operations(&document) {
        let url = format!("{}{}", operation.listener(&door), operation.path.replace(['{', '}'], ""));
        let answer =
            door.client.request(operation.method.clone(), &url).send().await.unwrap().text().await.unwrap();
        assert!(!answer.contains("nothing at this path"), "{}: {answer}", operation.name());
        let other = door.client.request(Method::PUT, &url).send().await.unwrap();
        assert_eq!(other.status(), StatusCode::METHOD_NOT_ALLOWED, "{}", operation.name());
        let allowed = other.headers()["allow"].to_str().unwrap();
        assert!(
            allowed.split(", ").any(|method| method == operation.method.as_str()),
            "{}",
            operation.name()
        );
    }
}

#[tokio::test]
async fn the_real_answers_are_the_described_ones() {
    let door = Door::open().await;
    let document = describe(&door).await;
    let hook = door.register("shop", "acme/shop").await;
    let delivery = Delivery::merged("d-1");
    let deliver = Operation::of(&document, "POST /conduit/webhooks/{provider}/{repo_id}/payload");
    let (status, _) = deliver.hold(door.signed(&hook.uri, &hook.secret, &delivery)).await;
    assert_eq!(status, 202);
    assert_eq!(deliver.hold(door.unsigned(&hook.uri, &delivery)).await.0, 401);
    assert_eq!(deliver.hold(door.signed(&hook.uri, "another secret of a hook", &delivery)).await.0, 401);
    let (event, _) = door.deliver(&hook, &delivery).await;
    let text = |text: &str| Value::from(text);
    let stories = [
        ("GET /conduit/api/events", vec![], 200),
        ("GET /conduit/api/events/{id}", vec![("path", "id", text(event.as_str()))], 200),
        ("POST /conduit/api/events/{id}/replay", vec![("path", "id", text(event.as_str()))], 409),
        ("GET /conduit/api/tickets/{key}", vec![("path", "key", text("SHOP-42"))], 200),
        ("GET /conduit/api/queue", vec![], 200),
        ("POST /conduit/api/queue/pause", vec![("body", "why", text("a test"))], 200),
        ("GET /conduit/api/queue", vec![], 200),
        ("POST /conduit/api/queue/resume", vec![("body", "site", text("nowhere"))], 404),
        ("POST /conduit/api/queue/resume", vec![], 200),
        ("GET /conduit/api/machines", vec![], 200),
        ("GET /conduit/webhooks/list", vec![], 200),
        ("GET /conduit/api/audit", vec![], 200),
        (
            "POST /conduit/api/tokens",
            vec![("body", "name", text("ci")), ("body", "role", text("viewer"))],
            201,
        ),
        ("GET /conduit/api/tokens", vec![], 200),
        ("DELETE /conduit/api/tokens/{name}", vec![("path", "name", text("ci"))], 200),
        ("DELETE /conduit/api/tokens/{name}", vec![("path", "name", text("ada"))], 409),
        ("GET /readyz", vec![], 200),
        ("GET /metrics", vec![], 200),
    ];
    for (name, values, wanted) in stories {
        let operation = Operation::of(&document, name);
        let request = operation.request(&door, &values).bearer_auth(door.admin.expose());
        let (status, text) = operation.hold(request).await;
        assert_eq!(status.as_u16(), wanted, "{name}: {text}");
    }
    let ready = Operation::of(&document, "GET /readyz");
    ready.hold(door.client.get(format!("{}/readyz", door.management))).await;
    door.http.stop_being_ready();
    for listener in [&door.public, &door.management] {
        assert_eq!(ready.hold(door.client.get(format!("{listener}/readyz"))).await.0, 503);
    }
}

#[tokio::test]
async fn what_a_field_takes_beyond_the_ordinary_is_described_too() {
    let door = Door::open().await;
    let document = describe(&door).await;
    door.register("shop", "acme/shop").await;
    let text = |text: &str| Value::from(text);
    let update = |overlap: Value| {
        vec![
            ("body", "provider", text("github")),
            ("body", "repo_id", text("shop")),
            ("body", "overlap", overlap),
        ]
    };
    let register = |path: String| {
        let of = |name, value| ("body", name, value);
        vec![of("provider", text("github")), of("repo_id", text("other")), of("repo_path", path.into())]
    };
    let stories = [
        // What a script that ends a leak in a hurry will write.
        ("PATCH /conduit/webhooks/update", update(json!(0)), true),
        ("PATCH /conduit/webhooks/update", update(json!("0")), true),
        ("PATCH /conduit/webhooks/update", update(json!(1)), false),
        ("POST /conduit/webhooks/register", register(format!("acme/{}", "x".repeat(507))), true),
        ("POST /conduit/webhooks/register", register(format!("acme/{}", "x".repeat(508))), false),
    ];
    for (name, values, good) in stories {
        let operation = Operation::of(&document, name);
        let (_, field, value) = values.last().unwrap();
        let schema = &operation.described["requestBody"]["content"]["application/json"]["schema"];
        let described = jsonschema::validator_for(&schema["properties"][field]).unwrap().is_valid(value);
        let request = operation.request(&door, &values).bearer_auth(door.admin.expose());
        let (status, answer) = operation.hold(request).await;
        assert_eq!((described, status.is_success()), (good, good), "{name} with {value}: {answer}");
    }
}

#[tokio::test]
async fn the_page_runs_nothing_but_its_own_files() {
    let door = Door::open().await;
    for (path, media) in [("", "text/html"), ("/page.js", "text/javascript"), ("/page.css", "text/css")] {
        let response = door.ask(Method::GET, &format!("/conduit/docs{path}")).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert!(header("content-type").starts_with(media), "{path}");
        let policy = header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'")
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        let text = response.text().await.unwrap();
        assert!(text.len() > 500, "{path} is not empty");
        for elsewhere in
            ["http://", "https://", "localStorage", "sessionStorage", "document.cookie", "innerHTML"]
        {
            assert!(!text.contains(elsewhere), "{path} speaks of {elsewhere}");
        }
    }
}
