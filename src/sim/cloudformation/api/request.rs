//! What requests have in common.

use std::collections::BTreeSet;

use super::super::config::{self, Config, invalid};
use super::super::rollback::RollbackTriggers;
use super::super::scope::Scope;
use super::super::stack::Stack;
use super::super::template::Template;
use crate::cfn::{
    Document, Format, MAX_BYTES, MAX_INLINE_BYTES, Node, ReadError, ReadErrorKind, S3Url, Target, references,
};
use crate::sim::ec2::Tags;
use crate::sim::s3;
use crate::sim::wire::rest::object_of_this_machine;
use crate::sim::wire::{ApiError, Params};
use crate::sim::world::{Place, Register, World};

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
pub(super) fn template_body<'a>(
    world: &'a World,
    place: &Place,
    params: &'a Params,
    before: Option<&'a Config>,
) -> Result<&'a str, ApiError> {
    if params.flag("UsePreviousTemplate") {
        let text = before.map(|config| config.template.text());
        return text.ok_or_else(|| invalid("UsePreviousTemplate cannot be true for a stack that has no template yet"));
    }
    if let Some(url) = params.get("TemplateURL") {
        return template_at(world, place, url);
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

/// The text of a template in S3, read as the caller.
///
/// # Errors
///
/// `ValidationError`, with what S3 says.
pub(in super::super) fn template_at<'a>(world: &'a World, place: &Place, url: &str) -> Result<&'a str, ApiError> {
    let named = match S3Url::parse(url) {
        Some(S3Url { bucket, key, region, version, .. }) => Some((bucket, key, region, version)),
        // What clients make of the address of a served AWS.
        None => {
            object_of_this_machine(url).filter(|_| world.rules.served).map(|(bucket, key)| (bucket, key, None, None))
        }
    };
    let (bucket, key, region, version) = named.ok_or_else(|| invalid("TemplateURL must be a supported URL."))?;
    let own = world.buckets.get(&bucket).map(|bucket| bucket.place.region.as_str());
    if own.zip(region.as_deref()).is_some_and(|(own, named)| own != named) {
        let message = "The bucket you are attempting to access must be addressed using the specified endpoint. Please \
                       send all future requests to this endpoint.";
        return Err(invalid(format!("S3 error: {message}")));
    }
    let object = s3::read(world, &place.account, &bucket, (&key, version.as_deref())).map_err(|error| {
        let more = "For more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html";
        invalid(format!("S3 error: {}\n{more}", error.message))
    })?;
    if object.text.len() > MAX_BYTES {
        return Err(invalid(format!("Template may not exceed {MAX_BYTES} bytes in size.")));
    }
    Ok(&object.text)
}

/// Reads a template and refuses what `CloudFormation` refuses before it looks at values.
pub(in super::super) fn template(text: &str) -> Result<Template, ApiError> {
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
pub(in super::super) fn check(document: &Document, capabilities: &[String], place: &Place) -> Result<(), ApiError> {
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
    let template = template(template_body(world, place, params, before)?)?;
    let owned = |name: &str| params.list(name).into_iter().map(str::to_owned).collect::<Vec<_>>();
    let capabilities = owned("Capabilities");
    check(template.document(), &capabilities, place)?;
    let parameters = config::parameters(world, place, template.document(), &params.structures("Parameters"), before)?;
    let config = Config {
        parameters,
        tags: tags(params, before)?,
        capabilities,
        notification_arns: match before {
            Some(config) if !is_given(params, "NotificationARNs") => config.notification_arns.clone(),
            _ => owned("NotificationARNs"),
        },
        role_arn: params.get("RoleARN").map(str::to_owned).or_else(|| before?.role_arn.clone()),
        rollback: RollbackTriggers::read(params, before)?,
        express: Deployment::read(params)?.is_some_and(|deployment| deployment.express),
        template,
    };
    check_existing(world, place, stack_name(params)?, &config)?;
    Ok(config)
}

/// Refuses types that have not the form of one, in a template whose parameters are not known: what a condition may take
/// away, or a macro may change, is not held to it.
pub(super) fn check_types(document: &Document) -> Result<(), ApiError> {
    if document.has_macros {
        return Ok(());
    }
    let certain = document.resources.values().filter(|resource| resource.condition.is_none());
    refuse_types(certain.map(|resource| resource.type_name.as_str()))
}

fn refuse_types<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), ApiError> {
    let malformed: BTreeSet<&str> = names.filter(|name| !is_type_name(name)).collect();
    if malformed.is_empty() {
        return Ok(());
    }
    let names = malformed.into_iter().collect::<Vec<_>>().join(", ");
    Err(invalid(format!("Template format error: Unrecognized resource types: [{names}]")))
}

