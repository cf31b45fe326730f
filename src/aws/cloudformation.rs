//! The calls to CloudFormation.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_cloudformation::types;
use indexmap::IndexMap;

use super::call::{CallError, Class};
use super::events::StackEvent;
use super::regional::Regional;
use super::resource_change::ResourceChange;
use super::settings::Settings;
use super::status::StackStatus;
use super::written::Thing;
use crate::safeguard::{self, Safeguard};

/// A parameter of a live stack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameter {
    /// Its value as given; `****` when the template hides it (`NoEcho`).
    pub value: String,
    /// For a parameter that names an SSM parameter: the value that was found under that name.
    pub resolved: Option<String>,
}

/// A live stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stack {
    /// Its ARN, which stays its own after it is deleted.
    pub id: String,
    /// Its name, which a later stack may bear as well.
    pub name: String,
    /// Its status.
    pub status: StackStatus,
    /// CloudFormation's reason for the status.
    pub reason: Option<String>,
    /// All parameters of its template, those left at their defaults too.
    pub parameters: BTreeMap<String, Parameter>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its outputs.
    pub outputs: BTreeMap<String, String>,
    /// When it was asked for, in milliseconds since the epoch.
    pub created: Option<i64>,
    /// When it was last updated, in milliseconds since the epoch; `None` if never.
    pub updated: Option<i64>,
    /// When it was last begun to be deleted, in milliseconds since the epoch; `None` if never.
    pub deleted: Option<i64>,
    /// Whether deletion is switched off.
    pub termination_protection: bool,
    /// The names under which it exports outputs.
    pub exports: Vec<String>,
    /// What its template was allowed to make.
    pub capabilities: Vec<String>,
    /// The ARN of the stack whose template it is nested in, be it by way of others; `None` if it stands by itself.
    pub root: Option<String>,
    /// Its alarms, topics and role.
    pub settings: Settings,
}

impl Stack {
    /// A stack in a state, and nothing else to tell of it.
    #[cfg(test)]
    pub(crate) fn sample(name: &str, status: &str) -> Self {
        Self {
            id: format!("arn:aws:cloudformation:us-east-1:222222222222:stack/{name}/1"),
            name: name.to_owned(),
            status: StackStatus::new(status),
            reason: None,
            parameters: BTreeMap::new(),
            tags: BTreeMap::new(),
            outputs: BTreeMap::new(),
            created: None,
            updated: None,
            deleted: None,
            termination_protection: false,
            exports: Vec::new(),
            settings: Settings::default(),
            capabilities: Vec::new(),
            root: None,
        }
    }

    pub(super) fn read(stack: types::Stack) -> Option<Self> {
        let settings = Settings::read(&stack);
        let parameters = stack.parameters.unwrap_or_default().into_iter().filter_map(|parameter| {
            let value = parameter.parameter_value.unwrap_or_default();
            Some((parameter.parameter_key?, Parameter { value, resolved: parameter.resolved_value }))
        });
        let tags = stack.tags.unwrap_or_default().into_iter().filter_map(|tag| Some((tag.key?, tag.value?)));
        let outputs = stack.outputs.unwrap_or_default();
        let exports = outputs.iter().filter_map(|output| output.export_name.clone()).collect();
        let outputs = outputs.into_iter();
        Some(Self {
            exports,
            id: stack.stack_id?,
            name: stack.stack_name?,
            status: StackStatus::new(stack.stack_status?.as_str()),
            reason: stack.stack_status_reason,
            parameters: parameters.collect(),
            tags: tags.collect(),
            outputs: outputs.filter_map(|output| Some((output.output_key?, output.output_value?))).collect(),
            created: stack.creation_time.and_then(|time| time.to_millis().ok()),
            updated: stack.last_updated_time.and_then(|time| time.to_millis().ok()),
            deleted: stack.deletion_time.and_then(|time| time.to_millis().ok()),
            termination_protection: stack.enable_termination_protection.unwrap_or_default(),
            settings,
            capabilities: stack.capabilities.unwrap_or_default().iter().map(|one| one.as_str().to_owned()).collect(),
            root: stack.root_id.or(stack.parent_id),
        })
    }
}

