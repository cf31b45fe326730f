//! S3 as the real SDK client sees it.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Region};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, ServerSideEncryption};

use super::Object;
use crate::sim::Sim;

const OWNER: &str = "111111111111";
const OTHER: &str = "222222222222";
const BUCKET: &str = "acme-templates";

fn client(sim: &Sim, account: &str, region: &'static str) -> Client {
    Client::from_conf(
        aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(sim.http_client())
            .time_source(sim.time_source())
            .sleep_impl(aws_smithy_async::rt::sleep::TokioSleep::new())
            .retry_config(RetryConfig::standard().with_use_static_exponential_base(true))
            .credentials_provider(sim.credentials(account))
            .region(Region::from_static(region))
            .build(),
    )
}

/// What is told of a refusal: its status, its code and the bucket's region.
fn told<T: std::fmt::Debug, E: ProvideErrorMetadata + std::error::Error + 'static>(
    result: Result<T, SdkError<E>>,
) -> (u16, String, String) {
    let error = result.unwrap_err();
    let response = error.raw_response().unwrap();
    let region = response.headers().get("x-amz-bucket-region").unwrap_or_default().to_owned();
    let status = response.status().as_u16();
    (status, error.code().unwrap_or_default().to_owned(), region)
}

fn refusal(status: u16, code: &str, region: &str) -> (u16, String, String) {
    (status, code.to_owned(), region.to_owned())
}

/// A bucket of the owner's in Ireland.
async fn bucket(sim: &Sim) -> Client {
    let client = client(sim, OWNER, "eu-west-1");
    let ireland = CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::EuWest1).build();
    client.create_bucket().bucket(BUCKET).create_bucket_configuration(ireland).send().await.unwrap();
    client
}

