//! How CloudFormation is given a template: in the request as long as it fits there, else by way of a bucket; or from where
//! it is already.

use super::Wanted;
use crate::aws::{self, CallError, Class, Content, Regional, Stack, StackSpec, Template};
use crate::cfn::{MAX_BYTES, MAX_INLINE_BYTES, S3Url};
use crate::event::Failure;
use crate::ids::{AccountId, Region};
use crate::kinds::lost::insist;
use crate::preview::digest;

/// How CloudFormation comes by a stack's template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It is sent. What no request holds goes by way of the bucket; without one, that is refused.
    Sent(Option<TemplateBucket>),
    /// It is at this URL, and CloudFormation reads it there.
    At(String),
}

impl Default for Delivery {
    fn default() -> Self {
        Self::Sent(None)
    }
}

/// A bucket for templates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateBucket {
    /// Its name.
    pub name: String,
    /// What the keys of templates begin with.
    pub prefix: String,
    /// The key of KMS that templates are encrypted with.
    pub kms_key: Option<String>,
    /// The account that it must belong to, where the plan says so.
    pub owner: Option<AccountId>,
}

/// Whether a request to CloudFormation holds a template.
pub fn fits_in_request(template: &str) -> bool {
    template.len() <= MAX_INLINE_BYTES
}

impl TemplateBucket {
    /// The key of a text: what it says makes its name, so that one text is put once and none is ever overwritten.
    fn key(&self, text: &str) -> String {
        format!("{}{}.template", self.prefix, digest(text))
    }

    /// The bucket, as calls name it.
    pub(super) fn named(&self) -> aws::Bucket {
        aws::Bucket { name: self.name.clone(), owner: self.owner.clone(), kms_key: self.kms_key.clone() }
    }

    /// The URL that a text has once it is put in the bucket, which is in a region.
    pub(super) fn url(&self, region: &Region, text: &str) -> String {
        aws::object_url(&self.name, &self.key(text), region)
    }

    /// Puts a text where CloudFormation can read it, if it is not there, and gives its URL.
    async fn put(&self, regional: &Regional, text: &str) -> Result<String, Failure> {
        let (key, bucket) = (self.key(text), self.named());
        // Boxed: a call to S3 is larger than any other, and few stacks need one.
        let put = Box::pin(insist(|| regional.put_if_absent(&bucket, &key, text)));
        put.await.map_err(|error| self.refused(regional, &error))
    }

    /// Why a template could not be put, with what must be so that it can.
    pub(super) fn refused(&self, regional: &Regional, error: &CallError) -> Failure {
        let Self { name, prefix, .. } = self;
        let (account, partition) = (regional.account(), regional.region().partition());
        let summary = format!("the template cannot be put in bucket {name}");
        let failure = |help: Vec<String>| {
            let failure = Failure::from(error.clone());
            Failure { summary, cause: format!("{}: {}", failure.summary, failure.cause), help, ..failure }
        };
        if error.class == Class::NotFound {
            return failure(vec![
                format!("make it: aws s3 mb s3://{name} --region {}", regional.region()),
                "or correct `template_bucket`".to_owned(),
            ]);
        }
        if error.class != Class::Denied {
            return failure(Failure::from(error.clone()).help);
        }
        let resource = format!("arn:{partition}:s3:::{name}/{prefix}*");
        let principal = format!("arn:{partition}:iam::{}:root", regional.account_id());
        let mut help = vec![
            format!("the policies of account {account}'s role must allow s3:PutObject and s3:GetObject on {resource}"),
            format!("if the bucket is another account's, its policy must allow the same to {principal}"),
        ];
        if let Some(owner) = &self.owner {
            help.push(format!("the bucket must belong to account {owner}, as `owner` of `template_bucket` says"));
        }
        if let Some(key) = &self.kms_key {
            help.push(format!("and both kms:GenerateDataKey and kms:Decrypt with {key}"));
        }
        failure(help)
    }
}

