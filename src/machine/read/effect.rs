//! Reads what a rule writes: `comment`, `link`, `fix_version`, `fields`.

use super::Reader;
use crate::machine::decl::RuleDecl;
use crate::machine::effects::is_web_address;
use crate::machine::expr::{Expr, Kind, Wanted};
use crate::machine::model::{LinkTemplate, On, VersionTemplate};
use crate::machine::span::Word;
use crate::machine::syntax::Argument;

impl Reader<'_, '_> {
    pub(super) fn effect(&mut self, argument: &Argument, rule: &mut RuleDecl) {
        let on = rule.on;
        match argument.name.as_str() {
            "comment" => {
                self.check(on, "comment", &argument.value, Wanted::Text);
                rule.effects.comment = Some(argument.value.clone());
            }
            "link" => rule.effects.link = self.link(argument, on),
            "fix_version" => rule.effects.fix_version = self.fix_version(argument, on),
            _ => {
                let entries = self.object("fields", &argument.value).unwrap_or_default();
                for (name, value) in entries {
                    self.check(on, name.as_str(), value, Wanted::Json);
                    rule.effects.fields.push((name.value, value.clone()));
                }
            }
        }
    }

    fn link(&mut self, argument: &Argument, on: On) -> Option<LinkTemplate> {
        let [url, title] = self.parts(argument, on, [("url", Wanted::Text), ("title", Wanted::Text)])?;
        if let Some(Expr { kind: Kind::Text(text), span }) = &url
            && !is_web_address(text)
        {
            let message = "`url` must be an http:// or https:// address";
            self.push(self.findings.at("E015", *span, message));
        }
        Some(LinkTemplate { url: url?, title })
    }

    fn fix_version(&mut self, argument: &Argument, on: On) -> Option<VersionTemplate> {
        if !matches!(argument.value.kind, Kind::Object(_)) {
            self.check(on, "fix_version", &argument.value, Wanted::Text);
            return Some(VersionTemplate { name: argument.value.clone(), create: None, released: None });
        }
        let parts = [("name", Wanted::Text), ("create", Wanted::Truth), ("released", Wanted::Truth)];
        let [name, create, released] = self.parts(argument, on, parts)?;
        Some(VersionTemplate { name: name?, create, released })
    }

    /// The named parts of an object, the first of which must be there.
    fn parts<const N: usize>(
        &mut self,
        argument: &Argument,
        on: On,
        known: [(&str, Wanted); N],
    ) -> Option<[Option<Expr>; N]> {
        let what = argument.name.as_str();
        let entries = self.object(what, &argument.value)?;
        let mut parts = [const { None }; N];
        let before = self.trouble;
        for (name, value) in entries {
            let found = known.iter().zip(parts.iter_mut()).find(|((part, _), _)| *part == name.value);
            match found {
                Some(((_, wanted), part)) => {
                    self.check(on, name.as_str(), value, *wanted);
                    *part = Some(value.clone());
                }
                None => self.unknown_part(what, &name, &known.map(|(part, _)| part)),
            }
        }
        if let (Some((needed, _)), Some(None)) = (known.first(), parts.first())
            && self.trouble == before
        {
            let message = format!("`{what}` must have `{needed}`");
            self.push(self.findings.at("E015", argument.value.span, message));
        }
        Some(parts)
    }

    fn unknown_part(&mut self, what: &str, name: &Word, known: &[&str]) {
        let message = format!("unknown argument `{}` in `{what}`", name.value);
        let diagnostic = self.findings.at("E010", name.span, message);
        self.push(diagnostic.suggest(name.as_str(), known.iter().copied(), "known here"));
    }
}
