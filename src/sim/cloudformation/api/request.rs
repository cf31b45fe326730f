//! What requests have in common.

use super::super::config::{self, Config, invalid};
use super::super::resource::provider;
use super::super::stack::Stack;
use super::super::template::Template;
use crate::cfn::{Document, Format, MAX_INLINE_BYTES, ReadError, ReadErrorKind};
use crate::sim::ec2::Tags;
use crate::sim::wire::{ApiError, Params};
use crate::sim::world::{Place, World};

/// The stack that a request names.
///
/// # Errors
///
/// `ValidationError` when there is none.
pub(super) fn stack<'a>(world: &'a World, place: &Place, params: &Params) -> Result<&'a Stack, ApiError> {
    let name = stack_name(params)?;
    let missing = || invalid(format!("Stack [{name}] does not exist"));
    world.at(place).cloudformation.find(name).ok_or_else(missing)
}

/// The name, or the ARN, of a request's stack.
pub(super) fn stack_name(params: &Params) -> Result<&str, ApiError> {
    required(params, "StackName", "stackName")
}

/// A parameter that the operation cannot do without.
pub(super) fn required<'a>(params: &'a Params, name: &str, member: &str) -> Result<&'a str, ApiError> {
    let constraint = || {
        invalid(format!(
            "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
        ))
    };
    params.get(name).filter(|value| !value.is_empty()).ok_or_else(constraint)
}

/// Checks the name of a stack or change set that is to be made.
pub(super) fn check_name(name: &str, member: &str) -> Result<(), ApiError> {
    let legal = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if !legal {
        let constraint = "Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*";
        return Err(ApiError::constraint(name, member, constraint));
    }
    if name.len() > 128 {
        return Err(ApiError::constraint(name, member, "Member must have length less than or equal to 128"));
    }
    Ok(())
}

/// The text of a request's template, or that of the stack so far where the request says so.
pub(super) fn template_body<'a>(params: &'a Params, before: Option<&'a Config>) -> Result<&'a str, ApiError> {
    if params.flag("UsePreviousTemplate") {
        let text = before.map(|config| config.template.text());
        return text.ok_or_else(|| invalid("UsePreviousTemplate cannot be true for a stack that has no template yet"));
    }
    if params.get("TemplateURL").is_some() {
        return Err(invalid("TemplateURL must reference a valid S3 object to which you have access."));
    }
    let Some(body) = params.get("TemplateBody") else {
        return Err(invalid("Either Template URL or Template Body must be specified."));
    };
    if body.len() > MAX_INLINE_BYTES {
        let constraint = format!("Member must have length less than or equal to {MAX_INLINE_BYTES}");
        return Err(ApiError::constraint("(the template)", "templateBody", &constraint));
    }
    Ok(body)
}

/// Reads a template and refuses what `CloudFormation` refuses before it looks at values.
pub(super) fn template(text: &str) -> Result<Template, ApiError> {
    let template = Template::read(text).map_err(|error| malformed(&error))?;
    let document = template.document();
    if let Some(fault) = document.faults().into_iter().next() {
        return Err(invalid(fault.message));
    }
    Ok(template)
}

fn malformed(error: &ReadError) -> ApiError {
    let format = if error.format == Format::Json { "JSON" } else { "YAML" };
    invalid(match error.kind {
        ReadErrorKind::Malformed => {
            format!("Template format error: {format} not well-formed. (line {}, column {})", error.line, error.column)
        }
        ReadErrorKind::NotATemplate => "Template format error: unsupported structure.".to_owned(),
    })
}