/// Where CloudFormation finds a template.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Template {
    /// In the request: this text, which all stacks that use it share.
    Text(Arc<str>),
    /// In S3: at this URL.
    Url(String),
}

impl Template {
    fn body(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.to_string()),
            Self::Url(_) => None,
        }
    }

    fn url(&self) -> Option<String> {
        match self {
            Self::Text(_) => None,
            Self::Url(url) => Some(url.clone()),
        }
    }
}

/// What a stack is to be made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackSpec {
    /// Its name.
    pub name: String,
    /// The template.
    pub template: Template,
    /// The parameters that are given.
    pub parameters: IndexMap<String, String>,
    /// The parameters that keep the values which the stack has; none of one that is to be made.
    pub kept: Vec<String>,
    /// The tags that it shall have, and no others.
    pub tags: IndexMap<String, String>,
    /// What the template is allowed to make: `CAPABILITY_NAMED_IAM` and the like.
    pub capabilities: Vec<String>,
    /// Its alarms, topics and role, and how it is made and changed.
    pub settings: Settings,
}

impl StackSpec {
    fn parameters(&self) -> Vec<types::Parameter> {
        let parameter = |(key, value)| types::Parameter::builder().parameter_key(key).parameter_value(value).build();
        let kept = |key| types::Parameter::builder().parameter_key(key).use_previous_value(true).build();
        self.parameters.iter().map(parameter).chain(self.kept.iter().map(kept)).collect()
    }

    fn tags(&self) -> Vec<types::Tag> {
        self.tags.iter().map(|(key, value)| types::Tag::builder().key(key).value(value).build()).collect()
    }

    fn capabilities(&self) -> Vec<types::Capability> {
        self.capabilities.iter().map(|name| types::Capability::from(name.as_str())).collect()
    }
}

/// A change set to make for a stack that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeSetSpec {
    /// What the stack shall be.
    pub stack: StackSpec,
    /// The change set's name.
    pub name: String,
    /// Whether nested stacks are looked into, each by a change set of its own.
    pub nested: bool,
    /// Whether what really stands is compared and brought back, rather than only what was last deployed.
    pub reverts_drift: bool,
}

/// A change set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeSet {
    /// Its ARN.
    pub id: String,
    /// `CREATE_COMPLETE`, `FAILED` and so on.
    pub status: String,
    /// Whether it can be executed: `AVAILABLE`, `OBSOLETE` and so on.
    pub execution: String,
    /// CloudFormation's reason for the status.
    pub reason: String,
    /// What it would do.
    pub changes: Vec<ResourceChange>,
    /// What became of the stack since it was last deployed, in one that looks at drift: `DRIFTED`, `UNKNOWN` and so on.
    pub drift: Option<String>,
}

impl ChangeSet {
    /// Whether it is still being made.
    pub fn is_in_progress(&self) -> bool {
        self.status.ends_with("_PENDING") || self.status.ends_with("_IN_PROGRESS")
    }

    /// Whether it failed because there is nothing to change, which CloudFormation says in words only.
    pub fn is_empty(&self) -> bool {
        self.status == "FAILED"
            && (self.reason.contains("didn't contain changes")
                || self.reason.contains("No updates are to be performed"))
    }
}

/// A change set as a stack's list of them shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeSetSummary {
    /// Its ARN.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `CREATE_COMPLETE`, `FAILED` and so on.
    pub status: String,
    /// Whether it can be executed: `AVAILABLE`, `OBSOLETE` and so on.
    pub execution: String,
}

impl ChangeSetSummary {
    fn read(summary: types::ChangeSetSummary) -> Option<Self> {
        Some(Self {
            id: summary.change_set_id?,
            name: summary.change_set_name?,
            status: summary.status?.as_str().to_owned(),
            execution: summary.execution_status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
        })
    }
}

