//! Names of things: nodes, accounts and regions.
//!
//! Each is a type of its own, so that an account's name in the plan cannot be passed where AWS's twelve digits are
//! meant. All are cheap to clone.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a node is. The set is closed: a new kind is a new file in `kinds` and a new variant here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A CloudFormation stack.
    Stack,
    /// A VPC peering connection with both of its sides.
    Peering,
    /// One destination and one target in any number of route tables.
    Route,
}

impl Kind {
    /// Every kind, in the order in which a plan usually declares them.
    pub const ALL: [Self; 3] = [Self::Stack, Self::Peering, Self::Route];

    /// The plan's table that declares nodes of this kind: `stacks`, `peerings` or `routes`.
    pub const fn table(self) -> &'static str {
        match self {
            Self::Stack => "stacks",
            Self::Peering => "peerings",
            Self::Route => "routes",
        }
    }

    /// The word for one such node in a sentence: `stack`, `peering` or `route`.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Stack => "stack",
            Self::Peering => "peering",
            Self::Route => "route",
        }
    }

    /// The kind that a plan's table declares, if it is such a table.
    pub fn from_table(table: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.table() == table)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.noun())
    }
}

/// The name of one node: `stacks.master`, or `stacks.spoke[dev]` for an instance of a group.
///
/// A group over keys and regions has both in its key, joined by a slash: `stacks.spoke[dev/us-west-2]`. Keys and
/// group names match `[A-Za-z0-9_.-]+`, so neither the brackets nor the slash can be part of one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId {
    /// The node's kind.
    pub kind: Kind,
    /// The name of the table below `[stacks]`, `[peerings]` or `[routes]`.
    pub group: Arc<str>,
    /// The instance within its group; `None` for a node that is declared by itself.
    pub key: Option<Arc<str>>,
}

impl NodeId {
    /// The name of a node that is declared by itself.
    pub fn single(kind: Kind, group: impl Into<Arc<str>>) -> Self {
        Self { kind, group: group.into(), key: None }
    }

    /// The name of one instance of a group.
    pub fn instance(kind: Kind, group: impl Into<Arc<str>>, key: impl Into<Arc<str>>) -> Self {
        Self { kind, group: group.into(), key: Some(key.into()) }
    }

    /// The value of the `orch:node` tag: `stacks/spoke/dev`. It holds no brackets, because CloudFormation copies a
    /// stack's tags to its resources, and IAM and Lambda refuse brackets in tag values.
    pub fn tag(&self) -> String {
        match &self.key {
            Some(key) => format!("{}/{}/{key}", self.kind.table(), self.group),
            None => format!("{}/{}", self.kind.table(), self.group),
        }
    }

    /// The node whose `orch:node` tag this is; `None` if it is no node's.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let (table, rest) = tag.split_once('/')?;
        let kind = Kind::from_table(table)?;
        // A key may hold a slash, a group's name never does.
        let (group, key) = match rest.split_once('/') {
            Some((group, key)) => (group, Some(key)),
            None => (rest, None),
        };
        let is_whole = !group.is_empty() && key.is_none_or(|key| !key.is_empty());
        is_whole.then(|| Self { kind, group: group.into(), key: key.map(Into::into) })
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.kind.table(), self.group)?;
        match &self.key {
            Some(key) => write!(f, "[{key}]"),
            None => Ok(()),
        }
    }
}

/// A text that is not the name of a node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a node: write stacks.NAME, peerings.NAME or routes.NAME, with [KEY] for one instance of a group")]
pub struct NotANode(String);

impl FromStr for NodeId {
    type Err = NotANode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || NotANode(text.to_owned());
        let (table, rest) = text.split_once('.').ok_or_else(refuse)?;
        let kind = Kind::from_table(table).ok_or_else(refuse)?;
        let (group, key) = match rest.split_once('[') {
            Some((group, key)) => {
                (group, Some(key.strip_suffix(']').filter(|key| !key.is_empty()).ok_or_else(refuse)?))
            }
            None => (rest, None),
        };
        if group.is_empty() || group.contains(']') {
            return Err(refuse());
        }
        Ok(Self { kind, group: group.into(), key: key.map(Into::into) })
    }
}

impl Serialize for NodeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NodeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Declares a name: a cheap, ordered, printable text with a type of its own.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

/// Declares that any text is a valid name.
macro_rules! from_text {
    ($name:ident) => {
        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }
    };
}

name! {
    /// What the plan calls an account: the key below `[accounts]`.
    AccountName
}
from_text!(AccountName);

name! {
    /// A region by its code: `us-east-1`.
    Region
}
from_text!(Region);

