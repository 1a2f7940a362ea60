//! The ids of an event's trace. They follow from the event's id alone, so that every process that ever touches the event
//! adds to one trace, and nothing about it has to be stored.

use std::cell::Cell;

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};
use sha2::{Digest, Sha256};

/// The ids of an event: its trace, and the span of its delivery, under which all others are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ids {
    pub(super) trace: TraceId,
    pub(super) delivery: SpanId,
}

impl Ids {
    /// The first 16 bytes of the id's SHA-256 name the trace, the next 8 the span.
    pub(super) fn of(event: &str) -> Self {
        let hash = Sha256::digest(event);
        let number = |bytes: &[u8]| bytes.iter().fold(0, |sum: u128, byte| (sum << 8) | u128::from(*byte));
        let (trace, rest) = hash.split_at(16);
        let (delivery, _) = rest.split_at(8);
        // Zero would mean that there is none.
        let trace = TraceId::from(number(trace).max(1));
        let delivery = SpanId::from(u64::try_from(number(delivery)).unwrap_or_default().max(1));
        Self { trace, delivery }
    }

    /// The delivery's span, as whoever works on its event knows it.
    pub(super) fn parent(self) -> SpanContext {
        SpanContext::new(self.trace, self.delivery, TraceFlags::SAMPLED, true, TraceState::default())
    }

    /// Gives the next span that this thread begins these ids.
    pub(super) fn for_the_next_span<T>(self, begin: impl FnOnce() -> T) -> T {
        NEXT.set(Some(self));
        let span = begin();
        NEXT.set(None);
        span
    }
}

thread_local! {
    static NEXT: Cell<Option<Ids>> = const { Cell::new(None) };
}

/// Chance names every span but a delivery's.
#[derive(Debug, Default)]
pub(super) struct ByEvent(RandomIdGenerator);

impl IdGenerator for ByEvent {
    fn new_trace_id(&self) -> TraceId {
        NEXT.get().map_or_else(|| self.0.new_trace_id(), |ids| ids.trace)
    }

    fn new_span_id(&self) -> SpanId {
        NEXT.get().map_or_else(|| self.0.new_span_id(), |ids| ids.delivery)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_the_same_trace_in_every_process_and_version() {
        let ids = Ids::of("mfrggzdfmztwq2lknnwg23tpoa");
        // `printf mfrggzdfmztwq2lknnwg23tpoa | sha256sum`
        let hash = "6c22c658d0b725a807ffcbcd11fc10c15a7416cd0c3160fe79a05feae2600c7a";
        assert_eq!(format!("{}{}", ids.trace, ids.delivery), hash[..48]);
        assert_ne!(ids, Ids::of("mfrggzdfmztwq2lknnwg23tpob"));
    }

    #[test]
    fn only_the_span_that_is_begun_for_an_event_gets_its_ids() {
        let (ids, chance) = (Ids::of("mfrggzdfmztwq2lknnwg23tpoa"), ByEvent::default());
        let given = ids.for_the_next_span(|| (chance.new_span_id(), chance.new_trace_id()));
        assert_eq!(given, (ids.delivery, ids.trace));
        assert_ne!((chance.new_span_id(), chance.new_trace_id()), given);
    }
}
