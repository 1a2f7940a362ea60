//! Short names for statuses, whatever their language.

use crate::jira::BoardStatus;

/// An alias for each status, all different: letters and digits of its name in small letters, joined by `_`.
///
/// Letters of any script stay: to the team they are the best name there is. A name without a letter or digit
/// becomes one by its id.
pub(super) fn aliases(statuses: &[&BoardStatus]) -> Vec<String> {
    let mut aliases: Vec<String> = Vec::new();
    for status in statuses {
        let slug = slug(&status.name);
        let slug = if slug.is_empty() { format!("status_{}", status.id) } else { slug };
        let numbered = (2..).map(|number| format!("{slug}_{number}"));
        let free = |alias: &String| !aliases.contains(alias);
        let alias = std::iter::once(slug.clone()).chain(numbered).find(free);
        aliases.extend(alias);
    }
    aliases
}

fn slug(name: &str) -> String {
    let lower = name.to_lowercase();
    let words: Vec<_> = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join("_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jira::Category;

    fn named(names: &[&str]) -> Vec<String> {
        let status = |(id, name): (usize, &&str)| BoardStatus {
            id: id.to_string(),
            name: (*name).to_owned(),
            category: Category::New,
        };
        let statuses: Vec<_> = names.iter().enumerate().map(status).collect();
        aliases(&statuses.iter().collect::<Vec<_>>())
    }

    #[test]
    fn an_alias_is_the_statuss_name_in_one_word() {
        assert_eq!(named(&["To Do", "In-Progress!", "  QA / UAT "]), ["to_do", "in_progress", "qa_uat"]);
        assert_eq!(named(&["À faire", "進行中", "Выполнено"]), ["à_faire", "進行中", "выполнено"]);
    }

    #[test]
    fn no_two_are_the_same_and_none_is_empty() {
        assert_eq!(named(&["Done", "done!", "D o n e", "DONE?"]), ["done", "done_2", "d_o_n_e", "done_3"]);
        assert_eq!(named(&["???", "🚀"]), ["status_0", "status_1"]);
    }
}
