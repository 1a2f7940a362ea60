//! What people read in their own language: the messages of refusals. They follow the account's language, which is why
//! no program should read them. French is the one that is known here.

use serde_json::{Map, Value};

use crate::refusal::Answer;

/// The first part of a locale such as `fr_FR`.
pub(crate) fn of_locale(locale: &str) -> &str {
    locale.split(['_', '-']).next().unwrap_or(locale)
}

/// The refusal in the caller's language.
pub(crate) fn translated(mut refusal: Answer, language: &str) -> Answer {
    let body: Option<Value> = serde_json::from_str(&refusal.body).ok();
    if let (Some(mut body), "fr") = (body, language) {
        for part in ["errorMessages", "errors"] {
            match body.get_mut(part) {
                Some(Value::Array(list)) => list.iter_mut().for_each(into_french),
                Some(Value::Object(map)) => Map::values_mut(map).for_each(into_french),
                _ => {}
            }
        }
        refusal.body = body.to_string();
    }
    refusal
}

fn into_french(message: &mut Value) {
    let found =
        message.as_str().and_then(|text| FRENCH.iter().find_map(|(from, to)| carried(from, to, text)));
    if let Some(text) = found {
        *message = text.into();
    }
}

/// What stands in the holes of `from` put into those of `to`, if the text is made like that.
fn carried(from: &str, to: &str, text: &str) -> Option<String> {
    let (first, holes) = from.split_once("{}").map_or((from, None), |(first, rest)| (first, Some(rest)));
    let rest = text.strip_prefix(first)?;
    let Some(holes) = holes else {
        return rest.is_empty().then(|| to.to_owned());
    };
    let end = holes.split("{}").next().unwrap_or_default();
    let place = if end.is_empty() { rest.len() } else { rest.find(end)? };
    let word = &rest[..place];
    let word = WORDS.iter().find(|(english, _)| *english == word).map_or(word, |(_, french)| french);
    carried(holes, &to.replacen("{}", word, 1), &rest[place..])
}

const WORDS: [(&str, &str); 2] = [("Resolution", "Résolution"), ("Fix versions", "Versions corrigées")];

const FRENCH: [(&str, &str); 7] = [
    (
        "Transition id '{}' is not valid for this issue.",
        "L'identifiant de transition '{}' n'est pas valide pour ce ticket.",
    ),
    (
        "It seems that you have tried to perform a workflow operation ({}) that is not valid for the current state of this \
         issue ({}). The likely cause is that somebody has changed the issue recently, please look at the issue history \
         for details.",
        "Il semble que vous ayez tenté une opération de workflow ({}) qui n'est pas valide dans l'état actuel de ce \
         ticket ({}). Quelqu'un l'a sans doute modifié récemment : consultez son historique.",
    ),
    ("{} is required.", "{} est obligatoire."),
    (
        "Issue does not exist or you do not have permission to see it.",
        "Le ticket n'existe pas ou vous n'avez pas l'autorisation de le voir.",
    ),
    (
        "Field '{}' cannot be set. It is not on the appropriate screen, or unknown.",
        "Le champ '{}' ne peut pas être défini. Il n'est pas sur l'écran approprié, ou il est inconnu.",
    ),
    ("Missing 'transition' identifier", "L'identifiant « transition » est manquant"),
    ("Comment body is not valid!", "Le corps du commentaire n'est pas valide !"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_message_is_carried_over() {
        let text = "Transition id '999' is not valid for this issue.";
        let (from, to) = FRENCH[0];
        let french = "L'identifiant de transition '999' n'est pas valide pour ce ticket.";
        assert_eq!(carried(from, to, text).as_deref(), Some(french));
        assert_eq!(carried(from, to, "Transition id '999' is fine."), None);
        assert_eq!(
            carried("{} is required.", "{} est obligatoire.", "Resolution is required.").as_deref(),
            Some("Résolution est obligatoire.")
        );
    }
}
