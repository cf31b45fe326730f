//! The calls to S3.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ServerSideEncryption;
use aws_smithy_runtime_api::client::result::ConnectorError;
use tokio::time::Instant;

use super::call::{CallError, Class, SdkError, changes_something};
use super::regional::Regional;
use super::written::Thing;
use crate::ids::{AccountId, Region};

/// How long somebody else may be at putting the same object.
const PUTTING_AT_MOST: Duration = Duration::from_secs(30);

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

/// An object to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectAt {
    /// The bucket that it is in.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// Its version; the latest otherwise.
    pub version: Option<String>,
    /// The region that the bucket is said to be in.
    pub region: Option<Region>,
}

/// What an object holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// All of it.
    Bytes(Vec<u8>),
    /// More bytes than were asked for: so many.
    TooLarge(usize),
}

/// An object that is written anew as a whole, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// What it holds.
    pub bytes: Vec<u8>,
    /// S3's mark of it (its `ETag`), which is another whenever the object is.
    pub mark: String,
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
pub fn object_url(bucket: &str, key: &str, region: &Region) -> String {
    let domain = region.url_suffix().unwrap_or("amazonaws.com");
    if bucket.contains('.') {
        format!("https://s3.{region}.{domain}/{bucket}/{key}")
    } else {
        format!("https://{bucket}.s3.{region}.{domain}/{key}")
    }
}

