//! `orch status`.

use clap::{Args, ValueEnum};

use crate::event::{Health, Survey};
use crate::report::{Layout, Palette, status_json, status_text};
use crate::run::survey;

use super::args::On;
use super::exit::Exit;
use super::looking::look;
use super::terminal::For;
use super::{Surroundings, now, print_for};

/// Arguments of `status`.
#[derive(Args, Debug)]
pub(super) struct Status {
    /// What it is about.
    #[command(flatten)]
    pub on: On,
    /// The form of what is found
    #[arg(long, value_enum, default_value_t = StatusFormat::Text)]
    pub format: StatusFormat,
}

/// The forms of `status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum StatusFormat {
    /// For people; -v gives every node a line of its own.
    Text,
    /// For programs.
    Json,
}

/// Prints how the chosen nodes stand.
pub(super) fn status(args: &Status, surroundings: &Surroundings) -> Exit {
    tell(args, surroundings).unwrap_or_else(|exit| exit)
}

fn tell(args: &Status, surroundings: &Surroundings) -> Result<Exit, Exit> {
    let (checked, found) = look(&args.on, surroundings, survey)?;
    let text = match args.format {
        StatusFormat::Text => {
            let palette = Palette { enabled: surroundings.terminal.color_out };
            let layout = Layout { width: surroundings.width(), every_node: surroundings.verbose > 0, palette };
            status_text(now(), &found, layout)
        }
        StatusFormat::Json => status_json(&checked.plan.name, now(), &found),
    };
    let reader = if args.format == StatusFormat::Json { For::Json } else { For::People };
    Ok(print_for(reader, &text, exit(&found)))
}

/// How a look's result is told to the shell. That something is not known weighs more than all that is.
pub(super) fn exit(found: &Survey) -> Exit {
    let any = |health| found.nodes.iter().any(|node| node.standing.health == health);
    if any(Health::Unread) || !found.unread.is_empty() {
        Exit::NoAccount
    } else if found.nodes.iter().all(|node| node.standing.health == Health::Fine) {
        Exit::Done
    } else {
        Exit::Failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Failure, NodeStanding, Standing};

    #[test]
    fn the_exit_code_follows_the_worst_that_is_known_and_what_is_not() {
        let of = |healths: &[Health], unread: bool| {
            let node = |health: &Health| NodeStanding {
                node: "stacks.a".parse().unwrap(),
                account: "a".into(),
                region: "us-east-1".into(),
                standing: Standing::new(*health, ""),
            };
            let unread = if unread { vec![Failure::default()] } else { Vec::new() };
            exit(&Survey { nodes: healths.iter().map(node).collect(), unread, left: 0 })
        };
        assert_eq!(of(&[Health::Fine, Health::Fine], false), Exit::Done);
        for health in [Health::UnderWay, Health::Failed, Health::Foreign, Health::Missing, Health::Waits] {
            assert_eq!(of(&[Health::Fine, health], false), Exit::Failed, "{health}");
        }
        assert_eq!(of(&[Health::Fine, Health::Unread, Health::Failed], false), Exit::NoAccount);
        assert_eq!(of(&[Health::Fine], true), Exit::NoAccount);
    }
}
