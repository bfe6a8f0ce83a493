//! The health of a cluster: a shard that is down affects its channels only.

use crate::log::Health;

/// The health of the whole, with this many slots that no shard has.
pub(super) fn combined(shards: Vec<Health>, unassigned: usize) -> Health {
    let any_works = shards.contains(&Health::Ok);
    let problem = |health| match health {
        Health::Ok => None,
        Health::Partial(why) | Health::Degraded(why) => Some(why),
    };
    let mut problems: Vec<String> = shards.into_iter().filter_map(problem).collect();
    if unassigned > 0 {
        problems.push(format!("{unassigned} slots of the Redis Cluster belong to no shard"));
    }
    match (problems.is_empty(), any_works) {
        (true, true) => Health::Ok,
        (true, false) => Health::Degraded("the Redis Cluster has no shards".into()),
        (false, true) => Health::Partial(problems.join("; ")),
        (false, false) => Health::Degraded(problems.join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_shard_that_works_is_enough() {
        let down = |name: &str| Health::Degraded(format!("{name} is down"));
        assert_eq!(combined(vec![Health::Ok, Health::Ok], 0), Health::Ok);
        assert_eq!(combined(vec![down("a"), Health::Ok], 0), Health::Partial("a is down".into()));
        assert_eq!(combined(vec![down("a"), down("b")], 0), Health::Degraded("a is down; b is down".into()));
        let unassigned = "7 slots of the Redis Cluster belong to no shard";
        assert_eq!(combined(vec![Health::Ok], 7), Health::Partial(unassigned.into()));
        assert!(matches!(combined(vec![], 16_384), Health::Degraded(_)));
    }
}
