//! `orch drift`.

use clap::Args;

use crate::event::DriftReport;
use crate::report::{Palette, drift_json, drift_markdown, drift_text};
use crate::run::drift as find_drift;

use super::args::{On, PreviewFormat};
use super::exit::Exit;
use super::looking::look;
use super::preview::reader;
use super::{Surroundings, now, print_for};

/// Arguments of `drift`.
#[derive(Args, Debug)]
pub(super) struct DriftArgs {
    /// What it is about.
    #[command(flatten)]
    pub on: On,
    /// The form of what is found
    #[arg(long, value_enum, default_value_t = PreviewFormat::Text)]
    pub format: PreviewFormat,
}

/// Whether drift is taken back.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(super) struct Drift {
    /// Bring back what was changed or deleted by hand in the plan's stacks
    ///
    /// Every stack of the run gets a change set, also one that the plan does not change: CloudFormation compares what
    /// really stands with the template and brings that back, resources that are gone too. `orch drift` shows what has
    /// drifted, without a change set; docs/drift.md says what CloudFormation cannot bring back.
    #[arg(long, help_heading = "Drift")]
    pub revert_drift: bool,
}

/// Prints what has drifted of the chosen nodes.
pub(super) fn drift(args: &DriftArgs, surroundings: &Surroundings) -> Exit {
    tell(args, surroundings).unwrap_or_else(|exit| exit)
}

fn tell(args: &DriftArgs, surroundings: &Surroundings) -> Result<Exit, Exit> {
    let (checked, found) = look(&args.on, surroundings, find_drift)?;
    let text = match args.format {
        PreviewFormat::Text => {
            let palette = Palette { enabled: surroundings.terminal.color_out };
            surroundings.terminal.lines_out.hold(drift_text(&found, palette))
        }
        PreviewFormat::Json => drift_json(&checked.plan.name, now(), &found),
        PreviewFormat::Markdown => drift_markdown(&checked.plan.name, &found),
    };
    Ok(print_for(reader(args.format), &text, exit(&found)))
}

/// How a look for drift is told to the shell. That something is not known weighs more than all that is.
fn exit(found: &DriftReport) -> Exit {
    if found.is_partial() {
        Exit::NoAccount
    } else if found.has_drifted() {
        Exit::Changes
    } else {
        Exit::Done
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Drift, Fate, NodeDrift, ResourceDrift, Verdict};

    #[test]
    fn what_is_not_known_weighs_more_than_what_has_drifted() {
        let of = |verdicts: &[Verdict], fate: Option<Fate>| {
            let node = |verdict: &Verdict| {
                let mut drift = Drift::new(*verdict, "");
                drift.resources.extend(fate.map(|fate| ResourceDrift {
                    resource: "Vpc".to_owned(),
                    kind: "AWS::EC2::VPC".to_owned(),
                    id: None,
                    fate,
                    reason: None,
                    properties: Vec::new(),
                }));
                let (account, region) = ("a".into(), "us-east-1".into());
                NodeDrift { node: "stacks.a".parse().unwrap(), account, region, drift }
            };
            exit(&DriftReport { nodes: verdicts.iter().map(node).collect(), unread: Vec::new() })
        };
        assert_eq!(of(&[Verdict::InSync], None), Exit::Done);
        assert_eq!(of(&[Verdict::InSync, Verdict::Drifted], None), Exit::Changes);
        assert_eq!(of(&[Verdict::Missing], None), Exit::Changes);
        assert_eq!(of(&[Verdict::Drifted, Verdict::Unchecked], None), Exit::NoAccount);
        assert_eq!(of(&[Verdict::Drifted, Verdict::Unread], None), Exit::NoAccount);
        assert_eq!(of(&[Verdict::Drifted], Some(Fate::Deleted)), Exit::Changes);
        assert_eq!(of(&[Verdict::Drifted], Some(Fate::Unknown)), Exit::NoAccount);
    }
}
