//! `[stacks.*]`.

use std::sync::Arc;

use indexmap::IndexMap;

use super::codes;
use super::document::Table;
use super::fields::{Fields, Key, Keyed};
use super::guards::{self, DeclaredGuards};
use super::supply;
use super::text::Text;
use crate::diag::Span;

/// The keys of a stack.
pub(super) const KEYS: [&str; 25] = [
    "for_each",
    "account",
    "region",
    "name",
    "template",
    "parameters",
    "keep_parameters",
    "sensitive_outputs",
    "tags",
    "capabilities",
    "manage",
    "adopt",
    "depends_on",
    "waves",
    "allow",
    "protect",
    "stack_policy",
    "rollback_triggers",
    "notification_arns",
    "service_role",
    "timeout",
    "on_failure",
    "deployment",
    "early_outputs",
    "early_inputs",
];

/// What a template can be allowed:
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html>.
const CAPABILITIES: [&str; 3] = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"];

/// A stack as it is declared.
#[derive(Debug)]
pub(super) struct DeclaredStack {
    pub(super) account: Option<Arc<Text>>,
    pub(super) name: Key<Arc<Text>>,
    pub(super) template: Option<Arc<Text>>,
    pub(super) parameters: IndexMap<Arc<str>, Keyed>,
    pub(super) kept: IndexMap<Arc<str>, Span>,
    pub(super) tags: IndexMap<Arc<str>, Keyed>,
    pub(super) capabilities: Vec<Arc<str>>,
    pub(super) sensitive_outputs: Vec<(Arc<str>, Span)>,
    pub(super) manage: bool,
    pub(super) adopt: bool,
    pub(super) guards: Box<DeclaredGuards>,
}

/// Reads a stack; `own` is its table without the defaults.
pub(super) fn read(fields: &mut Fields<'_>, own: &Table) -> DeclaredStack {
    fields.require("account");
    let manage = fields.boolean("manage").unwrap_or(true);
    if manage {
        fields.require("template");
    } else {
        let of_made = ["template", "parameters", "keep_parameters", "tags", "capabilities", "adopt", "waves"];
        for key in of_made.into_iter().chain(guards::KEYS) {
            if let Some(entry) = own.get(key) {
                let message = format!("`{key}` has no effect on a stack that is only read");
                fields.problems.error(
                    codes::READ_ONLY,
                    &entry.key,
                    message,
                    "take it away, or take `manage = false` away",
                );
            }
        }
    }
    let (account, name) = (fields.text("account"), fields.optional_text("name"));
    let sensitive_outputs = fields.names("sensitive_outputs");
    if !manage {
        // What the defaults say of stacks that are made has no meaning for one that is only read.
        let (parameters, kept, tags, capabilities) = (IndexMap::new(), IndexMap::new(), IndexMap::new(), Vec::new());
        let guards = Box::default();
        return DeclaredStack {
            account,
            name,
            template: None,
            parameters,
            kept,
            tags,
            capabilities,
            sensitive_outputs,
            manage,
            adopt: false,
            guards,
        };
    }
    let parameters = supply::read(fields);
    let kept = kept(fields, &parameters);
    DeclaredStack {
        account,
        name,
        template: fields.text("template"),
        parameters,
        kept,
        tags: fields.tags("tags"),
        capabilities: capabilities(fields),
        sensitive_outputs,
        manage,
        adopt: fields.boolean("adopt").unwrap_or(false),
        guards: Box::new(guards::read(fields)),
    }
}

/// The parameters whose present values stay, which none of them can both do and be given.
fn kept(fields: &mut Fields<'_>, parameters: &IndexMap<Arc<str>, Keyed>) -> IndexMap<Arc<str>, Span> {
    let names = fields.names("keep_parameters");
    for (name, span) in &names {
        if parameters.contains_key(name) {
            let message = format!("parameter `{name}` is given a value and keeps the one it has");
            fields.problems.error(codes::INVALID_VALUE, span, message, "take it away here, or from `parameters`");
        }
    }
    names.into_iter().collect()
}

fn capabilities(fields: &mut Fields<'_>) -> Vec<Arc<str>> {
    let names = fields.names("capabilities");
    for (name, span) in &names {
        if !CAPABILITIES.contains(&&**name) {
            let message = format!("there is no capability `{name}`");
            fields.problems.error_with(codes::INVALID_VALUE, span, message, |search| {
                search.or_known(name, "they are", CAPABILITIES.into_iter(), "")
            });
        }
    }
    names.into_iter().map(|(name, _)| name).collect()
}

/// Whether CloudFormation takes a text for a stack's name.
pub(super) fn is_stack_name(name: &str) -> bool {
    name.len() <= 128
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}
