//! The form of a stack's parameters for editors, as [`schema`](mod@super::schema) has it of everything else.

use schemars::JsonSchema;

use super::schema::Value;

/// A parameter of a stack.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum Parameter {
    /// Its value.
    Value(Value),
    /// Where its value is.
    Elsewhere(ParameterTable),
}

/// Where a parameter's value is: one of `env`, `ssm`, `secret` and `value`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct ParameterTable {
    /// An environment variable, which the caller must allow too: `--allow-env NAME`.
    #[schemars(example = &"DB_PASSWORD")]
    env: Option<String>,
    /// The name or ARN of a parameter in Systems Manager; a `SecureString` is decrypted.
    #[schemars(example = &"/db/password")]
    ssm: Option<String>,
    /// The name or ARN of a secret in Secrets Manager.
    #[schemars(example = &"db")]
    secret: Option<String>,
    /// The value itself.
    #[schemars(example = &"10.0.0.0/20")]
    value: Option<Value>,
    /// Of a secret that is JSON: the field that has the value.
    #[schemars(example = &"password")]
    key: Option<String>,
    /// The stage of the secret's version; `AWSCURRENT` if not given.
    #[schemars(example = &"AWSPREVIOUS")]
    stage: Option<String>,
    /// The account that has it, by its name below `[accounts]`; the node's own if not given.
    #[schemars(example = &"master")]
    account: Option<String>,
    /// The region that it is in; the node's own if not given.
    #[schemars(example = &"us-east-1")]
    region: Option<String>,
    /// Whether it is a secret, which is shown nowhere: `true` unless it is a plain `value`.
    #[schemars(example = false)]
    sensitive: Option<bool>,
}
