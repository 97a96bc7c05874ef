//! Rendered answers, kept until the data or the minute changes. Asking for the same page a thousand times renders it
//! once; a flood of different pages only pushes others out.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::{answer::Answer, route::Route};

/// Bytes of answers held.
const ROOM: usize = 4 * 1024 * 1024;
/// Larger ones (images, mostly) are read anew each time.
const LARGEST: usize = 256 * 1024;

/// What answers depend on besides their route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Moment {
    /// Of the store.
    pub(crate) generation: u64,
    /// Since 1970. Lists of what is coming change with time alone.
    pub(crate) minute: i64,
}

#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    moment: Moment,
    answers: HashMap<Route, Answer>,
    bytes: usize,
}

impl Cache {
    pub(crate) fn get(&self, route: &Route, moment: Moment) -> Option<Answer> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (held.moment == moment).then(|| held.answers.get(route).cloned()).flatten()
    }

    pub(crate) fn put(&self, route: Route, moment: Moment, answer: &Answer) {
        let weight = answer.weight() + size_of::<Route>();
        if weight > LARGEST {
            return;
        }
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.moment != moment || held.bytes + weight > ROOM {
            *held = Held { moment, ..Held::default() };
        }
        if held.answers.insert(route, answer.clone()).is_none() {
            held.bytes += weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        answer::{Caching, HTML},
        route::{Page, Query},
    };

    fn route(n: i64) -> Route {
        Route { community: None, page: Page::Events, query: Query { from: Some(n), ..Query::default() } }
    }

    #[test]
    fn an_answer_is_forgotten_when_the_data_or_the_minute_changes() {
        let (cache, now) = (Cache::default(), Moment { generation: 3, minute: 9 });
        cache.put(route(1), now, &Answer::new(HTML, "x", Caching::List));
        assert!(cache.get(&route(1), now).is_some());
        assert!(cache.get(&route(1), Moment { generation: 4, ..now }).is_none());
        assert!(cache.get(&route(1), Moment { minute: 10, ..now }).is_none());
    }

    #[test]
    fn a_flood_of_pages_stays_within_the_room() {
        let (cache, now) = (Cache::default(), Moment::default());
        let page = Answer::new(HTML, vec![b'x'; 100_000], Caching::List);
        for n in 0..200 {
            cache.put(route(n), now, &page);
        }
        assert!(cache.0.lock().unwrap().bytes <= ROOM);
        cache.put(route(999), now, &Answer::new(HTML, vec![b'x'; LARGEST + 1], Caching::List));
        assert!(cache.get(&route(999), now).is_none());
    }
}
