//! The URL of an object in S3, as CloudFormation takes it for a template.
//!
//! See <https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>.

/// An object, as a URL names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Url {
    /// The bucket.
    pub bucket: String,
    /// The object's key; empty where the URL names the bucket alone.
    pub key: String,
    /// The region that the URL names.
    pub region: Option<String>,
    /// The version of the object that the URL names (`?versionId=`).
    pub version: Option<String>,
    /// The domain of its partition: `amazonaws.com`.
    pub domain: &'static str,
}

/// The domains of AWS's partitions.
const DOMAINS: [&str; 7] = [
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".amazonaws.eu",
    ".c2s.ic.gov",
    ".sc2s.sgov.gov",
    ".cloud.adc-e.uk",
    ".csp.hci.ic.gov",
];

impl S3Url {
    /// Reads the URL of an object: `https://BUCKET.s3.REGION.amazonaws.com/KEY`, or with the bucket in the path.
    pub fn parse(url: &str) -> Option<Self> {
        let (host, path) = url.strip_prefix("https://")?.split_once('/')?;
        let path = path.split('#').next().unwrap_or_default();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let found = Self::of(host, path).filter(|found| !found.key.is_empty())?;
        let version = query.split('&').find_map(|pair| pair.strip_prefix("versionId=")).map(decoded);
        Some(Self { version, ..found })
    }

    /// The same, of a host and the path behind its first slash.
    pub fn of(host: &str, path: &str) -> Option<Self> {
        let host = host.to_ascii_lowercase();
        let (service, domain) = DOMAINS.iter().find_map(|domain| Some((host.strip_suffix(domain)?, *domain)))?;
        let labels: Vec<&str> = service.split('.').collect();
        let is_region = |label: &str| label.contains('-') && !label.starts_with("website");
        let (bucket, region) = match labels.as_slice() {
            [bucket @ .., "s3" | "s3-fips", "dualstack", region] if is_region(region) => (bucket, Some(*region)),
            [bucket @ .., "s3" | "s3-fips", region] if is_region(region) => (bucket, Some(*region)),
            [bucket @ .., "s3"] => (bucket, None),
            // <https://docs.aws.amazon.com/general/latest/gr/s3.html> has these for the first of the regions.
            [bucket @ .., "s3-external-1"] => (bucket, Some("us-east-1")),
            [bucket @ .., older] => {
                let region = older.strip_prefix("s3-fips-").or_else(|| older.strip_prefix("s3-"));
                (bucket, Some(region.filter(|region| is_region(region))?))
            }
            [] => return None,
        };
        let (bucket, key) = match bucket {
            [] => path.split_once('/').unwrap_or((path, "")),
            _ => (&*bucket.join("."), path),
        };
        let region = region.map(str::to_owned);
        let domain = domain.trim_start_matches('.');
        let found = Self { bucket: bucket.to_owned(), key: decoded(key), region, version: None, domain };
        (!found.bucket.is_empty()).then_some(found)
    }
}

/// A path without its percent signs.
fn decoded(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        let pair = others.get(..2).filter(|_| *first == b'%').and_then(|pair| std::str::from_utf8(pair).ok());
        if let Some(byte) = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            bytes.push(byte);
            rest = &others[2..];
        } else {
            bytes.push(*first);
            rest = others;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_an_objects_url_is_read() {
        for (url, bucket, key, region) in [
            ("https://acme.s3.eu-west-1.amazonaws.com/a/b.yaml", "acme", "a/b.yaml", Some("eu-west-1")),
            ("https://acme.s3.amazonaws.com/b.yaml?versionId=1", "acme", "b.yaml", None),
            ("https://s3.amazonaws.com/acme/a/b.yaml", "acme", "a/b.yaml", None),
            ("https://s3.eu-west-1.amazonaws.com/acme/b.yaml", "acme", "b.yaml", Some("eu-west-1")),
            ("https://s3-eu-west-1.amazonaws.com/acme/b.yaml", "acme", "b.yaml", Some("eu-west-1")),
            ("https://acme.s3.dualstack.us-east-1.amazonaws.com/b%20c", "acme", "b c", Some("us-east-1")),
            ("https://s3.us-east-1.amazonaws.com/acme.co/orch/a", "acme.co", "orch/a", Some("us-east-1")),
            ("https://acme.s3.us-iso-east-1.c2s.ic.gov/orch/a", "acme", "orch/a", Some("us-iso-east-1")),
            ("https://acme.co.s3.cn-north-1.amazonaws.com.cn/b", "acme.co", "b", Some("cn-north-1")),
        ] {
            let found = S3Url::parse(url).unwrap();
            assert_eq!((&*found.bucket, &*found.key, found.region.as_deref()), (bucket, key, region), "{url}");
        }
    }

    #[test]
    fn a_url_tells_the_version_and_the_partition() {
        let found = S3Url::parse("https://acme.s3.cn-north-1.amazonaws.com.cn/b?x=1&versionId=a%2Bb").unwrap();
        assert_eq!((found.version.as_deref(), found.domain), (Some("a+b"), "amazonaws.com.cn"));
        let found = S3Url::parse("https://acme.s3.amazonaws.com/b").unwrap();
        assert_eq!((found.version, found.domain), (None, "amazonaws.com"));
    }

    #[test]
    fn what_is_not_an_object_of_s3_is_none() {
        for url in [
            "http://acme.s3.amazonaws.com/b.yaml",
            "https://acme.s3.amazonaws.com/",
            "https://acme.s3-website-us-east-1.amazonaws.com/b.yaml",
            "https://acme.s3.website-x.amazonaws.com/b.yaml",
            "https://ec2.us-east-1.amazonaws.com/b.yaml",
            "https://example.com/b.yaml",
            "https://s3.amazonaws.com/acme",
        ] {
            assert_eq!(S3Url::parse(url), None, "{url}");
        }
    }
}
