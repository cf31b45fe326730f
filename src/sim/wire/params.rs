//! The parameters of a request in the `awsQuery` and `ec2Query` protocols: a form whose keys spell out structures and
//! lists, `Tags.member.1.Key=…` in the one and `Filter.1.Value.2=…` in the other.
//!
//! See <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde_json::Value as Json;

use super::ApiError;

/// A request's parameters, or those of one structure inside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Params(BTreeMap<String, String>);

impl FromIterator<(String, String)> for Params {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(values: T) -> Self {
        Self(values.into_iter().collect())
    }
}

impl Params {
    /// Reads a form.
    pub(crate) fn parse(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// Reads a JSON object, as a form would spell it; `None` if it is none.
    pub(crate) fn from_json(body: &[u8]) -> Option<Self> {
        let body: Json = serde_json::from_slice(body).ok()?;
        let mut params = BTreeMap::new();
        spell(&mut params, "", body.as_object().map(|_| &body)?);
        Some(Self(params))
    }

    /// The value of a parameter, if it was sent.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value of a parameter that the operation cannot do without.
    ///
    /// # Errors
    /// `MissingParameter`.
    pub(crate) fn require(&self, name: &str) -> Result<&str, ApiError> {
        self.get(name).filter(|value| !value.is_empty()).ok_or_else(|| ApiError::missing(name))
    }

    /// A parameter that is a number or a truth value.
    ///
    /// # Errors
    /// `InvalidParameterValue`, when the text is not one.
    pub(crate) fn parsed<T: FromStr>(&self, name: &str) -> Result<Option<T>, ApiError> {
        let refuse = |text: &str| ApiError::invalid(format!("Value ({text}) for parameter {name} is invalid."));
        self.get(name).map(|text| text.parse().map_err(|_| refuse(text))).transpose()
    }

    /// A number by which a repeated request is told from another one.
    pub(crate) fn digest(&self) -> u64 {
        let bytes = self.0.iter().flat_map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes(), b"&"]).flatten();
        // FNV-1a: it tells mistakes apart, not attacks.
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
    }

    /// Whether any of the values is this text.
    pub(crate) fn names(&self, text: &str) -> bool {
        self.0.values().any(|value| value == text)
    }

    /// The same with another text in place of one, in the parameters whose names begin so.
    pub(crate) fn replacing_in(&self, prefix: &str, text: &str, other: &str) -> Self {
        let replaced = |(key, value): (&String, &String)| {
            let hits = key.starts_with(prefix) && value == text;
            (key.clone(), if hits { other.to_owned() } else { value.clone() })
        };
        Self(self.0.iter().map(replaced).collect())
    }

    /// Whether a parameter is `true`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    /// The values of a list of texts, in the order of their numbers.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        let items: BTreeMap<u32, &str> =
            self.below(name).filter_map(|(rest, value)| Some((rest.parse().ok()?, value))).collect();
        items.into_values().collect()
    }

    /// The elements of a list of structures, in the order of their numbers.
    pub(crate) fn structures(&self, name: &str) -> Vec<Self> {
        let mut items: BTreeMap<u32, Self> = BTreeMap::new();
        for (rest, value) in self.below(name) {
            if let Some((number, field)) = rest.split_once('.')
                && let Ok(number) = number.parse()
            {
                items.entry(number).or_default().0.insert(field.to_owned(), value.to_owned());
            }
        }
        items.into_values().collect()
    }

    /// The fields of one structure; empty when it was not sent.
    pub(crate) fn structure(&self, name: &str) -> Self {
        Self(self.dotted(name).map(|(rest, value)| (rest.to_owned(), value.to_owned())).collect())
    }

    /// What follows `name.` in the keys that start with it.
    fn dotted<'a>(&'a self, name: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0
            .range(name.to_owned()..)
            .take_while(move |(key, _)| key.starts_with(name))
            .filter_map(move |(key, value)| Some((key.strip_prefix(name)?.strip_prefix('.')?, value.as_str())))
    }

    /// What follows `name.`, or `name.member.`, in the keys that start with it.
    fn below<'a>(&'a self, name: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.dotted(name).map(|(rest, value)| (rest.strip_prefix("member.").unwrap_or(rest), value))
    }
}

/// Spells a JSON value as a form does.
fn spell(params: &mut BTreeMap<String, String>, name: &str, value: &Json) {
    let below = |part: &str| if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") };
    match value {
        Json::Null => {}
        Json::String(text) => drop(params.insert(name.to_owned(), text.clone())),
        Json::Bool(_) | Json::Number(_) => drop(params.insert(name.to_owned(), value.to_string())),
        Json::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                spell(params, &below(&format!("member.{}", place + 1)), item);
            }
        }
        Json::Object(fields) => fields.iter().for_each(|(part, value)| spell(params, &below(part), value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_in_the_order_of_their_numbers_in_both_protocols() {
        let params = Params::parse(b"VpcId.10=j&VpcId.2=b&VpcId.1=a&VpcIdx.1=no&Caps.member.2=y&Caps.member.1=x");
        assert_eq!(params.list("VpcId"), ["a", "b", "j"]);
        assert_eq!(params.list("Caps"), ["x", "y"]);
        assert!(params.list("Other").is_empty());
    }

    #[test]
    fn structures_keep_their_own_lists() {
        let params = Params::parse(b"Filter.1.Name=vpc-id&Filter.1.Value.1=a&Filter.1.Value.2=b&Filter.2.Name=state");
        let filters = params.structures("Filter");
        assert_eq!(filters.len(), 2);
        assert_eq!(filters[0].list("Value"), ["a", "b"]);
        assert_eq!(filters[1].get("Name"), Some("state"));
    }

    #[test]
    fn one_structure_is_told_from_names_that_only_start_alike() {
        let params = Params::parse(b"Options.Dns=true&OptionsMore=1");
        assert_eq!(params.structure("Options").get("Dns"), Some("true"));
        assert_eq!(params.structure("Opt"), Params::default());
    }

    #[test]
    fn json_is_spelt_as_a_form() {
        let body = br#"{"Name": "a", "Overwrite": true, "Names": ["x", "y"], "Tags": [{"Key": "k"}], "None": null}"#;
        let params = Params::from_json(body).unwrap();
        assert_eq!((params.get("Name"), params.flag("Overwrite"), params.get("None")), (Some("a"), true, None));
        assert_eq!(params.list("Names"), ["x", "y"]);
        assert_eq!(params.structures("Tags")[0].get("Key"), Some("k"));
        assert!(Params::from_json(b"[]").is_none() && Params::from_json(b"Name=a").is_none());
    }

    #[test]
    fn what_is_not_a_number_is_refused_with_its_name() {
        let error = Params::parse(b"MaxResults=many").parsed::<u32>("MaxResults").unwrap_err();
        assert_eq!(error.to_string(), "InvalidParameterValue: Value (many) for parameter MaxResults is invalid.");
    }
}
