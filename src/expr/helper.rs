//! The helpers: pure functions from values to a value.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use serde_json::Value as Json;

/// The longest text that an expression makes, in bytes: AWS takes far less of anything, and a text that is put
/// together of itself doubles.
pub(super) const MAX_TEXT: usize = 1024 * 1024;

/// A pure function that an expression may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Helper {
    /// `split TEXT [SEPARATOR]`: a list of the text's parts, by commas unless a separator is given. Spaces around a
    /// part go; an empty text is an empty list. CloudFormation gives list outputs as comma-separated text.
    Split,
    /// `join LIST [SEPARATOR]`: one text, with commas unless a separator is given.
    Join,
    /// `select LIST INDEX`: one element of a list, counted from zero as by `Fn::Select`.
    Select,
    /// `lower TEXT`: in small letters.
    Lower,
    /// `upper TEXT`: in capital letters.
    Upper,
    /// `subnet BASE PREFIX INDEX`: the INDEX-th network of PREFIX bits inside the network BASE, counted from zero, for
    /// IPv4 and IPv6: `subnet "10.0.0.0/20" 24 1` is `10.0.1.0/24`.
    Subnet,
    /// `eq A B`: whether two values are the same; for `{{#if (eq …)}}`.
    Eq,
}

impl Helper {
    /// Every helper.
    pub const ALL: [Self; 7] =
        [Self::Split, Self::Join, Self::Select, Self::Lower, Self::Upper, Self::Subnet, Self::Eq];

    /// The name in an expression.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Split => "split",
            Self::Join => "join",
            Self::Select => "select",
            Self::Lower => "lower",
            Self::Upper => "upper",
            Self::Subnet => "subnet",
            Self::Eq => "eq",
        }
    }

    /// How it is called, for help texts.
    pub const fn usage(self) -> &'static str {
        match self {
            Self::Split => "split TEXT [SEPARATOR]",
            Self::Join => "join LIST [SEPARATOR]",
            Self::Select => "select LIST INDEX",
            Self::Lower => "lower TEXT",
            Self::Upper => "upper TEXT",
            Self::Subnet => "subnet BASE PREFIX INDEX",
            Self::Eq => "eq A B",
        }
    }

    /// The helper of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|helper| helper.name() == name)
    }

    /// Whether it can be called with so many arguments.
    pub const fn takes(self, arguments: usize) -> bool {
        match self {
            Self::Split | Self::Join => matches!(arguments, 1 | 2),
            Self::Select | Self::Eq => arguments == 2,
            Self::Lower | Self::Upper => arguments == 1,
            Self::Subnet => arguments == 3,
        }
    }

    /// The function itself. The error says which argument is of the wrong type.
    pub(super) fn call(self, arguments: &[Json]) -> Result<Json, String> {
        match self {
            Self::Split => {
                let separator = self.separator(arguments)?;
                let text = self.text(arguments, 0)?;
                if separator.is_empty() {
                    return Err("`split` needs a separator that is not empty".to_owned());
                }
                if text.trim().is_empty() {
                    return Ok(Json::Array(Vec::new()));
                }
                Ok(text.split(separator).map(|part| Json::from(part.trim())).collect())
            }
            Self::Join => {
                let separator = self.separator(arguments)?;
                let parts = self.list(arguments)?.iter().map(plain).collect::<Option<Vec<_>>>();
                let parts = parts.ok_or("`join` cannot join lists or tables inside a list")?;
                let between = separator.len().saturating_mul(parts.len());
                if parts.iter().fold(between, |sum, part| sum.saturating_add(part.len())) > MAX_TEXT {
                    return Err(format!("`join` would give a text of more than {MAX_TEXT} bytes"));
                }
                Ok(parts.join(separator).into())
            }
            Self::Select => {
                let list = self.list(arguments)?;
                let index =
                    arguments.get(1).and_then(Json::as_u64).ok_or_else(|| self.needs("an index from zero upwards"))?;
                let found = usize::try_from(index).ok().and_then(|index| list.get(index));
                found.cloned().ok_or_else(|| format!("a list of {} has no element {index}, counted from 0", list.len()))
            }
            Self::Lower => Ok(self.text(arguments, 0)?.to_lowercase().into()),
            Self::Upper => Ok(self.text(arguments, 0)?.to_uppercase().into()),
            Self::Subnet => {
                let base = self.text(arguments, 0)?;
                let number = |index: usize| {
                    let number = arguments.get(index).and_then(Json::as_u64);
                    number.ok_or_else(|| self.needs("whole numbers"))
                };
                subnet(base, number(1)?, number(2)?).map(|network| network.to_string().into())
            }
            Self::Eq => Ok((arguments.first() == arguments.get(1)).into()),
        }
    }

    /// The error of a wrong argument.
    pub(super) fn needs(self, what: &str) -> String {
        format!("`{}` needs {what}", self.name())
    }

    fn text(self, arguments: &[Json], index: usize) -> Result<&str, String> {
        arguments.get(index).and_then(Json::as_str).ok_or_else(|| self.needs("a text"))
    }

    fn list(self, arguments: &[Json]) -> Result<&[Json], String> {
        let list = arguments.first().and_then(Json::as_array);
        list.map(Vec::as_slice).ok_or_else(|| self.needs("a list"))
    }

    fn separator(self, arguments: &[Json]) -> Result<&str, String> {
        if arguments.len() > 1 { self.text(arguments, 1) } else { Ok(",") }
    }
}

