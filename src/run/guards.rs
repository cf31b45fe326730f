//! From what a plan says of a stack's guards to what its kind takes.

use crate::aws::{OnFailure, RollbackTriggers, Settings};
use crate::diag::Sources;
use crate::kinds::stack;
use crate::plan::{self, Failing, Triggers, Value};

/// The guards of a stack. `texts` works a value out: the texts that it stands for, one unless it is a list.
///
/// # Errors
///
/// A value that cannot be worked out.
pub(super) fn guards<V, E>(
    guards: &plan::Guards,
    sources: &Sources,
    texts: impl Fn(&Value) -> Result<Vec<V>, E>,
) -> Result<stack::Guards<V>, E> {
    let all = |values: &[Value]| -> Result<Vec<V>, E> {
        let texts: Vec<Vec<V>> = values.iter().map(&texts).collect::<Result<_, _>>()?;
        Ok(texts.into_iter().flatten().collect())
    };
    let triggers = |triggers: &Triggers| -> Result<RollbackTriggers<V>, E> {
        Ok(RollbackTriggers {
            alarms: all(&triggers.alarms)?,
            composite_alarms: all(&triggers.composite_alarms)?,
            minutes: triggers.monitoring,
        })
    };
    let service_role = guards.service_role.as_ref().map(&texts).transpose()?;
    Ok(stack::Guards {
        protect: protect(guards, sources),
        policy: guards.stack_policy.as_ref().map(|policy| stack::Policy {
            text: sources.get(policy.file).text.to_string(),
            path: policy.path.to_path_buf(),
            place: sources.place(&policy.span),
        }),
        settings: Settings {
            rollback_triggers: guards.rollback_triggers.as_ref().map(triggers).transpose()?,
            notification_arns: guards.notification_arns.as_deref().map(all).transpose()?,
            service_role: service_role.into_iter().flatten().next(),
            timeout_minutes: guards.timeout,
            on_failure: guards.on_failure.map(|failing| match failing {
                Failing::Rollback => OnFailure::Rollback,
                Failing::Delete => OnFailure::Delete,
                Failing::Keep => OnFailure::Keep,
            }),
            express: guards.express,
        },
    })
}

/// From what the plan protects a stack.
pub(super) fn protect(guards: &plan::Guards, sources: &Sources) -> Option<stack::Protect> {
    let protect = guards.protect.as_ref()?;
    let place = sources.place(&protect.span);
    Some(stack::Protect { delete: protect.delete, replace: protect.replace, place })
}
