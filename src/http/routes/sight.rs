//! What of the events is whose to see: a token for some repositories is answered as if there were nothing else.
//!
//! An event of another repository is not there, neither by its id nor by what names it. A page has to go on after
//! events that are somebody else's, so the place where it ended is sealed for the token that is to come back with it.

use crate::http::rights::Asker;
use crate::http::{ApiError, State};
use crate::secrets::Secret;
use crate::store::{EventId, EventQuery, EventRecord, Page, StoreError};

/// How many pages of the store's are looked through for one of somebody who sees few repositories.
const MOST_LOOKS: usize = 10;

/// An event, if it is theirs to see.
pub(super) async fn find(state: &State, by: &Asker, id: &EventId) -> Result<EventRecord, ApiError> {
    let found = state.store.event(id).await?.filter(|record| by.sees(&record.repo));
    let record = found.ok_or_else(|| no_event(id))?;
    without_others(state, by, record).await
}

/// A page of what is theirs to see. Where that is little among much, a page may be short and still have a next one.
pub(super) async fn seen(
    state: &State,
    by: &Asker,
    mut query: EventQuery,
) -> Result<Page<EventRecord>, ApiError> {
    let mut page = Page { items: Vec::new(), next: None };
    if query.repo.as_ref().is_some_and(|repo| !by.sees(repo)) {
        return Ok(page);
    }
    query.cursor = query.cursor.map(|cursor| opened(state, by, cursor)).transpose()?;
    let wanted = query.limit;
    for _ in 0..MOST_LOOKS {
        query.limit = wanted - page.items.len();
        let Page { items, next } = state.store.events(&query).await?;
        for record in items.into_iter().filter(|record| by.sees(&record.repo)) {
            page.items.push(without_others(state, by, record).await?);
        }
        query.cursor = next;
        if query.cursor.is_none() || page.items.len() >= wanted {
            break;
        }
    }
    page.next = query.cursor.map(|cursor| sealed(state, by, cursor)).transpose()?;
    Ok(page)
}

pub(super) fn no_event(id: &EventId) -> ApiError {
    ApiError::NotFound(format!("there is no event {id}; it may be older than the retention"))
}

/// The same, not naming the event that stands for its change where that is not theirs: a repository that was renamed
/// has events under both names.
async fn without_others(state: &State, by: &Asker, mut record: EventRecord) -> Result<EventRecord, ApiError> {
    if by.is_limited()
        && let Some(id) = &record.duplicate_of
    {
        let original = state.store.event(id).await?;
        if !original.is_some_and(|original| by.sees(&original.repo)) {
            record.duplicate_of = None;
        }
    }
    Ok(record)
}

/// What goes before the token's name, so that a cursor is nothing that a hook's secret could be.
fn owner(by: &Asker) -> String {
    format!("cursor of {by}")
}

fn sealed(state: &State, by: &Asker, cursor: String) -> Result<String, ApiError> {
    if by.is_limited() { Ok(state.keyring.seal(&Secret::new(cursor), &owner(by))?) } else { Ok(cursor) }
}

fn opened(state: &State, by: &Asker, cursor: String) -> Result<String, ApiError> {
    if !by.is_limited() {
        return Ok(cursor);
    }
    match state.keyring.open(&cursor, &owner(by)) {
        Ok(place) => Ok(place.expose().to_owned()),
        Err(_) => Err(StoreError::BadCursor(cursor).into()),
    }
}