/// The `index`-th network of `prefix` bits inside `base`.
fn subnet(base: &str, prefix: u64, index: u64) -> Result<IpNet, String> {
    let network: IpNet = base.parse().map_err(|_| format!("`{base}` is not a network such as 10.0.0.0/16"))?;
    let fits =
        u8::try_from(prefix).ok().filter(|prefix| (network.prefix_len()..=network.max_prefix_len()).contains(prefix));
    let Some(prefix) = fits else {
        let (least, most) = (network.prefix_len(), network.max_prefix_len());
        return Err(format!("{base} has no networks of /{prefix}: from /{least} to /{most} fit into it"));
    };
    let room = u32::from(prefix - network.prefix_len());
    if 1_u128.checked_shl(room).is_some_and(|count| u128::from(index) >= count) {
        return Err(format!(
            "{base} has {} networks of /{prefix}, counted from 0: there is no {index}",
            1_u128 << room
        ));
    }
    let host_bits = u32::from(network.max_prefix_len() - prefix);
    // A network of all 128 host bits has the index 0 alone.
    let offset = u128::from(index).checked_shl(host_bits).unwrap_or(0);
    let address = match network.network() {
        IpAddr::V4(first) => {
            let offset = u32::try_from(offset).map_err(|_| format!("{base} ends before that network"))?;
            IpAddr::V4(Ipv4Addr::from(u32::from(first) | offset))
        }
        IpAddr::V6(first) => IpAddr::V6(Ipv6Addr::from(u128::from(first) | offset)),
    };
    IpNet::new(address, prefix).map_err(|error| error.to_string())
}

/// A value as it stands in the middle of a text; `None` for lists and tables, which have no one way to be written.
pub(super) fn plain(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(truth) => Some(truth.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn split_gives_the_trimmed_parts() {
        assert_eq!(Helper::Split.call(&[json!("a, b,c")]), Ok(json!(["a", "b", "c"])));
        assert_eq!(Helper::Split.call(&[json!("a|b"), json!("|")]), Ok(json!(["a", "b"])));
        assert_eq!(Helper::Split.call(&[json!("")]), Ok(json!([])));
        assert!(Helper::Split.call(&[json!(["a"])]).is_err());
        assert!(Helper::Split.call(&[json!("a"), json!("")]).is_err());
    }

    #[test]
    fn join_undoes_split() {
        assert_eq!(Helper::Join.call(&[json!(["a", 1, true])]), Ok(json!("a,1,true")));
        assert_eq!(Helper::Join.call(&[json!(["a", "b"]), json!("-")]), Ok(json!("a-b")));
        assert!(Helper::Join.call(&[json!([["a"]])]).is_err());
    }

    #[test]
    fn select_counts_from_zero_and_stays_inside() {
        assert_eq!(Helper::Select.call(&[json!(["a", "b"]), json!(1)]), Ok(json!("b")));
        assert!(Helper::Select.call(&[json!(["a"]), json!(1)]).is_err());
        assert!(Helper::Select.call(&[json!(["a"]), json!(-1)]).is_err());
    }

    #[test]
    fn subnets_are_cut_in_order_and_stay_inside() {
        let subnet =
            |base: &str, prefix: u64, index: u64| Helper::Subnet.call(&[json!(base), json!(prefix), json!(index)]);
        assert_eq!(subnet("10.0.0.0/20", 24, 0), Ok(json!("10.0.0.0/24")));
        assert_eq!(subnet("10.0.0.0/20", 24, 15), Ok(json!("10.0.15.0/24")));
        assert_eq!(subnet("10.0.0.0/20", 20, 0), Ok(json!("10.0.0.0/20")));
        assert_eq!(subnet("0.0.0.0/0", 32, 4_294_967_295), Ok(json!("255.255.255.255/32")));
        assert_eq!(subnet("fd00::/56", 64, 255), Ok(json!("fd00:0:0:ff::/64")));
        assert_eq!(subnet("::/0", 0, 0), Ok(json!("::/0")));
        assert_eq!(subnet("::/0", 128, u64::MAX), Ok(json!("::ffff:ffff:ffff:ffff/128")));
        let refused = |base, prefix, index| subnet(base, prefix, index).unwrap_err();
        assert_eq!(
            refused("10.0.0.0/20", 24, 16),
            "10.0.0.0/20 has 16 networks of /24, counted from 0: there is no 16"
        );
        assert_eq!(refused("10.0.0.0/20", 16, 0), "10.0.0.0/20 has no networks of /16: from /20 to /32 fit into it");
        assert_eq!(refused("10.0.0.0/20", 33, 0), "10.0.0.0/20 has no networks of /33: from /20 to /32 fit into it");
        assert_eq!(refused("::/0", 0, 1), "::/0 has 1 networks of /0, counted from 0: there is no 1");
        assert_eq!(refused("10.0.0.0", 24, 0), "`10.0.0.0` is not a network such as 10.0.0.0/16");
        assert!(Helper::Subnet.call(&[json!("10.0.0.0/20"), json!("24"), json!(0)]).is_err());
    }

    #[test]
    fn letters_change_their_case_and_values_are_compared() {
        assert_eq!(Helper::Lower.call(&[json!("Ab")]), Ok(json!("ab")));
        assert_eq!(Helper::Upper.call(&[json!("Ab")]), Ok(json!("AB")));
        assert_eq!(Helper::Eq.call(&[json!("a"), json!("a")]), Ok(json!(true)));
        assert_eq!(Helper::Eq.call(&[json!("1"), json!(1)]), Ok(json!(false)));
    }
}
