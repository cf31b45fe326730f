//! What a stack is told besides its template: the alarms, topics and role that it has, and how its operations are
//! carried out; and the calls that guard it.

use aws_sdk_cloudformation::types;

use super::call::CallError;
use super::regional::{Regional, stack_name};
use super::written::Thing;

/// What becomes of a stack when an operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// What was done is taken back.
    Rollback,
    /// The same of an update; a stack that could not be created is deleted.
    Delete,
    /// Everything is left as it is.
    Keep,
}

impl OnFailure {
    /// As a plan says it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rollback => "rollback",
            Self::Delete => "delete",
            Self::Keep => "keep",
        }
    }
}

/// Alarms that take an operation back when they fire. `V` is what values are known as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollbackTriggers<V = String> {
    /// ARNs of alarms.
    pub alarms: Vec<V>,
    /// ARNs of composite alarms.
    pub composite_alarms: Vec<V>,
    /// For how many minutes they are watched once all resources are made.
    pub minutes: u32,
}

impl<V> Default for RollbackTriggers<V> {
    fn default() -> Self {
        Self { alarms: Vec::new(), composite_alarms: Vec::new(), minutes: 0 }
    }
}

/// A stack's settings. What is `None` is left as it is at AWS, or said by AWS to be so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings<V = String> {
    /// The alarms.
    pub rollback_triggers: Option<RollbackTriggers<V>>,
    /// ARNs of the topics that hear of the stack's events.
    pub notification_arns: Option<Vec<V>>,
    /// The ARN of the role that CloudFormation acts in.
    pub service_role: Option<V>,
    /// How many minutes the creation may take.
    pub timeout_minutes: Option<u32>,
    /// What becomes of a failure.
    pub on_failure: Option<OnFailure>,
    /// Whether an operation is over when the configuration is applied, before resources can be used.
    pub express: bool,
}

impl<V> Default for Settings<V> {
    fn default() -> Self {
        Self {
            rollback_triggers: None,
            notification_arns: None,
            service_role: None,
            timeout_minutes: None,
            on_failure: None,
            express: false,
        }
    }
}

impl<V> Settings<V> {
    /// The same with its values as something else, those aside that are nothing.
    pub fn filter_map<W>(&self, value: impl Fn(&V) -> Option<W>) -> Settings<W> {
        let all = |values: &[V]| values.iter().filter_map(&value).collect::<Vec<W>>();
        Settings {
            rollback_triggers: self.rollback_triggers.as_ref().map(|triggers| RollbackTriggers {
                alarms: all(&triggers.alarms),
                composite_alarms: all(&triggers.composite_alarms),
                minutes: triggers.minutes,
            }),
            notification_arns: self.notification_arns.as_deref().map(all),
            service_role: self.service_role.as_ref().and_then(&value),
            timeout_minutes: self.timeout_minutes,
            on_failure: self.on_failure,
            express: self.express,
        }
    }

    /// All of its values.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        let triggers = self.rollback_triggers.iter();
        let alarms = triggers.flat_map(|triggers| triggers.alarms.iter().chain(&triggers.composite_alarms));
        alarms.chain(self.notification_arns.iter().flatten()).chain(&self.service_role)
    }
}

const ALARM: &str = "AWS::CloudWatch::Alarm";
const COMPOSITE_ALARM: &str = "AWS::CloudWatch::CompositeAlarm";

impl Settings {
    /// What a live stack says of itself.
    pub(super) fn read(stack: &types::Stack) -> Self {
        let mut rollback = RollbackTriggers::default();
        if let Some(live) = &stack.rollback_configuration {
            rollback.minutes = live.monitoring_time_in_minutes.and_then(|minutes| minutes.try_into().ok()).unwrap_or(0);
            for trigger in live.rollback_triggers() {
                let Some(arn) = trigger.arn.clone() else { continue };
                let is_composite = trigger.r#type() == Some(COMPOSITE_ALARM);
                let alarms = if is_composite { &mut rollback.composite_alarms } else { &mut rollback.alarms };
                alarms.push(arn);
            }
        }
        Self {
            rollback_triggers: Some(rollback),
            notification_arns: Some(stack.notification_arns().to_vec()),
            service_role: stack.role_arn.clone(),
            timeout_minutes: stack.timeout_in_minutes.and_then(|minutes| minutes.try_into().ok()),
            on_failure: None,
            express: stack.deployment_config().and_then(types::DeploymentConfig::mode)
                == Some(&types::DeploymentConfigMode::Express),
        }
    }

