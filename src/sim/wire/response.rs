//! Answers and errors in each protocol's own shape.

use serde_json::json;

use super::{ApiError, Reply, Service, Xml};

/// An answer to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) request_id: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Answer {
    /// All headers, with names in lower case. Of two of one name the later one counts.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let own = self.headers.iter().map(|(name, value)| (*name, value.as_str()));
        // S3 has a header of its own for the request's id.
        let ids = ["x-amz-request-id", "x-amzn-requestid"].map(|name| (name, self.request_id.as_str()));
        std::iter::once(("content-type", "text/xml;charset=UTF-8")).chain(own).chain(ids)
    }
}

/// Wraps a result, or an error, as the service's protocol wants it.
pub(crate) fn render(
    service: Service,
    operation: &str,
    request_id: String,
    result: &Result<Reply, ApiError>,
) -> Answer {
    let (status, mut headers) = match result {
        Ok(reply) => (reply.status.unwrap_or(200), reply.headers.clone()),
        Err(error) => (error.status, error.headers.clone()),
    };
    if service.speaks_json() {
        headers.push(("content-type", "application/x-amz-json-1.1".to_owned()));
        let body = match result {
            Ok(reply) => reply.body.clone(),
            Err(error) => json!({ "__type": error.code, "message": error.message }).to_string(),
        };
        return Answer { status, request_id, headers, body };
    }
    let mut xml = Xml::new();
    match result {
        // What S3 brings back is the object itself.
        Ok(reply) if service == Service::S3 => drop(xml.raw(&reply.body)),
        // An answer to HEAD has no body, whatever it says.
        Err(_) if operation.starts_with("Head") => {}
        Ok(reply) => success(xml.raw(PROLOGUE), service, operation, &request_id, &reply.body),
        Err(error) => failure(xml.raw(PROLOGUE), service, &request_id, error),
    }
    Answer { status, request_id, headers, body: xml.into_string() }
}

const PROLOGUE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;

fn success(xml: &mut Xml, service: Service, operation: &str, request_id: &str, result: &str) {
    xml.raw(&format!(r#"<{operation}Response xmlns="{}">"#, service.namespace()));
    if service == Service::Ec2 {
        xml.text("requestId", request_id).raw(result);
    } else {
        xml.within(&format!("{operation}Result"), |xml| {
            xml.raw(result);
        });
        xml.within("ResponseMetadata", |xml| {
            xml.text("RequestId", request_id);
        });
    }
    xml.raw(&format!("</{operation}Response>"));
}

fn failure(xml: &mut Xml, service: Service, request_id: &str, error: &ApiError) {
    if service == Service::Ec2 {
        xml.within("Response", |xml| {
            xml.within("Errors", |xml| {
                xml.within("Error", |xml| {
                    xml.text("Code", &error.code).text("Message", &error.message);
                });
            });
            xml.text("RequestID", request_id);
        });
    } else if service == Service::S3 {
        xml.within("Error", |xml| {
            xml.text("Code", &error.code).text("Message", &error.message).text("RequestId", request_id);
        });
    } else {
        xml.raw(&format!(r#"<ErrorResponse xmlns="{}">"#, service.namespace()));
        xml.within("Error", |xml| {
            xml.text("Type", if error.status < 500 { "Sender" } else { "Receiver" });
            xml.text("Code", &error.code).text("Message", &error.message);
        });
        xml.text("RequestId", request_id).raw("</ErrorResponse>");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protocol_has_its_own_error_document() {
        let error = Err(ApiError::new("Throttling", "Rate <exceeded>"));
        insta::assert_snapshot!(
            render(Service::CloudFormation, "DescribeStacks", "r-1".into(), &error).body,
            @r#"<?xml version="1.0" encoding="UTF-8"?><ErrorResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate &lt;exceeded&gt;</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"#
        );
        insta::assert_snapshot!(
            render(Service::Ec2, "DescribeVpcs", "r-1".into(), &error).body,
            @r#"<?xml version="1.0" encoding="UTF-8"?><Response><Errors><Error><Code>Throttling</Code><Message>Rate &lt;exceeded&gt;</Message></Error></Errors><RequestID>r-1</RequestID></Response>"#
        );
    }

    #[test]
    fn each_protocol_has_its_own_result_document() {
        let mut result = Xml::new();
        result.text("a", 1);
        insta::assert_snapshot!(
            render(Service::Sts, "GetCallerIdentity", "r-1".into(), &Ok(result.clone().into())).body,
            @r#"<?xml version="1.0" encoding="UTF-8"?><GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><a>1</a></GetCallerIdentityResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></GetCallerIdentityResponse>"#
        );
        insta::assert_snapshot!(
            render(Service::Ec2, "DeleteVpc", "r-1".into(), &Ok(result.into())).body,
            @r#"<?xml version="1.0" encoding="UTF-8"?><DeleteVpcResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r-1</requestId><a>1</a></DeleteVpcResponse>"#
        );
    }
}
