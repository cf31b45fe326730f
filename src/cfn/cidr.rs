//! `Fn::Cidr`: equal address ranges within one.
//!
//! See <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-cidr.html>.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Why a range cannot be divided so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CidrError {
    /// The block is not an address range.
    #[error("`{0}` is not a CIDR block")]
    NotABlock(String),
    /// CloudFormation gives 1 to 256 ranges.
    #[error("the count of CIDRs must be between 1 and 256, not {0}")]
    Count(u64),
    /// The ranges asked for are larger than the block itself, or smaller than an address.
    #[error("{bits} subnet bits do not fit into {block}")]
    Bits {
        /// The block.
        block: IpNet,
        /// The bits of each range's own addresses.
        bits: u64,
    },
    /// The block has no room for so many.
    #[error("{block} has no room for {count} CIDRs with {bits} subnet bits")]
    Room {
        /// The block.
        block: IpNet,
        /// How many ranges are asked for.
        count: u64,
        /// The bits of each range's own addresses.
        bits: u64,
    },
}

/// The first `count` ranges with `bits` bits of addresses each: 8 bits are a /24 in IPv4.
///
/// # Errors
///
/// See [`CidrError`].
pub fn divide(block: &str, count: u64, bits: u64) -> Result<Vec<String>, CidrError> {
    let block: IpNet = block.parse().map_err(|_| CidrError::NotABlock(block.to_owned()))?;
    let block = block.trunc();
    if !(1..=256).contains(&count) {
        return Err(CidrError::Count(count));
    }
    let prefix = u64::from(block.max_prefix_len())
        .checked_sub(bits)
        .and_then(|prefix| u8::try_from(prefix).ok())
        .filter(|prefix| *prefix >= block.prefix_len())
        .ok_or(CidrError::Bits { block, bits })?;
    let ranges = u32::from(prefix - block.prefix_len());
    if ranges < 64 && count > 1 << ranges {
        return Err(CidrError::Room { block, count, bits });
    }
    let range = |index: u64| match block {
        // `bits` is below 32 or 128 wherever `index` is not zero, and the room was checked: neither line can overflow.
        IpNet::V4(net) => {
            let offset = (index as u32).checked_shl(bits as u32).unwrap_or(0);
            Ipv4Net::new((u32::from(net.network()) + offset).into(), prefix).map(IpNet::V4)
        }
        IpNet::V6(net) => {
            let offset = u128::from(index).checked_shl(bits as u32).unwrap_or(0);
            Ipv6Net::new((u128::from(net.network()) + offset).into(), prefix).map(IpNet::V6)
        }
    };
    (0..count)
        .map(|index| range(index).map(|net| net.to_string()).map_err(|_| CidrError::Bits { block, bits }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_divided_from_its_start() {
        assert_eq!(divide("10.0.0.0/20", 3, 8).unwrap(), ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"]);
        assert_eq!(divide("192.168.0.0/24", 6, 5).unwrap()[5], "192.168.0.160/27");
        assert_eq!(divide("2001:db8:1234:1a00::/56", 2, 64).unwrap()[1], "2001:db8:1234:1a01::/64");
        assert_eq!(divide("0.0.0.0/0", 1, 32).unwrap(), ["0.0.0.0/0"]);
        assert_eq!(divide("255.255.255.0/24", 256, 0).unwrap()[255], "255.255.255.255/32");
        assert_eq!(divide("ffff::/16", 256, 104).unwrap()[255], "ffff:ff00::/24");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(matches!(divide("10.0.0.0/20", 17, 8), Err(CidrError::Room { .. })));
        assert!(matches!(divide("10.0.0.0/28", 1, 8), Err(CidrError::Bits { .. })));
        assert!(matches!(divide("10.0.0.0/28", 1, 33), Err(CidrError::Bits { .. })));
        assert!(matches!(divide("10.0.0.0/8", 257, 8), Err(CidrError::Count(257))));
        assert!(matches!(divide("10.0.0.0/8", 0, 8), Err(CidrError::Count(0))));
        assert!(matches!(divide("10.0.0.0", 1, 8), Err(CidrError::NotABlock(_))));
    }
}
