//! Secrets that were given as flags: everybody on the machine reads them in the list of processes.

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

/// One sentence for each that was given, with where to put it instead.
pub(super) fn warnings(command: &Command, matches: &ArgMatches) -> Vec<String> {
    let (mut command, mut matches) = (command, matches);
    while let Some((name, inner)) = matches.subcommand()
        && let Some(named) = command.find_subcommand(name)
    {
        (command, matches) = (named, inner);
    }
    // What `--help` does not show of the environment is what is secret.
    let hidden = command.get_arguments().filter(|flag| flag.is_hide_env_values_set());
    hidden.filter(|flag| is_exposed(flag, matches)).map(|flag| warning(flag, command)).collect()
}

fn is_exposed(flag: &Arg, matches: &ArgMatches) -> bool {
    let id = flag.get_id().as_str();
    matches.value_source(id) == Some(ValueSource::CommandLine)
        && matches.get_raw(id).into_iter().flatten().any(|value| is_secret(&value.to_string_lossy()))
}

/// An address is one with a login in it alone.
pub(super) fn is_secret(value: &str) -> bool {
    match value.split_once("://") {
        Some((_, rest)) => {
            let login = rest.split_once('@').is_some_and(|(login, _)| login.contains(':'));
            login || rest.contains("password=")
        }
        None => !value.starts_with("sqlite:"),
    }
}

fn warning(flag: &Arg, command: &Command) -> String {
    let env = |flag: &Arg| flag.get_env().map(|name| name.to_string_lossy().into_owned());
    let (name, variable) = (flag.get_long().unwrap_or_default(), env(flag).unwrap_or_default());
    let file = format!("{variable}_FILE");
    let has_file = command.get_arguments().any(|other| env(other).as_ref() == Some(&file));
    let or_file = if has_file { format!(" or {file}") } else { String::new() };
    format!(
        "--{name}: everybody on this machine can read it in the list of processes; set {variable}{or_file} instead, and \
         take what was given for known to others"
    )
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    fn said(arguments: &[&str]) -> Vec<String> {
        let command = Cli::command();
        let matches = command.clone().try_get_matches_from(arguments).unwrap();
        warnings(&command, &matches)
    }

    #[test]
    fn a_secret_among_the_flags_is_told_with_its_variable_and_never_repeated() {
        let said = said(&[
            "conduit",
            "serve",
            "--secret-key",
            "hunter2",
            "--atlassian-token=hunter2",
            "--redis-url",
            "redis://:hunter2@redis",
        ]);
        assert_eq!(said.len(), 3, "{said:?}");
        let about = |flag: &str| said.iter().find(|text| text.starts_with(&format!("--{flag}:"))).unwrap();
        assert!(about("secret-key").contains("set CONDUIT_SECRET_KEY or CONDUIT_SECRET_KEY_FILE instead"));
        assert!(about("atlassian-token").contains("set ATLASSIAN_TOKEN instead"));
        assert!(about("redis-url").contains("set REDIS_URL instead"));
        assert!(said.iter().all(|text| !text.contains("hunter2")), "{said:?}");
    }

    #[test]
    fn an_address_without_a_login_is_none() {
        for address in
            ["redis://redis:6379/1", "redis+sentinel://a:1,b:2/main?db=2", "sqlite:data/conduit.db"]
        {
            assert!(said(&["conduit", "worker", "--store", address]).is_empty(), "{address}");
        }
        let sentinel = "redis+sentinel://a/main?sentinel_password=hunter2";
        assert_eq!(said(&["conduit", "secrets", "rotate", "--store", sentinel]).len(), 1);
    }
}
