//! Reading a log backwards, with the operations that every store has.

use super::{Page, PageLimit, Store, StoreError};

/// The newest messages before an offset, or of the whole log: a contiguous run, in log order, which ends at the newest
/// of them. `None` if there is no such channel, which is not created. If the page is empty although the limit allows
/// messages, there are none before the offset.
pub async fn read_before(
    store: &dyn Store,
    ch: &str,
    before: Option<u64>,
    limit: PageLimit,
) -> Result<Option<Page>, StoreError> {
    let Some(state) = store.peek(ch).await? else { return Ok(None) };
    let mut info = state.info;
    let mut end = before.map_or(info.head, |before| before.saturating_sub(1).min(info.head));
    // The store reads forwards. So the span before `end` is read that may fit, and a shorter one if it does not.
    let mut span = limit.messages as u64;
    while span > 0 && end >= info.first {
        let after = end.saturating_sub(span).max(info.first.saturating_sub(1));
        let messages = usize::try_from(end - after).unwrap_or(usize::MAX);
        let Some(mut page) = store.read(ch, after.into(), PageLimit { messages, ..limit }).await? else {
            return Ok(None);
        };
        let is_same = page.info.epoch == info.epoch;
        info = page.info.clone();
        page.messages.retain(|message| is_same && message.offset <= end);
        match page.messages.last().map(|last| last.offset) {
            _ if !is_same => break,
            Some(last) if last == end => return Ok(Some(page)),
            // It ends too early: it is full, or there is a hole.
            Some(last) if is_message(store, ch, last, end).await? => span = (span / 2).max(1),
            Some(last) => end = last,
            None => end = after,
        }
    }
    Ok(Some(Page { info, messages: Vec::new() }))
}

/// Whether the log has a message after one offset and up to another.
async fn is_message(store: &dyn Store, ch: &str, after: u64, to: u64) -> Result<bool, StoreError> {
    let page = store.read(ch, after.into(), PageLimit { messages: 1, bytes: 0 }).await?;
    Ok(page.is_some_and(|page| page.messages.first().is_some_and(|next| next.offset <= to)))
}
