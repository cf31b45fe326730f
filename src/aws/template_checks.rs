//! Templates that CloudFormation has looked over, so that it is asked once for each text in each region.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::CallError;
use super::cloudformation::Template;
use super::regional::Regional;
use crate::ids::{AccountId, Region};

/// What is known of templates in each region, by whatever account.
///
/// That a template is taken holds for all accounts: should another one lack a resource type of somebody's own, the creation
/// of the stack is refused for that as well. That it is refused holds for the account that was told so, and any other asks
/// for itself.
#[derive(Debug, Default)]
pub(super) struct TemplateChecks(Mutex<HashMap<Region, HashMap<Template, Arc<Check>>>>);

/// What is known of one template in one region.
#[derive(Debug, Default)]
struct Check {
    /// Held by whoever asks for all, until it is known whether one answer is enough.
    asking: tokio::sync::Mutex<()>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    taken: bool,
    /// Whether an account got no "yes", so that each asks for itself and none waits for another.
    disputed: bool,
    refused: BTreeMap<AccountId, CallError>,
}

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
    // Every change under this lock is whole.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Regional {
    /// Makes sure that CloudFormation takes a template, by asking at most once for each text (or URL) in a region, whichever
    /// account it is for. Whoever asks meanwhile waits for that answer.
    ///
    /// # Errors
    ///
    /// As for [`Regional::validate_template`]; always this account's own answer.
    pub async fn check_template(&self, template: &Template) -> Result<(), CallError> {
        let check = self.template_checks().of(self.region(), template);
        let turn = check.asking.lock().await;
        let turn = {
            let known = check.known();
            if known.taken {
                return Ok(());
            }
            if let Some(refusal) = known.refused.get(self.account_id()) {
                return Err(refusal.clone());
            }
            Some(turn).filter(|_| !known.disputed)
        };
        let answer = self.validate_template(template).await;
        let mut known = check.known();
        match &answer {
            Ok(_) => known.taken = true,
            Err(error) => {
                known.disputed = true;
                if error.is("ValidationError") {
                    known.refused.insert(self.account_id().clone(), error.clone());
                }
            }
        }
        drop(turn);
        answer.map(drop)
    }
}
