//! The document itself: the part of `CycloneDX` that is of use here, in the order of its specification.

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use spdx::ParseMode;

use super::bundled::{self, Bundled};
use super::sources::{Source, Sources};
use super::tree::{Id, Tree};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Bom {
    #[serde(rename = "$schema")]
    schema: &'static str,
    #[serde(rename = "bomFormat")]
    format: &'static str,
    spec_version: &'static str,
    serial_number: String,
    version: u32,
    metadata: Metadata,
    components: Vec<Component>,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Serialize)]
struct Metadata {
    component: Component,
    properties: Vec<Property>,
}

#[derive(Debug, Serialize)]
struct Property {
    name: &'static str,
    value: String,
}

#[derive(Debug, Serialize)]
struct Component {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref")]
    reference: String,
    name: String,
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// `required`: it is compiled in; `excluded`: it only helps to build.
    scope: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash>,
    licenses: Vec<License>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpe: Option<String>,
    purl: String,
    #[serde(rename = "externalReferences", skip_serializing_if = "Vec::is_empty")]
    references: Vec<Reference>,
}

#[derive(Debug, Serialize)]
struct Hash {
    alg: &'static str,
    content: String,
}

#[derive(Debug, Serialize)]
struct License {
    expression: String,
}

#[derive(Debug, Serialize)]
struct Reference {
    #[serde(rename = "type")]
    kind: &'static str,
    url: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency {
    #[serde(rename = "ref")]
    reference: String,
    depends_on: Vec<String>,
}

impl Bom {
    /// The document of the program that this tree makes.
    pub(super) fn new(tree: &Tree, sources: &Sources, target: &str) -> anyhow::Result<Self> {
        let mut program = None;
        let (mut components, mut dependencies) = (Vec::new(), Vec::new());
        for (id, needs) in &tree.needs {
            let source = sources.get(id)?;
            let scope = if tree.linked.contains(id) { "required" } else { "excluded" };
            let component = Component::package(id, source, scope)?;
            let mut depends_on: Vec<_> = needs.iter().map(Id::purl).collect();
            if let Some(library) = bundled::of(&id.name, source)? {
                let library = Component::bundled(library, scope);
                depends_on.push(library.purl.clone());
                dependencies.push(Dependency { reference: library.purl.clone(), depends_on: Vec::new() });
                components.push(library);
            }
            dependencies.push(Dependency { reference: id.purl(), depends_on });
            if id.name == "conduit" { program = Some(component) } else { components.push(component) }
        }
        let component = program.ok_or_else(|| anyhow::anyhow!("cargo tree does not name conduit"))?;
        let properties = vec![Property { name: "conduit:target", value: target.to_owned() }];
        Self {
            schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
            format: "CycloneDX",
            spec_version: "1.6",
            serial_number: String::new(),
            version: 1,
            metadata: Metadata { component: Component { kind: "application", ..component }, properties },
            components,
            dependencies,
        }
        .numbered()
    }

    /// With a serial number that is a hash of all the rest.
    fn numbered(mut self) -> anyhow::Result<Self> {
        let mut bytes: [u8; 32] = Sha256::digest(serde_json::to_vec(&self)?).into();
        // As RFC 9562 marks a UUID whose bits are somebody's own (version 8).
        bytes[6] = bytes[6] & 0x0f | 0x80;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex = data_encoding::HEXLOWER.encode(&bytes[..16]);
        let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
        self.serial_number = format!("urn:uuid:{}", parts.join("-"));
        Ok(self)
    }
}

impl Component {
    fn package(id: &Id, source: &Source, scope: &'static str) -> anyhow::Result<Self> {
        let package = &source.package;
        let license = package.license.as_deref().unwrap_or_default();
        // Some still write `MIT/Apache-2.0`.
        let expression = spdx::Expression::canonicalize(license)?.unwrap_or_else(|| license.to_owned());
        spdx::Expression::parse_mode(&expression, ParseMode::STRICT)?;
        let hash = |content: &String| Hash { alg: "SHA-256", content: content.clone() };
        let reference = |url: &String| Reference { kind: "vcs", url: url.trim().to_owned() };
        Ok(Self {
            kind: "library",
            reference: id.purl(),
            name: id.name.clone(),
            version: id.version.clone(),
            description: package.description.as_deref().map(|text| text.trim().to_owned()),
            scope,
            hashes: source.checksum.iter().map(hash).collect(),
            licenses: vec![License { expression }],
            cpe: None,
            purl: id.purl(),
            references: package.repository.iter().map(reference).collect(),
        })
    }

    fn bundled(library: Bundled, scope: &'static str) -> Self {
        let Bundled { name, license, version, cpe } = library;
        let purl = format!("pkg:generic/{name}@{version}");
        Self {
            kind: "library",
            reference: purl.clone(),
            name: name.to_owned(),
            version,
            description: None,
            scope,
            hashes: Vec::new(),
            licenses: vec![License { expression: license.to_owned() }],
            cpe: Some(cpe),
            purl,
            references: Vec::new(),
        }
    }
}

impl Id {
    /// Its [package URL](https://github.com/package-url/purl-spec). A `+` in a version stands encoded.
    fn purl(&self) -> String {
        format!("pkg:cargo/{}@{}", self.name, self.version.replace('+', "%2B"))
    }
}