/// All of an answer's body. One that breaks off half-way is as good as none.
async fn whole<E>(body: ByteStream) -> Result<Vec<u8>, SdkError<E>> {
    let broken = |error| SdkError::dispatch_failure(ConnectorError::io(Box::new(error)));
    Ok(body.collect().await.map_err(broken)?.to_vec())
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
            self.put_object(bucket, key, text).await?;
            self.buckets().saw(&bucket.name, key);
        }
        let region = self.buckets().region(&bucket.name);
        Ok(object_url(&bucket.name, key, &region.unwrap_or_else(|| self.region().clone())))
    }

    /// Puts an object unless there is one of that key.
    async fn put_object(&self, bucket: &Bucket, key: &str, text: &str) -> Result<(), CallError> {
        let last = Instant::now() + PUTTING_AT_MOST;
        loop {
            match self.put_after(bucket, key, text, None).await {
                // Somebody else was faster.
                Err(error) if error.is("PreconditionFailed") => return Ok(()),
                // Somebody else is just putting one of that key, and whether it will be there is open.
                Err(error) if error.is("ConditionalRequestConflict") && Instant::now() < last => {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                put => return put.map(|_| ()),
            }
        }
    }

    /// Puts an object in the place of what bears a mark; without that, where there is none. Gives its own mark, if S3 tells it.
    async fn put_after(
        &self,
        bucket: &Bucket,
        key: &str,
        text: &str,
        mark: Option<&str>,
    ) -> Result<Option<String>, CallError> {
        let encryption = bucket.kms_key.as_ref().map(|_| ServerSideEncryption::AwsKms);
        let owner = bucket.owner.as_ref().map(ToString::to_string);
        let put = |client: Client| {
            let request = client.put_object().bucket(&bucket.name).key(key);
            let request = match mark {
                Some(mark) => request.if_match(mark),
                None => request.if_none_match("*"),
            };
            let request = request.set_expected_bucket_owner(owner.clone());
            let request = request.set_server_side_encryption(encryption.clone());
            let request = request.set_ssekms_key_id(bucket.kms_key.clone());
            request.body(ByteStream::from(text.as_bytes().to_vec())).send()
        };
        let answer = self.in_bucket("PutObject", (&bucket.name, None), put).await?;
        Ok(answer.e_tag().map(str::to_owned))
    }

    /// The region that a bucket is in. S3 says it to whoever asks, be it with a refusal.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack`]: S3 does not say it, as of a bucket that there is not.
    pub async fn bucket_region(&self, bucket: &Bucket) -> Result<Region, CallError> {
        if let Some(known) = self.buckets().region(&bucket.name) {
            return Ok(known);
        }
        let owner = bucket.owner.as_ref().map(ToString::to_string);
        let head =
            |client: Client| client.head_bucket().bucket(&bucket.name).set_expected_bucket_owner(owner.clone()).send();
        let answer = self.in_bucket("HeadBucket", (&bucket.name, None), head).await;
        // Who may put templates there need not be allowed to list them, and is told the region all the same.
        match (self.buckets().region(&bucket.name), answer) {
            (Some(region), _) => Ok(region),
            (None, Ok(_)) => Ok(self.region().clone()),
            (None, Err(error)) => Err(error),
        }
    }

    /// What an object holds, unless that is more than so many bytes.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack`]. That the bucket is in another region is no error.
    pub async fn object(&self, at: &ObjectAt, most: usize) -> Result<Content, CallError> {
        let get = |client: Client| {
            let request = client.get_object().bucket(&at.bucket).key(&at.key).set_version_id(at.version.clone());
            let getting = request.send();
            async move {
                let answer = getting.await?;
                let announced = answer.content_length().and_then(|length| usize::try_from(length).ok());
                if let Some(length) = announced.filter(|length| *length > most) {
                    return Ok(Content::TooLarge(length));
                }
                let bytes = whole(answer.body).await?;
                Ok(if bytes.len() > most { Content::TooLarge(bytes.len()) } else { Content::Bytes(bytes) })
            }
        };
        self.in_bucket("GetObject", (&at.bucket, at.region.as_ref()), get).await
    }

    /// An object that is written anew as a whole, and the mark of what was read; `None` if there is none.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack`].
    pub async fn revision(&self, bucket: &Bucket, key: &str) -> Result<Option<Revision>, CallError> {
        let owner = bucket.owner.as_ref().map(ToString::to_string);
        let get = |client: Client| {
            let request = client.get_object().bucket(&bucket.name).key(key).set_expected_bucket_owner(owner.clone());
            let getting = request.send();
            async move {
                let answer = getting.await?;
                let mark = answer.e_tag().unwrap_or_default().to_owned();
                Ok(Revision { mark, bytes: whole(answer.body).await? })
            }
        };
        match self.in_bucket("GetObject", (&bucket.name, None), get).await {
            Ok(revision) => Ok(Some(revision)),
            Err(error) if error.is("NoSuchKey") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes an object anew, if it still is as it was when `read`, or is not there yet. Says whether that was so: if not,
    /// somebody else was faster, and it is to be read again.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack`].
    pub async fn revise(
        &self,
        bucket: &Bucket,
        key: &str,
        text: &str,
        read: Option<&Revision>,
    ) -> Result<bool, CallError> {
        let mark = read.map(|read| read.mark.as_str());
        Ok(self.replace(bucket, key, text, mark).await?.is_some())
    }

    /// Writes an object anew, if it still bears a mark, or is not there yet: its new mark, which is empty where S3 does not tell
    /// it. `None` if that was not so: somebody else was faster, or is at it in this moment.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack`].
    pub async fn replace(
        &self,
        bucket: &Bucket,
        key: &str,
        text: &str,
        mark: Option<&str>,
    ) -> Result<Option<String>, CallError> {
        match self.put_after(bucket, key, text, mark).await {
            Ok(mark) => Ok(Some(mark.unwrap_or_default())),
            // The last of these: what was read has been deleted meanwhile.
            Err(error)
                if ["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"]
                    .iter()
                    .any(|code| error.is(code)) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The region of a bucket, as far as S3 has said it.
    pub fn region_of_bucket(&self, bucket: &str) -> Option<Region> {
        self.buckets().region(bucket)
    }

    /// Makes a call about a bucket in the region that the bucket is in. Where that is not known, S3 says it to whoever asks
    /// in another one than it is `said` to be in.
    async fn in_bucket<T, E, F>(
        &self,
        operation: &'static str,
        (bucket, said): (&str, Option<&Region>),
        send: impl Fn(Client) -> F,
    ) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, SdkError<E>>>,
        E: aws_smithy_types::error::metadata::ProvideErrorMetadata + std::error::Error + 'static,
    {
        let known = self.buckets().region(bucket);
        let mut region = known.unwrap_or_else(|| said.unwrap_or(self.region()).clone());
        let mut redirected = false;
        loop {
            let told: Mutex<Option<Region>> = Mutex::new(None);
            let client = self.s3(&region);
            let (told_here, send) = (&told, &send);
            let asking = || {
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
            };
            // No picture shows what is in a bucket.
            let answer = if changes_something(operation) {
                self.change(operation, Thing::Apart, asking).await
            } else {
                self.call(operation, asking).await
            };
            let own = told.into_inner().unwrap_or_else(PoisonError::into_inner);
            match (&answer, &own) {
                (Err(_), Some(own)) if *own != region && !redirected => {
                    tracing::debug!(bucket, region = %own, "the bucket is in another region");
                    self.buckets().learn(bucket, own.clone());
                    (region, redirected) = (own.clone(), true);
                }
                _ => {
                    // That a condition does not hold only the bucket's own region says, too.
                    let is_there = answer.as_ref().err().is_none_or(|error| error.class == Class::Conflict);
                    if is_there || own.as_ref() == Some(&region) {
                        self.buckets().learn(bucket, region);
                    }
                    return answer;
                }
            }
        }
    }
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
