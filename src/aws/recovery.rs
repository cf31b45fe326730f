//! The resources of a stack, and the calls that take it out of a state from which it cannot be updated.

use aws_sdk_cloudformation::types;

use super::call::CallError;
use super::regional::Regional;

/// A resource of a live stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackResource {
    /// Its name in the template.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// Its status: `UPDATE_FAILED` and so on.
    pub status: String,
    /// CloudFormation's reason for the status; empty where it gives none.
    pub reason: String,
    /// Its id at its service; empty where it has none.
    pub id: String,
    /// What the last look for drift has found: `IN_SYNC`, `MODIFIED` and so on; `NOT_CHECKED` if it looked at nothing.
    pub drift: String,
}

impl StackResource {
    /// Whether it is there and looks for drift leave it out: CloudFormation cannot compare its type.
    pub fn is_incomparable(&self) -> bool {
        self.status != "DELETE_COMPLETE" && matches!(self.drift.as_str(), "NOT_CHECKED" | "UNSUPPORTED")
    }

    fn read(resource: types::StackResourceSummary) -> Option<Self> {
        Some(Self {
            name: resource.logical_resource_id?,
            kind: resource.resource_type.unwrap_or_default(),
            status: resource.resource_status?.as_str().to_owned(),
            reason: resource.resource_status_reason.unwrap_or_default(),
            id: resource.physical_resource_id.unwrap_or_default(),
            drift: resource
                .drift_information
                .and_then(|drift| drift.stack_resource_drift_status)
                .map_or_else(|| "NOT_CHECKED".to_owned(), |status| status.as_str().to_owned()),
        })
    }
}

/// What a deletion that has failed before may leave behind in the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving<'a> {
    /// These resources, by their names in the template.
    Named(&'a [String]),
    /// Whatever cannot be deleted.
    Whatever,
}

impl Regional {
    /// The resources of a stack, by its ARN.
    ///
    /// # Errors
    ///
    /// The call was refused or did not come through; the same goes for all calls here.
    pub async fn stack_resources(&self, stack: &str) -> Result<Vec<StackResource>, CallError> {
        let mut found = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let send =
                || self.cloudformation().list_stack_resources().stack_name(stack).set_next_token(next.clone()).send();
            let answer = self.call("ListStackResources", send).await?;
            found.extend(
                answer.stack_resource_summaries.unwrap_or_default().into_iter().filter_map(StackResource::read),
            );
            next = answer.next_token;
            if next.is_none() {
                return Ok(found);
            }
        }
    }

    /// The tags that a change set would give its stack.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack_resources`].
    pub async fn change_set_tags(&self, change_set: &str) -> Result<Vec<(String, String)>, CallError> {
        let send = || self.cloudformation().describe_change_set().change_set_name(change_set).send();
        let answer = self.call("DescribeChangeSet", send).await?;
        Ok(answer.tags.unwrap_or_default().into_iter().filter_map(|tag| Some((tag.key?, tag.value?))).collect())
    }

    /// Begins to carry out a change set on a stack that a failure has left as it was, which CloudFormation takes with
    /// rollback switched off only.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack_resources`].
    pub async fn resume_by_change_set(&self, stack: &str, change_set: &str, token: &str) -> Result<(), CallError> {
        let send = || {
            let request = self.cloudformation().execute_change_set().change_set_name(change_set);
            request.client_request_token(token).disable_rollback(true).send()
        };
        self.set_in_motion("ExecuteChangeSet", stack, send).await.map(|_| ())
    }

    /// Begins to take a stack that a failure has left as it was back to its last stable state. One that never had such
    /// a state is deleted by CloudFormation. Gives the `OperationId`, where the endpoint tells it.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack_resources`].
    pub async fn rollback_stack(&self, stack: &str, token: &str) -> Result<Option<String>, CallError> {
        let send = || self.cloudformation().rollback_stack().stack_name(stack).client_request_token(token).send();
        self.set_in_motion("RollbackStack", stack, send).await.map(|answer| answer.operation_id)
    }

    /// Begins to go on with a rollback that has failed, passing over the resources that are named.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack_resources`].
    pub async fn continue_rollback(&self, stack: &str, skipped: &[String], token: &str) -> Result<(), CallError> {
        let send = || {
            let request = self.cloudformation().continue_update_rollback().stack_name(stack);
            let skipped = (!skipped.is_empty()).then(|| skipped.to_vec());
            request.set_resources_to_skip(skipped).client_request_token(token).send()
        };
        self.set_in_motion("ContinueUpdateRollback", stack, send).await.map(|_| ())
    }

    /// Breaks an update off, which CloudFormation then takes back.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack_resources`]; refused for every stack that is not being updated.
    pub async fn cancel_update(&self, stack: &str, token: &str) -> Result<(), CallError> {
        let send = || self.cloudformation().cancel_update_stack().stack_name(stack).client_request_token(token).send();
        self.set_in_motion("CancelUpdateStack", stack, send).await.map(|_| ())
    }

    /// Begins to delete a stack whose deletion has failed, leaving something behind.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack_resources`]; refused for every stack that is not in `DELETE_FAILED`.
    pub async fn delete_stack_leaving(&self, stack: &str, left: Leaving<'_>, token: &str) -> Result<(), CallError> {
        let send = || {
            let request = self.cloudformation().delete_stack().stack_name(stack).client_request_token(token);
            match left {
                Leaving::Named(names) => request.set_retain_resources(Some(names.to_vec())),
                Leaving::Whatever => request.deletion_mode(types::DeletionMode::ForceDeleteStack),
            }
            .send()
        };
        self.set_in_motion("DeleteStack", stack, send).await.map(|_| ())
    }
}
