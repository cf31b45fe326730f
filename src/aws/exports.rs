//! What stacks export.

use super::call::CallError;
use super::regional::Regional;

/// A value that a stack gives to others of its account and region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// The ARN of the stack that gives it.
    pub stack: String,
}

impl Regional {
    /// Everything that stacks export here.
    ///
    /// # Errors
    ///
    /// The call was refused or did not come through.
    pub async fn exports(&self) -> Result<Vec<Export>, CallError> {
        let mut found = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let send = || self.cloudformation().list_exports().set_next_token(next.clone()).send();
            let answer = self.call("ListExports", send).await?;
            found.extend(answer.exports.unwrap_or_default().into_iter().filter_map(|export| {
                Some(Export { name: export.name?, value: export.value?, stack: export.exporting_stack_id? })
            }));
            next = answer.next_token;
            if next.is_none() {
                return Ok(found);
            }
        }
    }
}