/// The partitions: how the codes of their regions begin, their names and the domain of their addresses. What follows in a
/// code is a word and a number. These are the partitions of the SDK's endpoint rules.
const PARTITIONS: [(&[&str], &str, &str); 8] = [
    (&["us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx"], "aws", "amazonaws.com"),
    (&["cn"], "aws-cn", "amazonaws.com.cn"),
    (&["us-gov"], "aws-us-gov", "amazonaws.com"),
    (&["eusc-de"], "aws-eusc", "amazonaws.eu"),
    (&["us-iso"], "aws-iso", "c2s.ic.gov"),
    (&["us-isob"], "aws-iso-b", "sc2s.sgov.gov"),
    (&["eu-isoe"], "aws-iso-e", "cloud.adc-e.uk"),
    (&["us-isof"], "aws-iso-f", "csp.hci.ic.gov"),
];

impl Region {
    /// The partition that the region belongs to, by the form of its code: `aws`, `aws-us-gov`, `aws-cn`, … For a code of a
    /// form that is not known, it is `aws`, as for the SDK.
    ///
    /// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>.
    pub fn partition(&self) -> &'static str {
        self.known_partition().unwrap_or("aws")
    }

    /// The partition that the region belongs to; `None` for a code of a form that is not known.
    pub fn known_partition(&self) -> Option<&'static str> {
        Some(self.row()?.1)
    }

    /// The domain of the partition's addresses, which CloudFormation calls `AWS::URLSuffix`; `None` for a code of a form
    /// that is not known.
    pub fn url_suffix(&self) -> Option<&'static str> {
        Some(self.row()?.2)
    }

    fn row(&self) -> Option<(&'static [&'static str], &'static str, &'static str)> {
        let (rest, number) = self.0.rsplit_once('-')?;
        let (prefix, word) = rest.rsplit_once('-')?;
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let is_word = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        PARTITIONS.into_iter().find(|row| is_number && is_word && row.0.contains(&prefix))
    }
}

name! {
    /// An AWS account's twelve digits.
    AccountId
}

/// A text that is not an account id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an AWS account id: it has twelve digits")]
pub struct NotAnAccountId(String);

impl FromStr for AccountId {
    type Err = NotAnAccountId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(text.into()))
        } else {
            Err(NotAnAccountId(text.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_id_reads_back_from_what_it_shows() {
        for text in ["stacks.master", "stacks.spoke[dev]", "routes.spoke-to-hub[dev/us-west-2]", "peerings.a.b[c.d]"] {
            assert_eq!(text.parse::<NodeId>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_not_a_node_id_is_refused() {
        for text in ["", "master", "stack.master", "stacks.", "stacks.spoke[", "stacks.spoke[]", "stacks.spoke]"] {
            assert!(text.parse::<NodeId>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_tag_holds_no_brackets() {
        assert_eq!("stacks.spoke[dev]".parse::<NodeId>().unwrap().tag(), "stacks/spoke/dev");
        assert_eq!("stacks.master".parse::<NodeId>().unwrap().tag(), "stacks/master");
    }

    #[test]
    fn a_node_is_read_back_from_its_tag() {
        for text in ["stacks.master", "stacks.spoke[dev]", "peerings.a.b[dev/us-west-2]"] {
            let node: NodeId = text.parse().unwrap();
            assert_eq!(NodeId::from_tag(&node.tag()), Some(node));
        }
        for text in ["", "stacks", "stacks/", "stacks/a/", "lambdas/a", "stacks.a"] {
            assert_eq!(NodeId::from_tag(text), None, "{text}");
        }
    }

    #[test]
    fn an_account_id_has_twelve_digits() {
        assert!("111111111111".parse::<AccountId>().is_ok());
        for text in ["", "11111111111", "1111111111111", "11111111111a", "１１１１"] {
            assert!(text.parse::<AccountId>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_partition_follows_the_region() {
        for (region, partition, suffix) in [
            ("us-east-1", "aws", "amazonaws.com"),
            ("mx-central-1", "aws", "amazonaws.com"),
            ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
            ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
            ("eusc-de-east-1", "aws-eusc", "amazonaws.eu"),
            ("us-iso-east-1", "aws-iso", "c2s.ic.gov"),
            ("us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov"),
            ("eu-isoe-west-1", "aws-iso-e", "cloud.adc-e.uk"),
            ("us-isof-south-1", "aws-iso-f", "csp.hci.ic.gov"),
        ] {
            let region = Region::from(region);
            assert_eq!((region.partition(), region.url_suffix()), (partition, Some(suffix)), "{region}");
        }
        for unknown in ["", "moon", "us-east", "us-east-a", "us--1", "xy-north-1", "us-new-east-1"] {
            let region = Region::from(unknown);
            assert_eq!((region.partition(), region.known_partition(), region.url_suffix()), ("aws", None, None));
        }
    }
}
