//! What a plan is given besides its own text: variables, folders and the environment.

use std::path::PathBuf;

use clap::Args;

use super::disk::folder;
use super::variable;
use crate::plan::Variable;

/// What a plan is given besides its own text.
#[derive(Args, Clone, Debug, Default)]
#[expect(clippy::struct_field_names, reason = "each is named as its flag is")]
pub(super) struct Vars {
    /// Give a variable of the plan another value; repeatable
    ///
    /// Where the plan's own value is a text, VALUE is taken as it stands; otherwise it is read as TOML:
    /// --var 'spokes={ dev = "10.0.16.0/20" }'
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = name_and_value, help_heading = "Plan")]
    pub vars: Vec<(String, String)>,
    /// Let the plan read files below this folder too; repeatable
    ///
    /// What a plan extends and its templates must lie in the plan's own folder or below, wherever links lead.
    #[arg(long = "allow-read", value_name = "FOLDER", value_parser = folder, help_heading = "Plan")]
    pub allow_read: Vec<PathBuf>,
    /// Let the plan have this variable of the environment; repeatable
    ///
    /// A plan gets no other, whatever it asks for. `DB_*` stands for all whose names begin so.
    #[arg(long = "allow-env", value_name = "NAME", value_parser = variable_name, help_heading = "Plan")]
    pub allow_env: Vec<String>,
}

impl Vars {
    /// A variable of the environment, as the plan may see it.
    pub(super) fn environment(&self, name: &str) -> Option<Variable> {
        let value = variable(name)?;
        Some(if self.allows(name) { Variable::Value(value) } else { Variable::Forbidden })
    }

    fn allows(&self, name: &str) -> bool {
        self.allow_env.iter().any(|allowed| match allowed.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == allowed,
        })
    }
}

/// The name of a variable of the environment, or how names begin: never all of them.
pub(super) fn variable_name(text: &str) -> Result<String, String> {
    let name = text.strip_suffix('*').unwrap_or(text);
    if name.is_empty() || name.contains(['*', '=']) {
        return Err("write the name of a variable, or how names begin, as in DB_*".to_owned());
    }
    Ok(text.to_owned())
}

/// Splits `NAME=VALUE`.
pub(super) fn name_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_may_have_the_variables_that_are_allowed_and_never_all() {
        let vars = Vars { allow_env: vec!["TEAM".to_owned(), "DB_*".to_owned()], ..Vars::default() };
        let allowed =
            ["TEAM", "DB_PASSWORD", "DB_", "TEAMS", "db_x", "AWS_SECRET_ACCESS_KEY"].map(|name| vars.allows(name));
        assert_eq!(allowed, [true, true, true, false, false, false]);
        for text in ["", "*", "A=b", "A*B", "**"] {
            assert!(variable_name(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_variable_is_a_name_and_a_value() {
        assert_eq!(name_and_value("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert_eq!(name_and_value("a="), Ok(("a".to_owned(), String::new())));
        assert!(name_and_value("a").is_err());
        assert!(name_and_value("=b").is_err());
    }
}