/// What a failed event of a change set found wrong: `Vpc (AWS::EC2::VPC), /Resources/Vpc: …`.
fn finding(event: types::OperationEvent) -> Option<String> {
    let reason = event.validation_status_reason.or(event.hook_status_reason).or(event.resource_status_reason)?;
    let by = event.validation_name.or(event.hook_type);
    let resource = event.logical_resource_id.map(|resource| match event.resource_type {
        Some(kind) => format!("{resource} ({kind})"),
        None => resource,
    });
    let place: Vec<String> = [resource, event.validation_path].into_iter().flatten().collect();
    let place = if place.is_empty() { String::new() } else { format!("{}: ", place.join(", ")) };
    Some(format!("{place}{reason}{}", by.map(|by| format!(" ({by})")).unwrap_or_default()))
}

/// A stack that was begun to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The stack's ARN.
    pub stack: String,
    /// The `OperationId` of its creation, where the endpoint tells it.
    pub operation: Option<String>,
}

/// A page of what an operation has told, the newest first.
#[derive(Debug)]
pub(super) struct OperationPage {
    /// What is told of resources, and of the stack as one.
    pub(super) events: Vec<StackEvent>,
    /// Whether the operation has failed.
    pub(super) has_failed: bool,
    /// The token of the next page.
    pub(super) next: Option<String>,
}

/// What CloudFormation says of a template that it takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validated {
    /// The parameters that it declares, each with whether it has a default.
    pub parameters: Vec<(String, bool)>,
    /// The capabilities that it needs.
    pub capabilities: Vec<String>,
    /// Why it needs them, in CloudFormation's words; empty where it needs none.
    pub reason: String,
}

/// A token as it is sent with a request: the very one by which what it begins is known again.
fn sent(token: &str) -> String {
    if safeguard::holds(Safeguard::IdempotencyToken) { token.to_owned() } else { format!("{token}-other") }
}