    pub(super) fn rollback_configuration(&self) -> Option<types::RollbackConfiguration> {
        let wanted = self.rollback_triggers.as_ref()?;
        let trigger = |(arn, kind): (&String, &str)| types::RollbackTrigger::builder().arn(arn).r#type(kind).build();
        let alarms = wanted.alarms.iter().map(|arn| (arn, ALARM));
        let composite = wanted.composite_alarms.iter().map(|arn| (arn, COMPOSITE_ALARM));
        Some(
            types::RollbackConfiguration::builder()
                .set_rollback_triggers(Some(alarms.chain(composite).map(trigger).collect()))
                .monitoring_time_in_minutes(wanted.minutes.try_into().unwrap_or(i32::MAX))
                .build(),
        )
    }

    /// How an express operation is to be carried out. Its own default leaves failures as they are, so what becomes of
    /// them is always said.
    pub(super) fn deployment(&self) -> Option<types::DeploymentConfig> {
        self.express.then(|| {
            types::DeploymentConfig::builder()
                .mode(types::DeploymentConfigMode::Express)
                .disable_rollback(self.on_failure == Some(OnFailure::Keep))
                .build()
        })
    }

    /// What becomes of a creation that fails. CloudFormation takes it beside no deployment, which says it too.
    pub(super) fn on_creation_failure(&self) -> Option<types::OnFailure> {
        self.on_failure.filter(|_| !self.express).map(|on_failure| match on_failure {
            OnFailure::Rollback => types::OnFailure::Rollback,
            OnFailure::Delete => types::OnFailure::Delete,
            OnFailure::Keep => types::OnFailure::DoNothing,
        })
    }

    /// Whether an update that fails is left as it is, where the call that executes it is to say so.
    pub(super) fn disables_rollback(&self) -> Option<bool> {
        self.on_failure.filter(|_| !self.express).map(|on_failure| on_failure == OnFailure::Keep)
    }

    pub(super) fn timeout(&self) -> Option<i32> {
        self.timeout_minutes.map(|minutes| minutes.try_into().unwrap_or(i32::MAX))
    }
}

impl Regional {
    /// The policy that a stack's updates are held against; `None` if it has none.
    ///
    /// # Errors
    ///
    /// The call was refused or did not come through; the same goes for all calls here.
    pub async fn stack_policy(&self, stack: &str) -> Result<Option<String>, CallError> {
        let send = || self.cloudformation().get_stack_policy().stack_name(stack).send();
        let answer = self.call("GetStackPolicy", send).await?;
        Ok(answer.stack_policy_body.filter(|policy| !policy.trim().is_empty()))
    }

    /// Gives a stack another policy. There is no way to take one away.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack_policy`].
    pub async fn set_stack_policy(&self, stack: &str, policy: &str) -> Result<(), CallError> {
        let send = || self.cloudformation().set_stack_policy().stack_name(stack).stack_policy_body(policy).send();
        // No picture shows a policy.
        self.change("SetStackPolicy", Thing::Apart, send).await.map(|_| ())
    }

    /// Switches a stack's protection from deletion on or off.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack_policy`].
    pub async fn protect_from_deletion(&self, stack: &str, protected: bool) -> Result<(), CallError> {
        let send = || {
            let request = self.cloudformation().update_termination_protection().stack_name(stack);
            request.enable_termination_protection(protected).send()
        };
        let thing = Thing::Stack(self.picture().place().clone(), stack_name(stack).to_owned());
        self.change("UpdateTerminationProtection", thing, send).await.map(|_| ())
    }

    /// Whether a stack that exists ever was complete, by its events.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack_policy`].
    pub async fn ever_was_complete(&self, stack: &str) -> Result<bool, CallError> {
        let mut next = None;
        loop {
            let (events, more) = self.events_page(stack, next).await?;
            let complete = |status: &str| status.ends_with("_COMPLETE") && status != "ROLLBACK_COMPLETE";
            if events.iter().any(|event| event.is_stack() && complete(&event.status)) {
                return Ok(true);
            }
            next = more;
            if next.is_none() {
                return Ok(false);
            }
        }
    }
}
