//! Templates that CloudFormation has taken, so that it is asked once for each text in each region.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::CallError;
use super::cloudformation::Template;
use super::regional::Regional;
use crate::ids::Region;

/// What is known of templates in each region, by whatever account.
///
/// That a template is taken holds for all accounts: should another one lack a resource type of somebody's own, the creation
/// of the stack is refused for that as well. That it is refused is not kept: a stack that runs first may register the type
/// that was missing, and what lies at a URL may be corrected.
#[derive(Debug, Default)]
pub(super) struct TemplateChecks(Mutex<HashMap<Region, HashMap<Template, Arc<Check>>>>);

/// What is known of one template in one region.
#[derive(Debug, Default)]
struct Check {
    /// Held by whoever asks for all, until it is known whether one answer is enough.
    asking: tokio::sync::Mutex<()>,
    taken: AtomicBool,
    /// Whether an account got no "yes", so that each asks for itself and none waits for another.
    disputed: AtomicBool,
}

/// How long another account's answer is waited for: one that is throttled, or out of reach, must not hold up the others.
const PATIENCE: Duration = Duration::from_secs(2);

impl TemplateChecks {
    fn of(&self, region: &Region, template: &Template) -> Arc<Check> {
        let mut regions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = regions.entry(region.clone()).or_default();
        match own.get(template) {
            Some(check) => Arc::clone(check),
            None => Arc::clone(own.entry(template.clone()).or_default()),
        }
    }
}

impl Check {
    /// Asks for the account itself, and keeps a "yes".
    async fn ask(&self, regional: &Regional, template: &Template) -> Result<(), CallError> {
        let answer = regional.for_all().validate_template(template).await;
        let verdict = if answer.is_ok() { &self.taken } else { &self.disputed };
        verdict.store(true, Ordering::Release);
        answer.map(drop)
    }
}

impl Regional {
    /// Makes sure that CloudFormation takes a template, by asking at most once for each text (or URL) in a region, whichever
    /// account it is for, until it is taken. Whoever asks meanwhile waits for that answer for a moment.
    ///
    /// # Errors
    ///
    /// As for [`Regional::validate_template`]; always this account's own answer, and one of now.
    pub async fn check_template(&self, template: &Template) -> Result<(), CallError> {
        let check = self.template_checks().of(self.region(), template);
        if check.taken.load(Ordering::Acquire) {
            return Ok(());
        }
        let turn = tokio::time::timeout(PATIENCE, check.asking.lock()).await.ok();
        if check.taken.load(Ordering::Acquire) {
            return Ok(());
        }
        let _turn = turn.filter(|_| !check.disputed.load(Ordering::Acquire));
        check.ask(self, template).await
    }

    /// The same by this account's own answer of now, whatever others were told: for what cannot be taken back.
    ///
    /// # Errors
    ///
    /// As for [`Regional::validate_template`].
    pub async fn check_template_itself(&self, template: &Template) -> Result<(), CallError> {
        self.template_checks().of(self.region(), template).ask(self, template).await
    }
}