/// Checks what the template has under its conditions: types, and references to what these take away.
pub(in super::super) fn check_existing(
    world: &World,
    place: &Place,
    name: &str,
    config: &Config,
) -> Result<(), ApiError> {
    let document = config.template.document();
    let resources = Register::new();
    let scope = Scope::new(world, place, (name, name), config, &resources);
    let evaluator = scope.evaluator();
    let holds = |name: &str| evaluator.holds(name);
    let exists = |condition: Option<&str>| condition.and_then(holds) != Some(false);
    let existing = || document.resources.values().filter(|resource| exists(resource.condition.as_deref()));
    refuse_types(existing().map(|resource| resource.type_name.as_str()))?;
    let is_gone =
        |name: &str| document.resources.get(name).is_some_and(|resource| !exists(resource.condition.as_deref()));
    let refuse = |nodes: Vec<&Node>, section: &str| {
        let found = nodes.into_iter().flat_map(|node| references(node, &holds));
        let gone = found.filter_map(|reference| match reference.target {
            Target::Name(name) | Target::Attribute { resource: name, .. } => is_gone(name).then_some(name),
            Target::Condition(_) | Target::Mapping(_) => None,
        });
        let gone: BTreeSet<&str> = gone.collect();
        if gone.is_empty() {
            return Ok(());
        }
        let names = gone.into_iter().collect::<Vec<_>>().join(", ");
        Err(invalid(format!(
            "Template format error: Unresolved resource dependencies [{names}] in the {section} block of the template"
        )))
    };
    refuse(existing().filter_map(|resource| resource.properties.as_deref()).collect(), "Resources")?;
    let outputs = document.outputs.values().filter(|output| exists(output.condition.as_deref()));
    refuse(
        outputs.flat_map(|output| output.value.as_deref().into_iter().chain(output.export.as_deref())).collect(),
        "Outputs",
    )
}

/// Whether a type's name has the form that one has: `AWS::EC2::VPC`, `Custom::Thing`, `My::Own::Type::MODULE`.
fn is_type_name(name: &str) -> bool {
    let is_word = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric());
    let parts: Vec<&str> = name.split("::").collect();
    match parts.as_slice() {
        ["Custom", own] => {
            (1..=60).contains(&own.len()) && own.chars().all(|c| c.is_ascii_alphanumeric() || "_@-".contains(c))
        }
        [_, _, _] | [_, _, _, "MODULE"] => parts.iter().all(is_word),
        _ => false,
    }
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
        let value = tag.get("Value").unwrap_or_default();
        if key.chars().count() > 128 {
            return Err(ApiError::constraint(key, "tags", "Member must have length less than or equal to 128"));
        }
        if value.is_empty() {
            return Err(ApiError::constraint("", "tags", "Member must have length greater than or equal to 1"));
        }
        if value.chars().count() > 256 {
            return Err(ApiError::constraint(value, "tags", "Member must have length less than or equal to 256"));
        }
        if tags.insert(key, value).is_some() {
            return Err(invalid(format!("Duplicate tag key [{key}]")));
        }
    }
    if tags.len() > 50 {
        return Err(invalid("A stack can have at most 50 tags"));
    }
    Ok(tags)
}

/// How an operation is to be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Deployment {
    /// Whether it is over when the configuration is applied.
    pub(super) express: bool,
    /// Whether a failure leaves everything as it is: in express mode it does unless the request says otherwise.
    pub(super) keeps: bool,
}

impl Deployment {
    /// What a request says; `None` where it says nothing.
    ///
    /// # Errors
    ///
    /// `ValidationError`, for an unknown mode, or when what becomes of a failure is said a second time outside of it.
    pub(super) fn read(params: &Params) -> Result<Option<Self>, ApiError> {
        let given = params.structure("DeploymentConfig");
        let (mode, disable) = (given.get("Mode"), given.get("DisableRollback"));
        if mode.is_none() && disable.is_none() {
            return Ok(None);
        }
        let express = match mode {
            None | Some("STANDARD") => false,
            Some("EXPRESS") => true,
            Some(other) => {
                let constraint = "Member must satisfy enum value set: [STANDARD, EXPRESS]";
                return Err(ApiError::constraint(other, "deploymentConfig.mode", constraint));
            }
        };
        let twice =
            ["DisableRollback", "OnFailure", "OnStackFailure"].into_iter().find(|name| params.get(name).is_some());
        if let Some(name) = twice {
            return Err(invalid(format!("{name} cannot be specified together with DeploymentConfig.")));
        }
        Ok(Some(Self { express, keeps: disable.map_or(express, |disable| disable == "true") }))
    }
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