impl Regional {
    /// A stack by its name or ARN; `None` if there is none. By name a deleted stack is not found, by ARN it is.
    ///
    /// # Errors
    ///
    /// The call was refused or did not come through; the same goes for all calls here.
    pub async fn stack(&self, name: &str) -> Result<Option<Stack>, CallError> {
        const OPERATION: &str = "DescribeStacks";
        let send = || self.cloudformation().describe_stacks().stack_name(name).send();
        match self.call(OPERATION, send).await {
            Ok(answer) => match answer.stacks.unwrap_or_default().into_iter().next() {
                Some(stack) => {
                    Stack::read(stack).map(Some).ok_or_else(|| self.odd_answer(OPERATION, "stack's id or status"))
                }
                None => Ok(None),
            },
            Err(error) if error.class == Class::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The template that a stack was last made of, as it was given.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack`].
    pub async fn template(&self, stack: &str) -> Result<String, CallError> {
        let send = || {
            let stage = types::TemplateStage::Original;
            self.cloudformation().get_template().stack_name(stack).template_stage(stage).send()
        };
        Ok(self.call("GetTemplate", send).await?.template_body.unwrap_or_default())
    }

    /// Has CloudFormation look a template over.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack`]; a template that is wrong is an error too.
    pub async fn validate_template(&self, template: &Template) -> Result<Validated, CallError> {
        let send = || {
            let request = self.cloudformation().validate_template();
            request.set_template_body(template.body()).set_template_url(template.url()).send()
        };
        let answer = self.call("ValidateTemplate", send).await?;
        let parameters = answer.parameters.unwrap_or_default().into_iter();
        let capabilities = answer.capabilities.unwrap_or_default().into_iter();
        Ok(Validated {
            parameters: parameters.filter_map(|own| Some((own.parameter_key?, own.default_value.is_some()))).collect(),
            capabilities: capabilities.map(|capability| capability.as_str().to_owned()).collect(),
            reason: answer.capabilities_reason.unwrap_or_default(),
        })
    }

    /// Begins to create a stack. A repeated call with the same token gives the same stack.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack`].
    pub async fn create_stack(&self, spec: &StackSpec, token: &str) -> Result<Begun, CallError> {
        const OPERATION: &str = "CreateStack";
        let send = || {
            self.cloudformation()
                .create_stack()
                .stack_name(&spec.name)
                .set_template_body(spec.template.body())
                .set_template_url(spec.template.url())
                .set_parameters(Some(spec.parameters()))
                .set_tags(Some(spec.tags()))
                .set_capabilities(Some(spec.capabilities()))
                .set_rollback_configuration(spec.settings.rollback_configuration())
                .set_notification_arns(spec.settings.notification_arns.clone())
                .set_role_arn(spec.settings.service_role.clone())
                .set_timeout_in_minutes(spec.settings.timeout())
                .set_on_failure(spec.settings.on_creation_failure())
                .set_deployment_config(spec.settings.deployment())
                .client_request_token(sent(token))
                .send()
        };
        let answer = self.set_in_motion(OPERATION, &spec.name, send).await?;
        let stack = answer.stack_id.ok_or_else(|| self.odd_answer(OPERATION, "stack id"))?;
        Ok(Begun { stack, operation: answer.operation_id })
    }

    /// Begins to make a change set that updates a stack.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack`].
    pub async fn create_change_set(&self, spec: &ChangeSetSpec) -> Result<(), CallError> {
        let send = || {
            self.cloudformation()
                .create_change_set()
                .stack_name(&spec.stack.name)
                .change_set_name(&spec.name)
                .change_set_type(types::ChangeSetType::Update)
                .set_template_body(spec.stack.template.body())
                .set_template_url(spec.stack.template.url())
                .set_parameters(Some(spec.stack.parameters()))
                .set_tags(Some(spec.stack.tags()))
                .set_capabilities(Some(spec.stack.capabilities()))
                .set_rollback_configuration(spec.stack.settings.rollback_configuration())
                .set_notification_arns(spec.stack.settings.notification_arns.clone())
                .set_role_arn(spec.stack.settings.service_role.clone())
                .set_deployment_config(spec.stack.settings.deployment())
                .set_include_nested_stacks(spec.nested.then_some(true))
                .set_deployment_mode(spec.reverts_drift.then_some(types::DeploymentMode::RevertDrift))
                .client_token(&spec.name)
                .send()
        };
        // It says what an update would do; the stack itself stays as it is.
        self.change("CreateChangeSet", Thing::Apart, send).await.map(|_| ())
    }

    /// A change set with all its changes, those of nested stacks aside. One that is named by its ARN may be named so in the
    /// stack's place, too.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack`].
    pub async fn change_set(&self, stack: &str, name: &str) -> Result<ChangeSet, CallError> {
        const OPERATION: &str = "DescribeChangeSet";
        let mut changes = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let send = || {
                let request = self.cloudformation().describe_change_set().change_set_name(name);
                // An ARN says by itself of which stack it is.
                let request = request.set_stack_name((stack != name).then(|| stack.to_owned()));
                request.include_property_values(true).set_next_token(next.clone()).send()
            };
            let answer = self.call(OPERATION, send).await?;
            changes.extend(answer.changes.unwrap_or_default().into_iter().filter_map(ResourceChange::read));
            next = answer.next_token;
            if next.is_none() {
                return Ok(ChangeSet {
                    id: answer.change_set_id.ok_or_else(|| self.odd_answer(OPERATION, "change set id"))?,
                    status: answer.status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
                    execution: answer.execution_status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
                    reason: answer.status_reason.unwrap_or_default(),
                    changes,
                    drift: answer.stack_drift_status.map(|status| status.as_str().to_owned()),
                });
            }
        }
    }

