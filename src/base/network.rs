//! Ranges of addresses of the net, as `192.0.2.0/24` or `2001:db8::/32`.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A range of addresses; one alone is a range of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

impl Network {
    /// Reads a range, or one address.
    ///
    /// # Errors
    /// In words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let range = text.parse::<IpNet>();
        let range = range.or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        match range {
            Ok(range) if range.addr() == range.network() => Ok(Self(range)),
            Ok(range) => Err(format!("must begin at its first address, {}", range.trunc())),
            Err(_) => Err("must be a range of addresses such as 192.0.2.0/24 or 2001:db8::/32".to_owned()),
        }
    }

    /// Whether the address lies in it; one of version 4 that is written in version 6 is what it is.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

text_schema!(Network, Some("cidr"), "A range of addresses of the net");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_its_addresses_alone() {
        let holds = |range: &str, address: &str| Network::parse(range).unwrap().holds(address.parse().unwrap());
        assert!(holds("192.0.2.0/24", "192.0.2.255") && !holds("192.0.2.0/24", "192.0.3.0"));
        assert!(holds("192.0.2.7", "192.0.2.7") && !holds("192.0.2.7", "192.0.2.8"));
        assert!(holds("192.0.2.0/24", "::ffff:192.0.2.1"));
        assert!(holds("2001:db8::/32", "2001:db8:ffff::1") && !holds("2001:db8::/32", "2001:db9::"));
        for bad in ["", "192.0.2.1/24", "192.0.2.0/33", "host.example", "192.0.2", "::/129"] {
            assert!(Network::parse(bad).is_err(), "{bad}");
        }
    }
}
