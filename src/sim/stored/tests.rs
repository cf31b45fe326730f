//! Values are stored and read by the real clients.

use crate::sim::Sim;

fn config(sim: &Sim, account: &str, region: &'static str) -> aws_config::SdkConfig {
    aws_config::SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .region(aws_config::Region::new(region))
        .http_client(sim.http_client())
        .time_source(sim.time_source())
        .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(sim.credentials(account)))
        .build()
}

#[tokio::test(start_paused = true)]
async fn a_parameter_is_put_read_and_deleted_in_its_account_and_region_alone() {
    let sim = Sim::builder().build();
    let client = aws_sdk_ssm::Client::new(&config(&sim, "111111111111", "us-east-1"));
    let put = |value: &str, over: bool| {
        let kind = aws_sdk_ssm::types::ParameterType::SecureString;
        client.put_parameter().name("/db/password").value(value).r#type(kind).overwrite(over).send()
    };
    assert_eq!(put("one", false).await.unwrap().version, 1);
    let refused = put("two", false).await.unwrap_err().into_service_error();
    assert!(refused.is_parameter_already_exists(), "{refused:?}");
    assert_eq!(put("two", true).await.unwrap().version, 2);
    let get = async |client: &aws_sdk_ssm::Client, name: &str, decrypted: bool| {
        let answer = client.get_parameter().name(name).with_decryption(decrypted).send().await;
        answer.map(|answer| answer.parameter.unwrap()).map_err(|error| error.into_service_error().to_string())
    };
    let found = get(&client, "/db/password", true).await.unwrap();
    assert_eq!((found.value.as_deref(), found.version), (Some("two"), 2));
    let arn = found.arn.unwrap();
    assert_eq!(arn, "arn:aws:ssm:us-east-1:111111111111:parameter/db/password");
    assert_eq!(get(&client, &arn, true).await.unwrap().value.as_deref(), Some("two"));
    assert!(!get(&client, "/db/password", false).await.unwrap().value.unwrap().contains("two"));
    assert!(get(&client, "/db/password:1", true).await.unwrap_err().contains("ParameterVersionNotFound"));
    for (account, region) in [("222222222222", "us-east-1"), ("111111111111", "eu-west-1")] {
        let other = aws_sdk_ssm::Client::new(&config(&sim, account, region));
        assert!(get(&other, "/db/password", true).await.unwrap_err().contains("ParameterNotFound"));
    }
    client.delete_parameter().name("/db/password").send().await.unwrap();
    assert!(get(&client, "/db/password", true).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_made_renewed_and_read_by_name_arn_and_stage() {
    let sim = Sim::builder().build();
    let client = aws_sdk_secretsmanager::Client::new(&config(&sim, "111111111111", "us-east-1"));
    let made = client.create_secret().name("db").secret_string("one").send().await.unwrap();
    let get = async |id: &str, stage: Option<&str>| {
        let answer = client.get_secret_value().secret_id(id).set_version_stage(stage.map(str::to_owned)).send().await;
        answer.map(|answer| answer.secret_string).map_err(aws_sdk_secretsmanager::error::SdkError::into_service_error)
    };
    client.put_secret_value().secret_id("db").secret_string("two").send().await.unwrap();
    assert_eq!(get("db", None).await.unwrap().as_deref(), Some("two"));
    assert_eq!(get(made.arn.as_deref().unwrap(), Some("AWSPREVIOUS")).await.unwrap().as_deref(), Some("one"));
    assert!(get("none", None).await.unwrap_err().is_resource_not_found_exception());
    assert!(get("db", Some("OTHER")).await.unwrap_err().is_resource_not_found_exception());
    let bytes = aws_sdk_secretsmanager::primitives::Blob::new(b"\x00\x01");
    client.create_secret().name("raw").secret_binary(bytes).send().await.unwrap();
    assert_eq!(get("raw", None).await.unwrap(), None);
    client.delete_secret().secret_id("db").send().await.unwrap();
    assert!(get("db", None).await.unwrap_err().is_invalid_request_exception());
}
