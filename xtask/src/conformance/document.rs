//! `OpenAPI` 3.0 documents: read, made into what a JSON Schema library understands, and looked up by path.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use super::corrections;

/// One or several documents, prepared.
pub(crate) struct Description {
    documents: Vec<Value>,
}

/// An operation of a document, by its path template and method.
#[derive(Clone, Copy)]
pub(crate) struct Operation<'a> {
    document: &'a Value,
    pub(crate) template: &'a str,
    pub(crate) json: &'a Value,
}

/// What the documents know of a path and a method.
pub(crate) enum Lookup<'a> {
    NoSuchPath,
    NoSuchMethod,
    Found(Operation<'a>),
}

impl Description {
    /// Reads every `OpenAPI` document at `path`, a folder or a file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let mut documents = Vec::new();
        for file in files(path)? {
            let text =
                fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
            let json: Value =
                serde_json::from_str(&text).with_context(|| format!("{} is not JSON", file.display()))?;
            if json["openapi"].is_string() && json["paths"].is_object() {
                documents.push(json);
            }
        }
        if documents.is_empty() {
            bail!("{}: no OpenAPI document here (a *.json with `openapi` and `paths`)", path.display());
        }
        Ok(Self::of(documents))
    }

    /// Prepares documents that have been read.
    pub(crate) fn of(mut documents: Vec<Value>) -> Self {
        for document in &mut documents {
            corrections::apply(document);
            allow_null(document);
        }
        Self { documents }
    }

    /// The operation that a request is for. A literal segment goes before a placeholder.
    pub(crate) fn lookup(&self, method: &str, path: &str) -> Lookup<'_> {
        let fits = |document| paths(document).filter(move |(template, _)| fits(template, path));
        let found =
            self.documents.iter().flat_map(|document| fits(document).map(move |path| (document, path)));
        let Some((document, (template, item))) =
            found.min_by_key(|(_, (template, _))| template.matches('{').count())
        else {
            return Lookup::NoSuchPath;
        };
        match item.get(method.to_lowercase()) {
            Some(json) => Lookup::Found(Operation { document, template, json }),
            None => Lookup::NoSuchMethod,
        }
    }
}

impl Operation<'_> {
    /// The names of the query parameters.
    pub(crate) fn query_parameters(&self) -> impl Iterator<Item = (&str, bool)> {
        let parameters = self.json["parameters"].as_array().into_iter().flatten();
        let in_query = parameters.filter(|parameter| parameter["in"] == "query");
        in_query.filter_map(|one| Some((one["name"].as_str()?, one["required"] == true)))
    }

    /// The schema of the request's JSON body.
    pub(crate) fn request_schema(&self) -> Option<&Value> {
        schema(&self.json["requestBody"])
    }

    /// The description of the answer with this status.
    pub(crate) fn response(&self, status: u16) -> Option<&Value> {
        self.json["responses"].get(status.to_string())
    }

    /// The properties that a schema names, references followed; none when it names none.
    pub(crate) fn properties_of(&self, schema: &Value) -> Option<Map<String, Value>> {
        if let Some(reference) = schema["$ref"].as_str() {
            return self.properties_of(self.document.pointer(reference.trim_start_matches('#'))?);
        }
        schema["properties"].as_object().cloned()
    }

    /// The schema as a document of its own, with everything that it may refer to.
    pub(crate) fn standalone(&self, schema: &Value) -> Value {
        json!({ "allOf": [schema], "components": self.document["components"] })
    }
}

/// The schema of a request's or an answer's JSON body.
pub(crate) fn schema(body: &Value) -> Option<&Value> {
    body["content"]["application/json"].get("schema")
}

fn files(path: &Path) -> Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut files: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    Ok(files)
}

fn paths(document: &Value) -> impl Iterator<Item = (&String, &Value)> {
    document["paths"].as_object().into_iter().flatten()
}

fn fits(template: &str, path: &str) -> bool {
    let (wanted, found) = (template.split('/'), path.split('/'));
    wanted.clone().count() == found.clone().count()
        && wanted.zip(found).all(|(want, have)| want == have || (want.starts_with('{') && !have.is_empty()))
}

/// `OpenAPI` 3.0 says `nullable: true`, JSON Schema has a list of types.
fn allow_null(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(allow_null),
        Value::Object(map) => {
            if map.get("nullable") == Some(&Value::Bool(true))
                && let Some(kind @ Value::String(_)) = map.get("type").cloned()
            {
                map.insert("type".into(), json!([kind, "null"]));
                map.remove("nullable");
            }
            map.values_mut().for_each(allow_null);
        }
        _ => {}
    }
}