    /// The change sets of a stack.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack`].
    pub async fn change_sets(&self, stack: &str) -> Result<Vec<ChangeSetSummary>, CallError> {
        let mut found = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let send =
                || self.cloudformation().list_change_sets().stack_name(stack).set_next_token(next.clone()).send();
            let answer = self.call("ListChangeSets", send).await?;
            found.extend(answer.summaries.unwrap_or_default().into_iter().filter_map(ChangeSetSummary::read));
            next = answer.next_token;
            if next.is_none() {
                return Ok(found);
            }
        }
    }

    /// What hooks and validations found wrong with a change set, by its ARN: a line each.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack`]. Not every region has the operation.
    pub async fn change_set_failures(&self, change_set: &str) -> Result<Vec<String>, CallError> {
        let failed = types::EventFilter::builder().failed_events(true).build();
        let mut found = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let send = || {
                let request = self.cloudformation().describe_events().change_set_name(change_set);
                request.filters(failed.clone()).set_next_token(next.clone()).send()
            };
            let answer = self.call("DescribeEvents", send).await?;
            found.extend(answer.operation_events.unwrap_or_default().into_iter().filter_map(finding));
            next = answer.next_token;
            if next.is_none() {
                return Ok(found);
            }
        }
    }

    /// Begins to carry out a change set of a stack as the settings say. A repeated call with the same token does nothing
    /// more.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack`].
    pub async fn execute_change_set(
        &self,
        stack: &str,
        change_set: &str,
        settings: &Settings,
        token: &str,
    ) -> Result<(), CallError> {
        let send = || {
            let request = self.cloudformation().execute_change_set().change_set_name(change_set);
            request.set_disable_rollback(settings.disables_rollback()).client_request_token(sent(token)).send()
        };
        self.set_in_motion("ExecuteChangeSet", stack, send).await.map(|_| ())
    }

    /// Deletes a change set that was not executed. One that is gone already is no error.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack`].
    pub async fn delete_change_set(&self, change_set: &str) -> Result<(), CallError> {
        let send = || self.cloudformation().delete_change_set().change_set_name(change_set).send();
        match self.change("DeleteChangeSet", Thing::Apart, send).await {
            Err(error) if error.class != Class::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Deletes a change set of a stack by its name. One that is gone already is no error.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack`].
    pub async fn delete_change_set_of(&self, stack: &str, name: &str) -> Result<(), CallError> {
        let send = || self.cloudformation().delete_change_set().stack_name(stack).change_set_name(name).send();
        match self.change("DeleteChangeSet", Thing::Apart, send).await {
            Err(error) if error.class != Class::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Begins to delete a stack. A repeated call with the same token does nothing more.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack`].
    pub async fn delete_stack(&self, stack: &str, token: &str) -> Result<(), CallError> {
        let send = || self.cloudformation().delete_stack().stack_name(stack).client_request_token(token).send();
        self.set_in_motion("DeleteStack", stack, send).await.map(|_| ())
    }

    /// One page of a stack's events, the newest first, and the token of the next page.
    pub(super) async fn events_page(
        &self,
        stack: &str,
        next: Option<String>,
    ) -> Result<(Vec<StackEvent>, Option<String>), CallError> {
        let send = || {
            let request = self.cloudformation().describe_stack_events().stack_name(stack);
            request.set_next_token(next.clone()).send()
        };
        let answer = self.call("DescribeStackEvents", send).await?;
        let events = answer.stack_events.unwrap_or_default().into_iter().filter_map(StackEvent::read).collect();
        Ok((events, answer.next_token))
    }

    /// One page of what an operation on a stack has told, the newest first. Where the endpoint is out of order, that is said at
    /// once: the stack tells the same.
    pub(super) async fn operation_page(
        &self,
        stack: &str,
        operation: &str,
        next: Option<String>,
    ) -> Result<OperationPage, CallError> {
        let send = || {
            let request = self.cloudformation().describe_events().operation_id(operation);
            request.set_next_token(next.clone()).send()
        };
        let answer = self.once().call("DescribeEvents", send).await?;
        let told = answer.operation_events.unwrap_or_default();
        let has_failed =
            told.iter().any(|event| event.operation_status == Some(types::BeaconStackOperationStatus::Failed));
        let events = told.into_iter().filter_map(|event| StackEvent::of_operation(event, stack)).collect();
        Ok(OperationPage { events, has_failed, next: answer.next_token })
    }
}
