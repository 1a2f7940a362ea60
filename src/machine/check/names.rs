//! Provisioners, their parts and their aliases.

use std::collections::BTreeMap;

use crate::machine::decl::{AliasDecl, Declarations, Mapper, Provisioner};
use crate::machine::diagnostic::Findings;
use crate::machine::model::END;
use crate::machine::span::{Span, Word};

/// E020: a project, or a set of rules, declared twice.
pub(super) fn twice(declarations: &Declarations, findings: &mut Findings<'_>) {
    let projects = declarations.provisioners.iter().map(|p| (p.project(), &p.name));
    once_each(projects, "provisioner", "keep one, or use the other project's key", findings);
    let sets = declarations.sets.iter().map(|set| (set.name.value.clone(), &set.name));
    once_each(sets, "rule set", "keep one, or give it another name", findings);
}

fn once_each<'d>(
    names: impl Iterator<Item = (String, &'d Word)>,
    what: &str,
    help: &str,
    findings: &mut Findings<'_>,
) {
    let mut seen: BTreeMap<String, &Word> = BTreeMap::new();
    for (key, name) in names {
        let Some(first) = seen.get(&key) else {
            seen.insert(key, name);
            continue;
        };
        let sources = findings.sources;
        let (here, there) = (sources.place(name.span), sources.place(first.span));
        let message = format!("{what} `{}` declared twice ({there}, {here})", name.value);
        let diagnostic = findings
            .labelled("E020", name.span, message, "again here")
            .also(sources.label(first.span, "first here"))
            .help(help);
        findings.push(diagnostic);
    }
}

/// E002 and E023: one aliasmapper and one statemachine, named as the provisioner, and an initial state.
pub(super) fn parts(provisioner: &Provisioner, findings: &mut Findings<'_>) {
    let mappers: Vec<(&Word, Span)> = provisioner.mappers.iter().map(|m| (&m.name, m.header)).collect();
    let machines: Vec<(&Word, Span)> = provisioner.machines.iter().map(|m| (&m.name, m.header)).collect();
    for (kind, parts) in [("aliasmapper", mappers), ("statemachine", machines)] {
        count(provisioner, kind, &parts, findings);
        for (name, _) in parts {
            same_name(provisioner, kind, name, findings);
        }
    }
    for machine in provisioner.machines.iter().filter(|m| m.initial.is_none() && !m.damaged) {
        let message = format!("statemachine `{}` has no `initial` state", machine.name.value);
        let first = machine.states.first().map_or("<alias>", |state| state.alias.as_str());
        let help = format!("add `initial = \"{first}\"`");
        let diagnostic = findings.at("E023", machine.header, message).help(help);
        findings.push(diagnostic);
    }
}

fn count(provisioner: &Provisioner, kind: &str, parts: &[(&Word, Span)], findings: &mut Findings<'_>) {
    let name = &provisioner.name.value;
    match parts {
        [_] => {}
        [] => {
            let message = format!("provisioner `{name}` has no `{kind}`");
            let help = format!("add `{kind} \"{name}\" {{ … }}`");
            let diagnostic = findings.at("E023", provisioner.header, message).help(help);
            findings.push(diagnostic);
        }
        [(_, first), others @ ..] => {
            for (_, other) in others {
                let message = format!("provisioner `{name}` has two `{kind}` blocks");
                let diagnostic = findings
                    .labelled("E023", *other, message, "again here")
                    .also(findings.sources.label(*first, "first here"))
                    .help("keep one");
                findings.push(diagnostic);
            }
        }
    }
}

fn same_name(provisioner: &Provisioner, kind: &str, name: &Word, findings: &mut Findings<'_>) {
    let wanted = &provisioner.name.value;
    if name.value == *wanted {
        return;
    }
    let message = format!("`{kind} \"{}\"` inside `provisioner \"{wanted}\"`", name.value);
    let diagnostic = findings
        .labelled("E002", name.span, message, "another name")
        .also(findings.sources.label(provisioner.name.span, "the provisioner's"))
        .did_you_mean(Some(wanted))
        .help(format!("use one name: `{wanted}`"));
    findings.push(diagnostic);
}

/// E018 and names that cannot be an alias.
pub(super) fn aliases(provisioner: &Provisioner, findings: &mut Findings<'_>) {
    for mapper in &provisioner.mappers {
        for alias in &mapper.aliases {
            proper_name(alias, findings);
        }
        one_alias_per_status(mapper, findings);
        one_status_per_alias(mapper, findings);
        if mapper.aliases.is_empty() && !mapper.damaged {
            let message = format!("aliasmapper `{}` has no `aliases`", mapper.name.value);
            let help = "add `aliases = { to_do: \"To Do\", … }`";
            findings.push(findings.at("E023", mapper.header, message).help(help));
        }
    }
}

fn proper_name(alias: &AliasDecl, findings: &mut Findings<'_>) {
    if alias.name.value == END || alias.name.value.is_empty() {
        let message = format!("`{}` cannot be an alias", alias.name.value);
        let diagnostic = findings.at("E004", alias.name.span, message);
        findings.push(diagnostic.help(format!("`{END}` is the end of every machine; use another name")));
    }
    if alias.status.value.trim().is_empty() {
        let message = format!("the status of `{}` is empty", alias.name.value);
        let diagnostic = findings.at("E015", alias.status.span, message);
        findings.push(diagnostic.help("write the status as the board shows it"));
    }
}

fn one_alias_per_status(mapper: &Mapper, findings: &mut Findings<'_>) {
    let mut seen: BTreeMap<&str, &AliasDecl> = BTreeMap::new();
    for alias in &mapper.aliases {
        let Some(first) = seen.get(alias.status.as_str()) else {
            seen.insert(alias.status.as_str(), alias);
            continue;
        };
        let (status, one, other) = (&alias.status.value, &first.name.value, &alias.name.value);
        let message = format!("status \"{status}\" is used by aliases `{one}` and `{other}`");
        let diagnostic = findings
            .labelled("E018", alias.status.span, message, "again here")
            .also(findings.sources.label(first.status.span, "first here"))
            .help("one alias per status");
        findings.push(diagnostic);
    }
}

/// The parser sees to names written alike; `a` and `"a"` are one name, too.
fn one_status_per_alias(mapper: &Mapper, findings: &mut Findings<'_>) {
    for (index, alias) in mapper.aliases.iter().enumerate() {
        let before = mapper.aliases.get(..index).unwrap_or_default();
        let Some(first) = before.iter().find(|first| first.name.value == alias.name.value) else { continue };
        let message = format!("alias `{}` stands for two statuses", alias.name.value);
        let diagnostic = findings
            .labelled("E018", alias.name.span, message, "again here")
            .also(findings.sources.label(first.name.span, "first here"))
            .help("one status per alias");
        findings.push(diagnostic);
    }
}