/// Reads a template where CloudFormation will read it: what is compared and shown is what is there.
///
/// # Errors
///
/// It is not there, is not for the account to read, or is no text of a template's size.
pub async fn read_at(regional: &Regional, url: &str) -> Result<String, Failure> {
    let summary = format!("the template {url} cannot be read");
    let failure = |cause: String| Failure::new(summary.clone(), cause);
    let Some(S3Url { bucket, key, region: named, version, domain }) = S3Url::parse(url) else {
        let help = format!("`orch explain {}` says which URLs CloudFormation takes", "ORCH059");
        return Err(failure("it is not the URL of an object in S3".to_owned()).help(help));
    };
    let at = aws::ObjectAt { bucket, key, version, region: named.as_deref().map(Into::into) };
    // Boxed: a call to S3 is larger than any other, and few stacks need one.
    let content =
        Box::pin(regional.object(&at, MAX_BYTES)).await.map_err(|error| unread(regional, &at, &summary, &error))?;
    // S3 sends whoever asks in a wrong region to the right one; of CloudFormation that is not documented.
    if let (Some(named), Some(own)) = (named, regional.region_of_bucket(&at.bucket))
        && named != own.as_str()
    {
        let cause = format!("it names {named}, and bucket {} is in {own}", at.bucket);
        return Err(failure(cause).help(format!("write s3.{own}.{domain} in it")));
    }
    match content {
        Content::Bytes(bytes) => {
            String::from_utf8(bytes).map_err(|_| failure("it is not UTF-8 text".to_owned()).help("save it as UTF-8"))
        }
        Content::TooLarge(size) => {
            let cause = format!("it has {size} bytes; from a bucket CloudFormation takes {MAX_BYTES}");
            Err(failure(cause).help("split it into several stacks that pass outputs on"))
        }
    }
}

/// Why an object could not be read, with what must be so that it can.
fn unread(regional: &Regional, at: &aws::ObjectAt, summary: &str, error: &CallError) -> Failure {
    let failure = Failure::from(error.clone());
    let help = match error.class {
        Class::NotFound => vec!["put it there, or correct the URL".to_owned()],
        Class::Denied => {
            let action = if at.version.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
            let (account, partition) = (regional.account(), regional.region().partition());
            let resource = format!("arn:{partition}:s3:::{}/{}", at.bucket, at.key);
            vec![
                format!("the policies of account {account}'s role must allow {action} on {resource}"),
                "if the bucket is another account's, its policy must allow it too, and so must the policy of a key of KMS"
                    .to_owned(),
                "or nothing is there: S3 says so only to those who have s3:ListBucket".to_owned(),
            ]
        }
        Class::Transient | Class::Lost if at.region.is_some() => {
            let mut help = failure.help.clone();
            help.extend(at.region.as_ref().map(|region| format!("see that {region}, as the URL has it, is a region")));
            help
        }
        _ => failure.help.clone(),
    };
    let cause = format!("{}: {}", failure.summary, failure.cause);
    Failure { summary: summary.to_owned(), cause, help, ..failure }
}

impl Wanted {
    /// Refuses a template that CloudFormation takes in no way that the plan allows.
    pub(super) fn check_size(&self) -> Result<(), Failure> {
        let size = self.template.len();
        let (most, what) = match self.delivery {
            Delivery::Sent(None) => (MAX_INLINE_BYTES, format!("a request holds {MAX_INLINE_BYTES}")),
            Delivery::Sent(Some(_)) | Delivery::At(_) => {
                (MAX_BYTES, format!("from a bucket CloudFormation takes {MAX_BYTES}"))
            }
        };
        if size <= most {
            return Ok(());
        }
        let summary = format!("template {} is too large for CloudFormation", self.path.display());
        let failure = Failure::new(summary, format!("it has {size} bytes; {what}"));
        let failure = if self.delivery == Delivery::Sent(None) {
            failure.help("name a bucket for large templates: template_bucket = \"…\"")
        } else {
            failure
        };
        Err(failure
            .help("split it into several stacks that pass outputs on, or take comments and white space out of it"))
    }

    /// What CloudFormation is to be told of a stack that is to be made, or of one that stands. What no request holds, and what
    /// is nested, is put in the bucket first, unless it is there.
    ///
    /// # Errors
    ///
    /// It cannot be put there: says why and which rights are needed.
    pub(super) async fn spec(&self, regional: &Regional, live: Option<&Stack>) -> Result<StackSpec, Failure> {
        if let Delivery::Sent(Some(bucket)) = &self.delivery {
            for nested in &self.nested {
                bucket.put(regional, nested).await?;
            }
        }
        let template = match &self.delivery {
            Delivery::At(url) => Template::Url(url.clone()),
            Delivery::Sent(Some(bucket)) if !fits_in_request(&self.template) => {
                Template::Url(bucket.put(regional, &self.template).await?)
            }
            Delivery::Sent(_) => Template::Text(self.template.clone()),
        };
        Ok(StackSpec {
            name: self.name.clone(),
            template,
            parameters: self.parameters.clone(),
            kept: self.kept(live),
            tags: live.map_or_else(|| self.owner.clone(), |stack| self.named_by(stack)).with(&self.tags),
            capabilities: self.capabilities.clone(),
            settings: self.guards.settings.clone(),
        })
    }
}

#[cfg(test)]
#[path = "delivery_tests.rs"]
mod tests;
