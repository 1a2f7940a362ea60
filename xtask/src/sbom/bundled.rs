//! C libraries whose sources a package brings along. Whoever looks for their weaknesses looks for their own names.

use anyhow::Context as _;

use super::sources::Source;

/// A library in a package.
struct Library {
    /// The package that brings it.
    package: &'static str,
    name: &'static str,
    /// SPDX's expression for it.
    license: &'static str,
    /// Vendor and product in the [CPE dictionary](https://nvd.nist.gov/products/cpe).
    cpe: &'static str,
    /// The header that names its version, and what stands before each part of it.
    header: &'static str,
    version: &'static [&'static str],
}

const LIBRARIES: &[Library] = &[
    Library {
        package: "libsqlite3-sys",
        name: "sqlite",
        license: "blessing",
        cpe: "sqlite:sqlite",
        header: "sqlite3/sqlite3.h",
        version: &["#define SQLITE_VERSION "],
    },
    Library {
        package: "aws-lc-sys",
        name: "aws-lc",
        license: "ISC AND (Apache-2.0 OR ISC) AND Apache-2.0 AND BSD-3-Clause AND MIT",
        cpe: "amazon:aws-lc",
        header: "aws-lc/include/openssl/base.h",
        version: &["#define AWSLC_VERSION_NUMBER_STRING "],
    },
    Library {
        package: "zstd-sys",
        name: "zstd",
        license: "BSD-3-Clause OR GPL-2.0-only",
        cpe: "facebook:zstandard",
        header: "zstd/lib/zstd.h",
        version: &[
            "#define ZSTD_VERSION_MAJOR ",
            "#define ZSTD_VERSION_MINOR ",
            "#define ZSTD_VERSION_RELEASE ",
        ],
    },
];

/// A library as the document shows it.
pub(super) struct Bundled {
    pub(super) name: &'static str,
    pub(super) license: &'static str,
    pub(super) version: String,
    pub(super) cpe: String,
}

/// The library that this package brings along, if it does.
pub(super) fn of(package: &str, source: &Source) -> anyhow::Result<Option<Bundled>> {
    let Some(library) = LIBRARIES.iter().find(|library| library.package == package) else { return Ok(None) };
    let header = source.package.manifest_path.with_file_name(library.header);
    let text = std::fs::read_to_string(&header).with_context(|| format!("reading {}", header.display()))?;
    let version = version(&text, library.version)
        .with_context(|| format!("{} does not say its version", header.display()))?;
    let cpe = format!("cpe:2.3:a:{}:{version}:*:*:*:*:*:*:*", library.cpe);
    Ok(Some(Bundled { name: library.name, license: library.license, version, cpe }))
}

fn version(header: &str, parts: &[&str]) -> Option<String> {
    let part = |before: &&str| {
        let value = header.lines().find_map(|line| line.strip_prefix(before))?;
        Some(value.trim().trim_matches('"'))
    };
    parts.iter().map(part).collect::<Option<Vec<_>>>().map(|parts| parts.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_whole_or_in_parts() {
        let header = "#define A_VERSION   \"3.5.1\"\n#define MAJOR  1\n#define MINOR 5\n";
        assert_eq!(version(header, &["#define A_VERSION "]).unwrap(), "3.5.1");
        assert_eq!(version(header, &["#define MAJOR ", "#define MINOR "]).unwrap(), "1.5");
        assert_eq!(version(header, &["#define MAJOR ", "#define PATCH "]), None);
    }
}
