//! Who is connected: 512 connections, 32 of one address. When there is no room, the connection that has waited longest
//! without a request in progress makes place: somebody who opens many and sends nothing pushes out himself first.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use tokio_util::sync::CancellationToken;

pub(crate) const ALL: usize = 512;
pub(crate) const PER_ADDRESS: usize = 32;

#[derive(Debug, Clone, Default)]
pub(crate) struct Table(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    open: HashMap<u64, Connection>,
    next: u64,
}

#[derive(Debug, Clone)]
struct Connection {
    address: IpAddr,
    state: Arc<State>,
}

/// What a connection is doing.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// A request is being answered.
    busy: AtomicBool,
    /// Number of the last moment at which a request began or ended; smaller is longer ago.
    since: AtomicU64,
    pub(crate) close: CancellationToken,
}

/// Held while a connection is open.
#[derive(Debug)]
pub(crate) struct Place {
    table: Table,
    id: u64,
    pub(crate) state: Arc<State>,
}

/// Held while a request is answered.
#[derive(Debug)]
pub(crate) struct Busy {
    table: Table,
    state: Arc<State>,
}

impl Table {
    /// A place for a new connection; None when all others are at work.
    pub(crate) fn admit(&self, address: IpAddr) -> Option<Place> {
        let address = neighbourhood(address);
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let near = inner.open.values().filter(|c| c.address == address).count();
        if near >= PER_ADDRESS {
            inner.make_room(Some(address))?;
        } else if inner.open.len() >= ALL {
            inner.make_room(None)?;
        }
        inner.next += 1;
        let id = inner.next;
        let state = Arc::new(State { since: AtomicU64::new(id), ..State::default() });
        inner.open.insert(id, Connection { address, state: Arc::clone(&state) });
        Some(Place { table: self.clone(), id, state })
    }

    fn tick(&self) -> u64 {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.next += 1;
        inner.next
    }
}

impl Inner {
    fn make_room(&mut self, address: Option<IpAddr>) -> Option<()> {
        let waiting = self.open.iter().filter(|(_, c)| address.is_none_or(|a| c.address == a) && !c.state.is_busy());
        let (&id, _) = waiting.min_by_key(|(_, c)| c.state.since.load(Ordering::Relaxed))?;
        self.open.remove(&id)?.state.close.cancel();
        Some(())
    }
}

impl State {
    pub(crate) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed)
    }
}

impl Place {
    pub(crate) fn busy(&self) -> Busy {
        Busy::new(self.table.clone(), Arc::clone(&self.state))
    }
}

impl Busy {
    fn new(table: Table, state: Arc<State>) -> Self {
        state.busy.store(true, Ordering::Relaxed);
        Self { table, state }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.state.since.store(self.table.tick(), Ordering::Relaxed);
        self.state.busy.store(false, Ordering::Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.table.0.lock().unwrap_or_else(PoisonError::into_inner).open.remove(&self.id);
    }
}

/// One person's addresses: an IPv4 address, or the /64 an IPv6 host picks its addresses from.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let mut octets = v6.octets();
            octets[8..].fill(0);
            IpAddr::V6(Ipv6Addr::from(octets))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn one_address_pushes_out_its_own_longest_waiting_connection() {
        let table = Table::default();
        let other = table.admit(ip(9)).unwrap();
        let mine: Vec<Place> = (0..PER_ADDRESS).map(|_| table.admit(ip(1)).unwrap()).collect();
        let at_work = mine[0].busy();
        let _new = table.admit(ip(1)).unwrap();
        assert!(!mine[0].state.close.is_cancelled(), "it is being answered");
        assert!(mine[1].state.close.is_cancelled());
        assert!(!other.state.close.is_cancelled());
        drop(at_work);
        let _newer = table.admit(ip(1)).unwrap();
        assert!(!mine[0].state.close.is_cancelled(), "it was answered just now");
        assert!(mine[2].state.close.is_cancelled());
    }

    #[test]
    fn when_all_are_at_work_a_new_one_is_refused() {
        let table = Table::default();
        let mine: Vec<Place> = (0..PER_ADDRESS).map(|_| table.admit(ip(1)).unwrap()).collect();
        let _busy: Vec<Busy> = mine.iter().map(Place::busy).collect();
        assert!(table.admit(ip(1)).is_none());
        assert!(table.admit(ip(2)).is_some());
    }

    #[test]
    fn the_whole_table_is_bounded_and_places_come_back() {
        let table = Table::default();
        let all: Vec<Place> =
            (0..ALL).map(|n| table.admit(ip(u8::try_from(n / PER_ADDRESS).unwrap())).unwrap()).collect();
        let _late = table.admit(ip(200)).unwrap();
        assert!(all[0].state.close.is_cancelled());
        drop(all);
        assert_eq!(table.0.lock().unwrap().open.len(), 1);
    }

    #[test]
    fn an_ipv6_host_counts_with_its_whole_prefix() {
        let a = neighbourhood("2001:db8:1:2:aaaa::1".parse().unwrap());
        assert_eq!(a, neighbourhood("2001:db8:1:2:bbbb::2".parse().unwrap()));
        assert_ne!(a, neighbourhood("2001:db8:1:3::1".parse().unwrap()));
        assert_eq!(neighbourhood("::ffff:192.0.2.1".parse().unwrap()), ip(1));
    }
}