#[tokio::test(start_paused = true)]
async fn an_object_is_put_looked_at_read_and_deleted() {
    let sim = Sim::builder().build();
    let client = bucket(&sim).await;
    let body = || ByteStream::from_static(b"Resources: {}\n");
    let put = client.put_object().bucket(BUCKET).key("a/b c.yaml").body(body()).content_type("text/yaml");
    let put = put.server_side_encryption(ServerSideEncryption::AwsKms).ssekms_key_id("key-1").send().await.unwrap();
    assert_eq!(put.ssekms_key_id(), Some("key-1"));
    let head = client.head_object().bucket(BUCKET).key("a/b c.yaml").send().await.unwrap();
    assert_eq!((head.e_tag(), head.content_length()), (put.e_tag(), Some(14)));
    assert_eq!(head.server_side_encryption(), Some(&ServerSideEncryption::AwsKms));
    let got = client.get_object().bucket(BUCKET).key("a/b c.yaml").send().await.unwrap();
    assert_eq!((got.e_tag(), got.content_type()), (put.e_tag(), Some("text/yaml")));
    assert_eq!(got.body.collect().await.unwrap().to_vec(), b"Resources: {}\n");

    let full = client.delete_bucket().bucket(BUCKET).send().await;
    assert_eq!(told(full), refusal(409, "BucketNotEmpty", ""));
    client.delete_object().bucket(BUCKET).key("a/b c.yaml").send().await.unwrap();
    let gone = client.get_object().bucket(BUCKET).key("a/b c.yaml").send().await;
    assert_eq!(told(gone), refusal(404, "NoSuchKey", ""));
    client.delete_bucket().bucket(BUCKET).send().await.unwrap();
    let gone = client.head_bucket().bucket(BUCKET).send().await;
    assert_eq!(told(gone), refusal(404, "NotFound", ""));
    assert!(sim.is_empty().unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_put_is_held_to_its_conditions() {
    let sim = Sim::builder().build();
    let client = bucket(&sim).await;
    let put =
        |text: &'static str| client.put_object().bucket(BUCKET).key("k").body(ByteStream::from_static(text.as_bytes()));
    let early = put("0").if_match("\"none\"").send().await;
    assert_eq!(told(early), refusal(404, "NoSuchKey", ""));
    let first = put("1").if_none_match("*").send().await.unwrap();
    let again = put("2").if_none_match("*").send().await;
    assert_eq!(told(again), refusal(412, "PreconditionFailed", ""));
    let second = put("2").if_match(first.e_tag().unwrap()).send().await.unwrap();
    assert_ne!(first.e_tag(), second.e_tag());
    let late = put("3").if_match(first.e_tag().unwrap()).send().await;
    assert_eq!(told(late), refusal(412, "PreconditionFailed", ""));
    let text = |object: &Object| object.text.clone();
    assert_eq!(sim.inspect(|world| world.objects.values().map(text).collect::<Vec<_>>()).unwrap(), ["2"]);
}

#[tokio::test(start_paused = true)]
async fn a_bucket_is_reached_in_its_own_region_and_says_which_that_is() {
    let sim = Sim::builder().build();
    bucket(&sim).await;
    let elsewhere = client(&sim, OWNER, "us-east-1");
    let put = elsewhere.put_object().bucket(BUCKET).key("k").body(ByteStream::from_static(b"x")).send().await;
    assert_eq!(told(put), refusal(301, "PermanentRedirect", "eu-west-1"));
    let head = elsewhere.head_bucket().bucket(BUCKET).send().await;
    assert_eq!(told(head), refusal(301, "", "eu-west-1"));
    let taken = elsewhere.create_bucket().bucket(BUCKET).send().await;
    assert_eq!(told(taken), refusal(409, "BucketAlreadyOwnedByYou", ""));
    let unsaid = client(&sim, OWNER, "eu-west-1").create_bucket().bucket("acme-other").send().await;
    assert_eq!(told(unsaid), refusal(400, "IllegalLocationConstraintException", ""));
}

#[tokio::test(start_paused = true)]
async fn another_account_may_do_what_the_buckets_policy_says() {
    let sim = Sim::builder().build();
    let owner = bucket(&sim).await;
    owner.put_object().bucket(BUCKET).key("orch/k").body(ByteStream::from_static(b"x")).send().await.unwrap();
    let other = client(&sim, OTHER, "eu-west-1");
    let taken = other.create_bucket().bucket(BUCKET).create_bucket_configuration(
        CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::EuWest1).build(),
    );
    assert_eq!(told(taken.send().await), refusal(409, "BucketAlreadyExists", ""));
    let get = |key: &'static str| other.get_object().bucket(BUCKET).key(key).send();
    assert_eq!(told(get("orch/k").await), refusal(403, "AccessDenied", "eu-west-1"));

    let policy = format!(
        r#"{{"Statement": [
            {{"Effect": "Allow", "Principal": {{"AWS": "arn:aws:iam::{OTHER}:root"}}, "Action": ["s3:GetObject"],
              "Resource": "arn:aws:s3:::{BUCKET}/orch/*", "Condition": {{"Bool": {{"aws:SecureTransport": true}}}}}},
            {{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::{BUCKET}/orch/secret"}}]}}"#
    );
    let template = format!(
        "Resources:\n  Policy:\n    Type: AWS::S3::BucketPolicy\n    Properties: {{Bucket: {BUCKET}, PolicyDocument: {policy}}}\n"
    );
    let ireland = Region::from_static("eu-west-1");
    let cloudformation = aws_sdk_cloudformation::Client::from_conf(
        aws_sdk_cloudformation::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(sim.http_client())
            .time_source(sim.time_source())
            .sleep_impl(aws_smithy_async::rt::sleep::TokioSleep::new())
            .credentials_provider(sim.credentials(OWNER))
            .region(ireland)
            .build(),
    );
    cloudformation.create_stack().stack_name("policy").template_body(template).send().await.unwrap();
    tokio::time::sleep(std::time::Duration::from_mins(1)).await;
    assert!(get("orch/k").await.is_ok());
    assert_eq!(told(get("orch/none").await), refusal(403, "AccessDenied", ""), "it may not list");
    assert_eq!(told(get("orch/secret").await), refusal(403, "AccessDenied", "eu-west-1"), "denied");
    assert_eq!(told(get("other").await), refusal(403, "AccessDenied", "eu-west-1"), "not allowed");
    let put = other.put_object().bucket(BUCKET).key("orch/k").body(ByteStream::from_static(b"y")).send().await;
    assert_eq!(told(put), refusal(403, "AccessDenied", "eu-west-1"));

    let expected = owner.head_object().bucket(BUCKET).key("orch/k").expected_bucket_owner(OTHER).send().await;
    assert_eq!(told(expected).0, 403);
}
