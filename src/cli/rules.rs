//! `orch rules`.

use crate::plan::nearest;
use crate::rules;

use super::args::{Rules, RulesFormat};
use super::exit::Exit;
use super::{print, terminal};

/// Lists the rules, or explains one.
pub(super) fn rules(args: &Rules) -> Exit {
    let Some(wanted) = &args.rule else {
        return print(
            &match args.format {
                RulesFormat::Text => rules::listing(),
                RulesFormat::Markdown => rules::page(),
            },
            Exit::Done,
        );
    };
    if let Some(rule) = rules::find(wanted) {
        return print(&rules::explain(rule), Exit::Done);
    }
    let near = nearest(wanted, rules::ALL.iter().map(|rule| rule.name));
    let help = near.map_or("`orch rules` lists them".to_owned(), |near| format!("did you mean `{near}`?"));
    terminal::line(&format!("error: there is no rule `{wanted}`"));
    terminal::line(&format!("  help: {help}"));
    Exit::Refused
}
