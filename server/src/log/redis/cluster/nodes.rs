//! What one node of a cluster knows about all of them: the answer to `CLUSTER NODES`.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::slots;

/// The id of a node, which survives restarts and failovers.
pub(super) type NodeId = Arc<str>;

/// Where a node listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::log::redis) struct HostPort {
    pub host: String,
    pub port: u16,
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// A node, as a node describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub id: NodeId,
    pub address: HostPort,
    /// The configuration epoch of the node, or of its primary. Of two that claim a slot, the greater one wins.
    pub epoch: u64,
    pub role: Role,
    /// Whether the node describes itself.
    pub is_itself: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Primary { slots: Vec<RangeInclusive<u16>> },
    Replica { of: NodeId },
}

/// How the nodes' addresses are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading<'a> {
    /// The host that was asked. A node that does not know its own address leaves that out.
    pub asked: &'a str,
    /// Whether to prefer the names that nodes announce: their certificates name no addresses, as a rule.
    pub names: bool,
}

/// The nodes of an answer, except for those that have no address.
pub(super) fn parse(answer: &str, reading: Reading<'_>) -> Vec<Node> {
    answer.lines().filter_map(|line| node(line, reading)).collect()
}

/// `id host:port@bus,name flags primary ping pong epoch link slots…`
fn node(line: &str, reading: Reading<'_>) -> Option<Node> {
    let mut fields = line.split(' ');
    let (id, address, flags, primary) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let epoch = fields.nth(2)?.parse().ok()?;
    let _link = fields.next()?;
    let has = |flag| flags.split(',').any(|found| found == flag);
    if has("noaddr") || has("handshake") {
        return None;
    }
    let role = match has("slave") {
        true => Role::Replica { of: primary.into() },
        false => Role::Primary { slots: fields.filter_map(range).collect() },
    };
    let is_itself = has("myself");
    Some(Node { id: id.into(), address: host_port(address, reading)?, epoch, role, is_itself })
}

fn host_port(text: &str, reading: Reading<'_>) -> Option<HostPort> {
    let mut parts = text.split(',');
    let (address, name) = (parts.next()?, parts.next().unwrap_or_default());
    let (host, port) = address.split('@').next()?.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port != 0)?;
    // Other values may follow the name, such as `shard-id=…`.
    let is_named = reading.names && !name.is_empty() && !name.contains('=');
    let host = match (is_named, host) {
        (true, _) => name,
        (false, "") => reading.asked,
        (false, host) => host,
    };
    Some(HostPort { host: host.into(), port })
}

/// `7` or `7-9`. `[7->-id]` and `[7-<-id]` are slots that are moving: they still belong to the source.
fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (last < slots::COUNT).then_some(first..=last)
}

#[cfg(test)]
mod tests {
    use super::*;

    const READING: Reading<'_> = Reading { asked: "asked", names: false };

    fn one(line: &str, reading: Reading<'_>) -> Option<Node> {
        parse(line, reading).pop()
    }

    #[test]
    fn nodes_have_roles_and_slots() {
        let answer = "\
            a 10.0.0.1:7001@17001 myself,master - 0 0 3 connected 0-5 7 [8->-b] [9-<-b]\n\
            b 10.0.0.2:7002@17002,b.example,shard-id=x slave a 0 1 3 disconnected\n\
            c 10.0.0.3:7003@17003 master,fail - 1 2 2 disconnected 16383\n\
            d :0@0 master,noaddr - 1 2 2 disconnected 100\n\
            e 10.0.0.5:7005@17005 handshake - 1 2 0 disconnected\n\
            broken\n";
        let nodes = parse(answer, READING);
        let ids: Vec<_> = nodes.iter().map(|node| &*node.id).collect();
        assert_eq!(ids, ["a", "b", "c"]);
        assert_eq!(nodes[0].role, Role::Primary { slots: vec![0..=5, 7..=7] });
        assert_eq!(nodes[1].role, Role::Replica { of: "a".into() });
        assert_eq!(nodes[2].role, Role::Primary { slots: vec![16383..=16383] });
        assert_eq!((nodes[0].epoch, nodes[0].is_itself, nodes[1].is_itself), (3, true, false));
        assert_eq!(nodes[1].address.to_string(), "10.0.0.2:7002");
    }

    #[test]
    fn addresses_have_many_forms() {
        let named = Reading { names: true, ..READING };
        for (address, reading, expected) in [
            (":7001@17001", READING, Some("asked:7001")),
            ("::1:7001@17001", READING, Some("[::1]:7001")),
            ("10.0.0.1:7001", READING, Some("10.0.0.1:7001")),
            ("10.0.0.1:7001@17001,n1", READING, Some("10.0.0.1:7001")),
            ("10.0.0.1:7001@17001,n1", named, Some("n1:7001")),
            ("10.0.0.1:7001@17001,,shard-id=x", named, Some("10.0.0.1:7001")),
            ("10.0.0.1:7001@17001,shard-id=x", named, Some("10.0.0.1:7001")),
            ("10.0.0.1:0@17001", READING, None),
            ("nothing", READING, None),
        ] {
            let node = one(&format!("a {address} master - 0 0 1 connected"), reading);
            assert_eq!(node.map(|node| node.address.to_string()).as_deref(), expected, "{address}");
        }
    }

    #[test]
    fn slots_beyond_the_last_one_are_ignored() {
        let node = one("a h:1 master - 0 0 1 connected 16384 1-99999 x-y 3-4", READING).unwrap();
        assert_eq!(node.role, Role::Primary { slots: vec![3..=4] });
    }
}
