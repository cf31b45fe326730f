//! The calls to S3.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ServerSideEncryption;

use super::call::{CallError, Class, SdkError};
use super::regional::Regional;
use super::written::Thing;
use crate::ids::{AccountId, Region};

/// A bucket and what is said of it with each call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// The account that it must belong to; another one's bucket of that name is then refused.
    pub owner: Option<AccountId>,
    /// The key of KMS that objects are encrypted with; S3's own encryption otherwise.
    pub kms_key: Option<String>,
}

/// An object's text, and the tag by which S3 knows this text from a later one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// What it holds.
    pub text: String,
    /// Its entity tag.
    pub etag: String,
}

/// When an object is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition<'a> {
    /// Only where there is none.
    Absent,
    /// Only where it still is the one with this tag.
    Same(&'a str),
}

/// What the calls of a command have learned of buckets.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    /// The regions that they are in.
    regions: Mutex<BTreeMap<String, Region>>,
    /// The objects that were seen to be there: bucket and key.
    there: Mutex<BTreeSet<(String, String)>>,
}

impl Buckets {
    fn region(&self, bucket: &str) -> Option<Region> {
        self.regions.lock().unwrap_or_else(PoisonError::into_inner).get(bucket).cloned()
    }

    fn learn(&self, bucket: &str, region: Region) {
        self.regions.lock().unwrap_or_else(PoisonError::into_inner).insert(bucket.to_owned(), region);
    }

    fn is_there(&self, bucket: &str, key: &str) -> bool {
        let there = self.there.lock().unwrap_or_else(PoisonError::into_inner);
        there.contains(&(bucket.to_owned(), key.to_owned()))
    }

    fn saw(&self, bucket: &str, key: &str) {
        self.there.lock().unwrap_or_else(PoisonError::into_inner).insert((bucket.to_owned(), key.to_owned()));
    }
}

/// The URL of an object, as CloudFormation takes it. A bucket with a dot in its name stands in the path: no certificate is
/// for such a host.
pub(super) fn object_url(bucket: &str, key: &str, region: &Region) -> String {
    let domain = region.url_suffix().unwrap_or("amazonaws.com");
    if bucket.contains('.') {
        format!("https://s3.{region}.{domain}/{bucket}/{key}")
    } else {
        format!("https://{bucket}.s3.{region}.{domain}/{key}")
    }
}

impl Regional {
    /// Puts an object in a bucket unless one of that key is there already, and gives its URL. The key must say what the
    /// object holds: what is there is not looked at. An object that any account of this command has seen to be there costs
    /// no call.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack`]. That the bucket is in another region is no error.
    pub async fn put_if_absent(&self, bucket: &Bucket, key: &str, text: &str) -> Result<String, CallError> {
        if !self.buckets().is_there(&bucket.name, key) {
            match self.put_object(bucket, key, text, Condition::Absent).await {
                Ok(_) => {}
                // Somebody else was faster, or is just putting the same.
                Err(error) if error.is("PreconditionFailed") || error.is("ConditionalRequestConflict") => {}
                Err(error) => return Err(error),
            }
            self.buckets().saw(&bucket.name, key);
        }
        let region = self.buckets().region(&bucket.name);
        Ok(object_url(&bucket.name, key, &region.unwrap_or_else(|| self.region().clone())))
    }

    /// Puts an object under a condition, and gives its new entity tag.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack`]. Where the condition does not hold the class is [`Class::Conflict`]; an answer that was
    /// lost leaves open whether it held.
    pub async fn put_object(
        &self,
        bucket: &Bucket,
        key: &str,
        text: &str,
        condition: Condition<'_>,
    ) -> Result<String, CallError> {
        const OPERATION: &str = "PutObject";
        let (absent, same) = match condition {
            Condition::Absent => (Some("*".to_owned()), None),
            Condition::Same(etag) => (None, Some(etag.to_owned())),
        };
        let encryption = bucket.kms_key.as_ref().map(|_| ServerSideEncryption::AwsKms);
        let put = |client: Client| {
            let request = client.put_object().bucket(&bucket.name).key(key).set_expected_bucket_owner(owner(bucket));
            let request = request.set_if_none_match(absent.clone()).set_if_match(same.clone());
            let request = request.set_server_side_encryption(encryption.clone());
            let request = request.set_ssekms_key_id(bucket.kms_key.clone());
            request.body(ByteStream::from(text.as_bytes().to_vec())).send()
        };
        let answer = self.in_bucket(OPERATION, &bucket.name, put).await?;
        answer.e_tag.ok_or_else(|| self.odd_answer(OPERATION, "entity tag"))
    }

