//! Messages: each once, in order, whatever happens to the connection.

use futures::future;
use seamline::{DiagnosticKind, Item, ReasonCode, StartFrom, State};

use crate::support::*;

#[conversation]
async fn dropped_sockets_neither_lose_nor_repeat_messages() {
    const MESSAGES: u64 = 300;
    let room = name("room");
    let publisher = client();
    let reader_id = name("reader");
    let reader = connect(builder(&reader_id));
    let mut channel = reader.channel(&room, StartFrom::Start).unwrap();

    let publishing = async {
        for number in 1..=MESSAGES {
            let at = publisher.publish(&room, &number).await.unwrap();
            assert_eq!(at.offset, number);
            if number % 50 == 0 {
                cut(&reader_id).await;
            }
        }
    };
    let reading = async {
        for number in 1..=MESSAGES {
            let message = next_message(&mut channel).await;
            assert_eq!((message.offset, message.json::<u64>().unwrap()), (number, number));
        }
    };
    future::join(publishing, reading).await;
    let stats = reader.stats();
    assert_eq!((stats.delivered, stats.gaps), (MESSAGES, 0));
    assert!(stats.connects > 1, "the socket was cut, and another one opened");
}

#[conversation]
async fn asking_for_the_next_message_processes_the_last() {
    let room = name("room");
    let client = client();
    let mut channel = client.channel(&room, StartFrom::Start).unwrap();
    client.publish(&room, "first").await.unwrap();
    client.publish(&room, "second").await.unwrap();

    let first = next_message(&mut channel).await;
    assert_eq!(channel.position().map(|at| at.offset), Some(0), "it is still being worked on");
    next_message(&mut channel).await;
    assert_eq!(channel.position().map(|at| at.offset), Some(1));
    assert_eq!(channel.last_message_id().map(|id| id.to_string()), Some(first.id));
}

#[conversation]
async fn a_client_id_resumes_at_the_first_unprocessed_message() {
    let room = name("room");
    let publisher = client();
    let id = name("reader");
    let reader = connect(builder(&id));
    let mut channel = reader.channel(&room, StartFrom::Start).unwrap();
    for number in 1..=3 {
        publisher.publish(&room, &number).await.unwrap();
    }
    next_message(&mut channel).await;
    next_message(&mut channel).await; // the first one is processed now
    reader.close();
    drop((channel, reader));

    let again = connect(builder(&id));
    let mut channel = again.channel(&room, StartFrom::Stored).unwrap();
    assert_eq!(next_message(&mut channel).await.offset, 2);
}

#[conversation]
async fn a_channel_resumes_after_a_position() {
    let room = name("room");
    let client = client();
    for number in 1..=3 {
        client.publish(&room, &number).await.unwrap();
    }
    let mut channel = client.channel(&room, StartFrom::Start).unwrap();
    next_message(&mut channel).await;
    next_message(&mut channel).await;
    let position = channel.position().unwrap();
    drop(channel);

    let mut channel = client.channel(&room, StartFrom::After(position)).unwrap();
    let message = next_message(&mut channel).await;
    assert_eq!((message.offset, message.replayed), (2, true));
}

#[conversation]
async fn the_tail_has_only_new_messages() {
    let room = name("room");
    let client = client();
    client.publish(&room, "before").await.unwrap();
    let mut channel = client.channel(&room, StartFrom::Tail).unwrap();
    until_live(&mut channel).await;
    client.publish(&room, "after").await.unwrap();
    let message = next_message(&mut channel).await;
    assert_eq!((message.json::<String>().unwrap(), message.replayed), ("after".to_owned(), false));
}

#[conversation]
async fn an_unknown_epoch_is_a_gap_before_the_first_message() {
    use futures::StreamExt;
    let room = name("room");
    let client = client();
    client.publish(&room, "here").await.unwrap();
    let position = seamline::Position { epoch: "another log".to_owned(), offset: 7, id: None };
    let mut channel = client.channel(&room, StartFrom::After(position)).unwrap();
    let item = channel.next().await;
    assert!(
        matches!(&item, Some(Item::Gap(gap)) if gap.from == 8 && gap.reason.as_str() == "epoch_changed"),
        "{item:?}"
    );
    assert_eq!(next_message(&mut channel).await.offset, 1);
}

#[conversation]
async fn the_last_item_is_why_the_client_is_closed() {
    use futures::StreamExt;
    let client = client();
    let mut channel = client.channel(&name("room"), StartFrom::Tail).unwrap();
    until_live(&mut channel).await;
    client.close();
    let item = channel.next().await;
    assert!(
        matches!(&item, Some(Item::Closed(reason)) if reason.code == ReasonCode::ClosedByApplication),
        "{item:?}"
    );
    assert!(channel.next().await.is_none());
    assert!(matches!(client.state(), State::Closed { .. }));
}

#[conversation]
async fn the_first_state_is_the_present_one() {
    use futures::StreamExt;
    let client = client();
    until(&client, "open").await;
    assert_eq!(client.states().next().await, Some(State::Open));
    client.close();
    let mut states = client.states();
    assert!(matches!(states.next().await, Some(State::Closed { .. })));
    assert!(states.next().await.is_none());
}

#[conversation]
async fn diagnostics_are_the_recent_states() {
    let id = name("client");
    let client = connect(builder(&id));
    until(&client, "open").await;
    cut(&id).await;
    let mut states = client.states();
    next_state(&mut states, "waiting").await;
    next_state(&mut states, "open").await;
    let names = client.diagnostics().into_iter().filter_map(|entry| match entry.what {
        DiagnosticKind::State(state) => Some(state.name()),
        _ => None,
    });
    assert_eq!(names.collect::<Vec<_>>(), ["connecting", "open", "waiting", "connecting", "open"]);
    let last = client.diagnostics().pop().expect("there are entries");
    assert!(serde_json::to_string(&last).unwrap().ends_with(r#""state":{"name":"open"}}"#), "{last:?}");
}
