//! Worlds that once found a bug, and which bug. What a seed does changes with the model, so each bug also has a
//! test of its own in `tests/session`.

use crate::shrink::faults_from_json;
use crate::sweep::sweep;

/// What it found, the seed, and the world, made small (`shrink`) where that was still possible.
const REGRESSIONS: [(&str, u64, &str); 8] = [
    (
        "dropped buffered messages were not counted",
        5,
        r#"{"app_slow_ms_max":3000,"append_every_ms":20,"append_then_crash":5,"channels":2,
         "clients":3,"clock_jump":3,"crash":47,"cut":76,"fan_out_delay_ms_max":500,
         "interleave":true,"latency_ms_max":1,"live_queue_max":50,"nack_for_good":33,
         "nack_for_now":116,"page_delay_ms_max":1000,"page_messages_max":42,
         "queue_messages_max":3,"reload":18,"replay_credit":1,"replay_everything":21,
         "resubscribe":15,"skip_messages":30,"stall":17,"token_expires":27,"token_fails":66,
         "token_refused":102,"too_fast":79,"trim":12,"faults_ms":66966}"#,
    ),
    (
        "a drain before the welcome was not obeyed",
        55,
        r#"{"app_hangs":12,"append_every_ms":100,"append_then_crash":19,"clients":3,"crash":18,
         "crash_new_epoch":284,"crash_rewinds":370,"cut":15,"drain":20,"fan_out_delay_ms_max":1,
         "freeze":14,"half_open":13,"has_token":true,"interleave":true,"latency_ms_max":1,
         "live_queue_max":5,"log_error":20,"nack_for_now":28,"new_epoch_while_up":12,
         "no_welcome":86,"page_delay_ms_max":50,"page_messages_max":1,"publish_every_ms":5000,
         "queue_messages_max":3,"reload":17,"replay_credit":20,"resubscribe":37,"suspend":15,
         "throttle":5,"token_expires":21,"token_refused":90,"faults_ms":79778,"wake":110}"#,
    ),
    (
        "a paused publication behind 64 unanswered ones kept the timeout going for ever",
        79,
        r#"{"append_every_ms":100,"append_then_crash":42,"channels":2,"clients":3,"clock_jump":17,
         "crash_new_epoch":178,"drain":12,"fan_out_delay_ms_max":1,"half_open":23,"hide":25,
         "interleave":true,"latency_ms_max":1500,"lose_messages":16,"nack_for_good":96,
         "nack_for_now":130,"no_welcome":26,"page_messages_max":3,"publish_every_ms":200,
         "queue_messages_max":3,"replay_credit":5,"replay_overlap":19,"suspend":13,"throttle":6,
         "token_expires":18,"faults_ms":83963}"#,
    ),
    (
        "what was processed before a rewind was acknowledged after it",
        249,
        r#"{"app_slow_ms_max":10000,"crash_rewinds":526,"drain":13,"faults_ms":22481}"#,
    ),
    (
        "the answer to an earlier subscription was taken",
        756,
        r#"{"has_token":true,"latency_ms_max":1500,"new_epoch_while_up":20,"replay_credit":5,
         "skip_messages":97,"faults_ms":11673}"#,
    ),
    (
        "what had found no room beside the replay was reported as a gap",
        1_129,
        r#"{"app_hangs":17,"app_slow_ms_max":10000,"append_every_ms":100,"channels":2,"clients":2,
         "clock_jump":10,"connect_hangs":57,"connect_refused":40,"connect_slow":277,
         "crash_rewinds":536,"fan_out_delay_ms_max":50,"freeze":20,"has_token":true,"hide":79,
         "interleave":true,"latency_ms_max":1500,"live_queue_max":50,"lose_messages":5,
         "nack_for_good":17,"new_epoch_while_up":4,"no_welcome":87,"page_delay_ms_max":50,
         "page_messages_max":3,"reload":5,"replay_credit":1,"replay_everything":93,
         "replay_overlap":375,"resubscribe":46,"skip_messages":28,"throttle":5,"trim":68,
         "faults_ms":31021}"#,
    ),
    (
        "a rewind acknowledged what still waited, by the offset of an earlier epoch",
        2_503,
        r#"{"app_hangs":12,"app_slow_ms_max":500,"append_every_ms":3000,"channels":2,"clients":3,
         "connect_hangs":121,"connect_refused":16,"crash_rewinds":414,"drain":12,"duplicate":47,
         "fan_out_delay_ms_max":1,"half_open":18,"interleave":true,"latency_ms_max":1,
         "nack_for_good":18,"nack_for_now":195,"new_epoch_while_up":12,"page_delay_ms_max":50,
         "page_messages_max":21,"replay_credit":5,"replay_overlap":240,"resubscribe":21,
         "stall":26,"token_expires":25,"token_fails":129,"faults_ms":82187,"wake":158}"#,
    ),
    (
        "a gap of before a rewind was acknowledged after it",
        15_500,
        r#"{"app_hangs":3,"app_slow_ms_max":10000,"append_every_ms":3000,"channels":2,"clients":3,
         "connect_refused":79,"connect_slow":22,"crash":46,"crash_rewinds":340,"drain":19,
         "duplicate":118,"fan_out_delay_ms_max":1,"half_open":15,"latency_ms_max":200,
         "live_queue_max":5,"log_error":6,"nack_for_now":4,"new_epoch_while_up":8,
         "no_welcome":85,"page_delay_ms_max":50,"page_messages_max":26,"replay_credit":1,
         "replay_everything":60,"replay_overlap":134,"resubscribe":35,"skip_messages":80,
         "token_expires":21,"token_fails":84,"token_refused":91,"trim":92,"faults_ms":78789,
         "wake":194}"#,
    ),
];

#[test]
fn regressions() {
    for (found, seed, world) in REGRESSIONS {
        println!("seed {seed} once found: {found}");
        sweep(seed..seed + 1, Some(&faults_from_json(world)));
    }
}