    /// An object; `None` if there is none of that key. Whoever may not list the bucket is told [`Class::Denied`] then.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack`].
    pub async fn object(&self, bucket: &Bucket, key: &str) -> Result<Option<Object>, CallError> {
        const OPERATION: &str = "GetObject";
        let get = |client: Client| {
            let request = client.get_object().bucket(&bucket.name).key(key).set_expected_bucket_owner(owner(bucket));
            request.send()
        };
        let answer = match self.in_bucket(OPERATION, &bucket.name, get).await {
            Ok(answer) => answer,
            Err(error) if error.is("NoSuchKey") => return Ok(None),
            Err(error) => return Err(error),
        };
        let etag = answer.e_tag.ok_or_else(|| self.odd_answer(OPERATION, "entity tag"))?;
        let body = answer.body.collect().await.map_err(|error| CallError {
            message: error.to_string(),
            class: Class::Transient,
            ..self.odd_answer(OPERATION, "body")
        })?;
        let text = String::from_utf8(body.to_vec()).map_err(|_| self.odd_answer(OPERATION, "text in UTF-8"))?;
        Ok(Some(Object { text, etag }))
    }

    /// Makes a call about a bucket in the region that the bucket is in. Where that is not known, S3 says it to whoever asks
    /// in another one.
    async fn in_bucket<T, E, F>(
        &self,
        operation: &'static str,
        bucket: &str,
        send: impl Fn(Client) -> F,
    ) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, SdkError<E>>>,
        E: aws_smithy_types::error::metadata::ProvideErrorMetadata + std::error::Error + 'static,
    {
        let mut region = self.buckets().region(bucket).unwrap_or_else(|| self.region().clone());
        let mut redirected = false;
        loop {
            let told: Mutex<Option<Region>> = Mutex::new(None);
            let client = self.s3(&region);
            let (told_here, send) = (&told, &send);
            // Looking or writing: no picture shows what is in a bucket.
            let answer = self.change(operation, Thing::Apart, || {
                // Boxed: no other client's calls are as large, and a stack of them is soon too deep.
                let calling = Box::pin(send(client.clone()));
                async move {
                    let answer = calling.await;
                    if let Err(error) = &answer {
                        let header = error.raw_response().and_then(|raw| raw.headers().get("x-amz-bucket-region"));
                        *told_here.lock().unwrap_or_else(PoisonError::into_inner) =
                            header.map(|region| Region::from(region.to_owned()));
                    }
                    answer
                }
            });
            let answer = answer.await;
            let own = told.into_inner().unwrap_or_else(PoisonError::into_inner);
            match (&answer, own) {
                (Err(_), Some(own)) if own != region && !redirected => {
                    tracing::debug!(bucket, region = %own, "the bucket is in another region");
                    self.buckets().learn(bucket, own.clone());
                    (region, redirected) = (own, true);
                }
                (Ok(_), _) => {
                    self.buckets().learn(bucket, region);
                    return answer;
                }
                _ => return answer,
            }
        }
    }
}

fn owner(bucket: &Bucket) -> Option<String> {
    bucket.owner.as_ref().map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_objects_url_names_its_region_in_every_partition() {
        for (bucket, region, expected) in [
            ("acme", "eu-west-1", "https://acme.s3.eu-west-1.amazonaws.com/orch/a"),
            ("acme.co", "us-east-1", "https://s3.us-east-1.amazonaws.com/acme.co/orch/a"),
            ("acme", "cn-north-1", "https://acme.s3.cn-north-1.amazonaws.com.cn/orch/a"),
            ("acme", "us-iso-east-1", "https://acme.s3.us-iso-east-1.c2s.ic.gov/orch/a"),
        ] {
            assert_eq!(object_url(bucket, "orch/a", &region.into()), expected);
        }
    }
}
