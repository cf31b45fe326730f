//! `orch iam`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value as Json, json};

use crate::grants::{self, Bootstrap, Grant, Holder, MANAGED, Purpose, Wanted, bootstrap, split};
use crate::iam::Policy;
use crate::ids::AccountName;
use crate::text::counted;

use super::args::Vars;
use super::checked::{Checked, Hold};
use super::exit::Exit;
use super::{Surroundings, checked, print, terminal};

/// How many managed policies a role takes.
const ATTACHED: usize = 10;

/// Arguments of `iam`.
#[derive(Args, Debug)]
pub(super) struct Iam {
    /// The plan file
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    /// What it is for; repeatable. Without it: apply, preview, destroy and prune
    #[arg(long = "for", value_name = "COMMAND", value_parser = purpose, help_heading = "Policy")]
    purposes: Vec<Purpose>,
    /// Grant on nothing but what the plan names: stacks are then asked for one by one, and what left the plan is not found
    #[arg(long, help_heading = "Policy")]
    strict: bool,
    /// Estimate what the templates' resources need too, by what their types' schemas say
    #[arg(long, help_heading = "Policy")]
    for_templates: bool,
    /// This account only; repeatable
    #[arg(long = "account", value_name = "NAME", help_heading = "Policy")]
    accounts: Vec<String>,
    /// The form of the policies
    #[arg(long, value_enum, default_value_t = IamFormat::Text, conflicts_with = "bootstrap")]
    format: IamFormat,
    /// Print a CloudFormation template of the role that the plan assumes in one account
    #[arg(long, help_heading = "Role")]
    bootstrap: bool,
    /// The permissions boundary of that role
    #[arg(long, value_name = "ARN", requires = "bootstrap", help_heading = "Role")]
    permissions_boundary: Option<String>,
    /// Who may assume that role, if the plan does not say whose credentials it is run with
    #[arg(long, value_name = "ARN", requires = "bootstrap", help_heading = "Role")]
    trust: Option<String>,
    /// Variables.
    #[command(flatten)]
    vars: Vars,
}

/// The forms of `iam`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum IamFormat {
    /// Each policy with a heading.
    Text,
    /// One document for all of them.
    Json,
}

fn purpose(text: &str) -> Result<Purpose, String> {
    let known = Purpose::ALL.map(Purpose::as_str).join(", ");
    Purpose::ALL.into_iter().find(|own| own.as_str() == text).ok_or_else(|| format!("there are {known}"))
}

/// Prints what each account of a plan must allow. Nothing is asked of AWS.
pub(super) fn iam(args: &Iam, surroundings: &Surroundings) -> Exit {
    let checked = match checked::open(&args.plan, &args.vars, Hold::ThatItLoads, surroundings) {
        Ok(checked) => checked,
        Err(exit) => return exit,
    };
    let purposes = if args.purposes.is_empty() { &Purpose::USUAL[..] } else { &args.purposes };
    let purposes: BTreeSet<Purpose> = purposes.iter().copied().collect();
    let wanted = Wanted { purposes, strict: args.strict, for_templates: args.for_templates };
    let mut grants = grants::grants(&checked.plan, &checked.sources, &wanted);
    if let Some(unknown) = args.accounts.iter().find(|name| !checked.plan.accounts.contains_key(name.as_str())) {
        let known: Vec<&str> = checked.plan.accounts.keys().map(AccountName::as_str).collect();
        terminal::notice(&format!("error: the plan has no account `{unknown}`: it has {}\n", known.join(", ")));
        return Exit::Refused;
    }
    if !args.accounts.is_empty() {
        grants.retain(|grant| matches!(&grant.holder, Holder::Account(name) if args.accounts.iter().any(|own| own == name.as_str())));
    }
    if args.bootstrap {
        return role(args, &checked, &grants);
    }
    let text = match args.format {
        IamFormat::Text => as_text(&grants),
        IamFormat::Json => pretty(&as_json(&grants)),
    };
    print(&text, Exit::Done)
}