/// Refuses what only the making of a stack refuses: types and macros that are not there, capabilities that are missing.
fn check(document: &Document, capabilities: &[String], place: &Place) -> Result<(), ApiError> {
    const EMBEDDED: &str = "AWS::LanguageExtensions";
    if let Some(name) = document.transforms.iter().find(|name| *name != EMBEDDED) {
        return Err(invalid(format!("No transform named {}::{name} found.", place.account)));
    }
    if document.has_macros && document.transforms.is_empty() {
        return Err(invalid("Fn::Transform cannot be run: the embedded AWS has no macros"));
    }
    let sections = document.root.as_map().into_iter().flatten().filter_map(|(_, entry)| entry.node.as_map());
    if let Some(name) = sections.flat_map(|section| section.keys()).find(|key| key.starts_with("Fn::")) {
        return Err(invalid(format!("{name} cannot be run: the embedded AWS has no macros")));
    }
    let mut unknown: Vec<&str> = document
        .resources
        .values()
        .map(|resource| resource.type_name.as_str())
        .filter(|type_name| provider(type_name).is_none())
        .collect();
    unknown.sort_unstable();
    unknown.dedup();
    if !unknown.is_empty() {
        return Err(invalid(format!("Template format error: Unrecognized resource types: [{}]", unknown.join(", "))));
    }
    let granted = || capabilities.iter().map(String::as_str);
    let needed = document.capabilities().capabilities;
    if needed.iter().all(|capability| capability.is_granted_by(granted())) {
        return Ok(());
    }
    let names: Vec<&str> = needed.iter().map(|capability| capability.as_str()).collect();
    let message = format!("Requires capabilities : [{}]", names.join(", "));
    Err(ApiError::new("InsufficientCapabilitiesException", message))
}

/// What a request says that a stack is to be. What it does not say stays as it was.
pub(super) fn config(
    world: &World,
    place: &Place,
    params: &Params,
    before: Option<&Config>,
) -> Result<Config, ApiError> {
    let template = template(template_body(params, before)?)?;
    let owned = |name: &str| params.list(name).into_iter().map(str::to_owned).collect::<Vec<_>>();
    let capabilities = owned("Capabilities");
    check(template.document(), &capabilities, place)?;
    let parameters = config::parameters(world, place, template.document(), &params.structures("Parameters"), before)?;
    Ok(Config {
        parameters,
        tags: tags(params, before)?,
        capabilities,
        notification_arns: match before {
            Some(config) if !is_given(params, "NotificationARNs") => config.notification_arns.clone(),
            _ => owned("NotificationARNs"),
        },
        role_arn: params.get("RoleARN").map(str::to_owned).or_else(|| before?.role_arn.clone()),
        template,
    })
}

/// Whether a request has a list, be it an empty one.
fn is_given(params: &Params, name: &str) -> bool {
    params.get(name).is_some() || !params.list(name).is_empty() || !params.structures(name).is_empty()
}

/// A request's tags. One without a list of them leaves them as they were; an empty list takes all away.
fn tags(params: &Params, before: Option<&Config>) -> Result<Tags, ApiError> {
    if !is_given(params, "Tags") {
        return Ok(before.map(|config| config.tags.clone()).unwrap_or_default());
    }
    let mut tags = Tags::new();
    for tag in params.structures("Tags") {
        let key = tag.get("Key").unwrap_or_default();
        if key.is_empty() || key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid(format!("Tag key [{key}] is not allowed: it is empty or begins with aws:")));
        }
        if tags.insert(key.to_owned(), tag.get("Value").unwrap_or_default().to_owned()).is_some() {
            return Err(invalid(format!("Duplicate tag key [{key}]")));
        }
    }
    if tags.len() > 50 {
        return Err(invalid("A stack can have at most 50 tags"));
    }
    Ok(tags)
}

/// The operation that a request with this token began on a stack, if it was sent before.
///
/// # Errors
///
/// `TokenAlreadyExistsException`, when the token came with another operation.
pub(super) fn repeated<'a>(stack: &'a Stack, token: Option<&str>, kind: &str) -> Result<Option<&'a str>, ApiError> {
    match token.and_then(|token| Some((token, stack.tokens.get(token)?))) {
        None => Ok(None),
        Some((_, (known, operation))) if known == kind => Ok(Some(operation)),
        Some((token, _)) => {
            let message = format!("Client request token {token} was used by another operation on stack {}", stack.name);
            Err(ApiError::new("TokenAlreadyExistsException", message))
        }
    }
}
