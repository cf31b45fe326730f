//! A template at a URL that CloudFormation does not take.

use crate::cfn::{MAX_URL_BYTES, S3Url};
use crate::diag::{Code, Severity};
use crate::ids::Region;
use crate::plan::{Origin, TemplateUrl};
use crate::rules::design::Design;
use crate::rules::rule::{Report, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(59),
    name: "template-url",
    severity: Severity::Error,
    summary: "a template is named by a URL that CloudFormation does not take",
    explanation: "CloudFormation reads templates from buckets of S3, of the stack's own partition, by the object's own \
                  https URL: `https://BUCKET.s3.REGION.amazonaws.com/KEY`, or with the bucket in the path. Neither \
                  `s3://` nor the URL of a static website is one. `?versionId=` names a version of the object; URLs \
                  that are signed in advance run out, and have no place in a plan.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.app]
account  = "master"
template = «"s3://acme-templates/app.yaml"»
"#,
    right: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.app]
account  = "master"
template = "https://acme-templates.s3.us-east-1.amazonaws.com/app.yaml"
"#,
    check: Some(check),
};

fn check(design: &Design<'_>, report: &mut Report) {
    for (ix, _, template, _) in design.judged_stacks() {
        let Origin::Url(template) = template else { continue };
        let Some((why, help)) = refusal(template, &design.node(ix).region) else { continue };
        let message = format!("CloudFormation reads no template at {}: {why}", template.url);
        report.add([ix], RULE.problem(template.span.clone(), message).help(help));
    }
}

/// Why CloudFormation does not take a URL in a region, and what to do.
fn refusal(template: &TemplateUrl, region: &Region) -> Option<(String, String)> {
    let url = &*template.url;
    let domain = region.url_suffix();
    let example = |bucket: &str, key: &str| {
        let domain = domain.unwrap_or("amazonaws.com");
        if bucket.contains('.') {
            format!("https://s3.{region}.{domain}/{bucket}/{key}")
        } else {
            format!("https://{bucket}.s3.{region}.{domain}/{key}")
        }
    };
    let form = || format!("write the object's own URL: {}", example("BUCKET", "KEY"));
    if let Some(object) = url.strip_prefix("s3://") {
        let (bucket, key) = object.split_once('/').unwrap_or((object, "KEY"));
        let help = format!("write {}, with the bucket's region if that is another", example(bucket, key));
        return Some(("only https URLs of S3 are taken".to_owned(), help));
    }
    if !url.starts_with("https://") {
        return Some(("only https URLs of S3 are taken".to_owned(), form()));
    }
    if url.len() > MAX_URL_BYTES {
        return Some((format!("it has {} bytes, and {MAX_URL_BYTES} are the most", url.len()), form()));
    }
    let Some(object) = S3Url::parse(url) else {
        return Some(("it is not the URL of an object in S3".to_owned(), form()));
    };
    if let Some(own) = domain.filter(|own| *own != object.domain) {
        let why = format!("it is of another partition ({}) than {region} ({own})", object.domain);
        return Some((why, "put a copy of it in a bucket of the stack's own partition".to_owned()));
    }
    let query = url.split_once('?').map_or("", |(_, query)| query);
    if query.split('&').any(|pair| !pair.is_empty() && !pair.starts_with("versionId=")) {
        let why = "it may name a version of the object (`?versionId=`), and nothing else behind the `?`";
        return Some((
            why.to_owned(),
            "take the rest away, and give the account's role the right to read it".to_owned(),
        ));
    }
    None
}