/// Prints the template of the one role that is meant.
fn role(args: &Iam, checked: &Checked, grants: &[Grant]) -> Exit {
    let refuse = |error: &str| {
        terminal::notice(&format!("error: {error}\n"));
        Exit::Refused
    };
    let with_role: Vec<&Grant> =
        grants.iter().filter(|grant| !args.accounts.is_empty() || grant.role.is_some()).collect();
    let [grant] = with_role.as_slice() else {
        let names: Vec<String> = with_role.iter().map(|grant| name(grant)).collect();
        let count = counted(names.len(), "account");
        let error =
            format!("the plan assumes a role in {count} ({}): choose one with --account NAME", names.join(", "));
        return refuse(&error);
    };
    let Holder::Account(account) = &grant.holder else { return refuse("that is no account") };
    for arn in [&args.permissions_boundary, &args.trust].into_iter().flatten() {
        if !arn.starts_with("arn:") || arn.split(':').count() < 6 {
            return refuse(&format!("`{arn}` is no ARN"));
        }
    }
    let more = Bootstrap { permissions_boundary: args.permissions_boundary.as_deref(), trust: args.trust.as_deref() };
    match bootstrap(&checked.plan, &checked.sources, grant, account, more) {
        Ok(template) => print(&pretty(&template), Exit::Done),
        Err(error) => refuse(&error.to_string()),
    }
}

fn name(grant: &Grant) -> String {
    match &grant.holder {
        Holder::Account(name) => name.to_string(),
        Holder::Profile(profile) => format!("(profile {profile})"),
        Holder::Caller => "(caller)".to_owned(),
    }
}

fn pretty(json: &Json) -> String {
    // A value of JSON can always be written.
    serde_json::to_string_pretty(json).unwrap_or_default() + "\n"
}

fn as_text(grants: &[Grant]) -> String {
    let mut text = String::new();
    for grant in grants {
        let id = grant.id.as_ref().map(|id| format!(" ({id})")).unwrap_or_default();
        let role = grant.role.as_ref().map(|role| format!(", {role}")).unwrap_or_default();
        let _ = writeln!(text, "# {}{id}{role}", name(grant));
        for note in &grant.notes {
            let _ = writeln!(text, "# {note}");
        }
        let parts = split(&grant.policy, MANAGED);
        if parts.is_empty() {
            let _ = writeln!(text, "# nothing needs to be allowed");
        }
        if parts.len() > ATTACHED {
            let _ = writeln!(
                text,
                "# a role takes {ATTACHED} of them unless its quota is raised (`Managed policies per role`)"
            );
        }
        if parts.len() > 1 {
            let _ = writeln!(text, "# in {} parts: a managed policy has {MANAGED} characters at most", parts.len());
        }
        for part in parts {
            text.push_str(&pretty(&part.to_json()));
        }
        if let Some(estimate) = &grant.estimate {
            let _ = writeln!(text, "# an estimate of what the templates need, by the schemas of their resource types");
            for unknown in &estimate.unknown {
                let _ = writeln!(text, "# not known: {unknown}");
            }
            for part in split(&estimate.policy, MANAGED) {
                text.push_str(&pretty(&part.to_json()));
            }
        }
        text.push('\n');
    }
    text
}

fn as_json(grants: &[Grant]) -> Json {
    let all: Map<String, Json> = grants
        .iter()
        .map(|grant| {
            let documents = |policy| split(policy, MANAGED).iter().map(Policy::to_json).collect::<Vec<_>>();
            let mut own = json!({
                "account": grant.id,
                "role": grant.role,
                "policies": documents(&grant.policy),
                "notes": grant.notes,
            });
            if let Some(estimate) = &grant.estimate {
                own["estimate"] = json!({ "policies": documents(&estimate.policy), "unknown": estimate.unknown });
            }
            (name(grant), own)
        })
        .collect();
    Json::Object(all)
}
