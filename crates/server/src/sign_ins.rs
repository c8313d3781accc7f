//! How often signing in may fail from one address before it is refused for a while.
//!
//! A key that a studio chose itself (`SCRIP_KEYS`) may be weak; one that scrip made cannot be guessed, so it is looked at though its
//! address waits: many share one, and any of them could lock the others out. Signing in through a provider counts nothing:
//! there is nothing to guess. Kept in memory, for a bounded number of addresses. It must never learn what was tried.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use scrip_core::time::Time;

/// Failures from one address, after which it waits.
pub(crate) const FAILURES_MAX: u32 = 10;
/// How long failures count, in seconds, from the first on.
pub(crate) const WINDOW_S: i64 = 900;
/// Addresses that are remembered; the oldest are forgotten first.
const ADDRESSES_MAX: usize = 10_000;

/// What an address did.
#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    since: Time,
}

/// Failures by address.
#[derive(Default)]
pub(crate) struct SignIns(Mutex<BTreeMap<IpAddr, Failures>>);

impl SignIns {
    /// Seconds that an address has to wait before it may try again; `None`: it may now.
    pub(crate) fn wait(&self, address: IpAddr, now: Time) -> Option<i64> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failures = known.get(&masked(address)).filter(|failures| failures.count >= FAILURES_MAX)?;
        let until = failures.since.plus_seconds(WINDOW_S);
        (until > now).then(|| (until.micros() - now.micros() + 999_999).div_euclid(1_000_000))
    }

    /// Counts a failure.
    pub(crate) fn failed(&self, address: IpAddr, now: Time) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let address = masked(address);
        let over = |failures: &Failures| failures.since.plus_seconds(WINDOW_S) <= now;
        if known.len() >= ADDRESSES_MAX && !known.contains_key(&address) {
            known.retain(|_, failures| !over(failures));
            let oldest = known.iter().min_by_key(|(_, failures)| failures.since).map(|(address, _)| *address);
            if known.len() >= ADDRESSES_MAX
                && let Some(oldest) = oldest
            {
                known.remove(&oldest);
            }
        }
        let failures = known.entry(address).or_insert(Failures { count: 0, since: now });
        if over(failures) {
            *failures = Failures { count: 0, since: now };
        }
        failures.count += 1;
    }
}

/// Whoever has an IPv6 address has the network of it, too.
fn masked(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(four) => IpAddr::V4(four),
        IpAddr::V6(six) => IpAddr::V6((six.to_bits() & !u128::from(u64::MAX)).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Time {
        Time::from_micros(1_000_000 * seconds)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_waits_after_ten_failures_until_the_window_is_over() {
        let sign_ins = SignIns::default();
        for failure in 0..i64::from(FAILURES_MAX) {
            assert_eq!(sign_ins.wait(address("192.0.2.1"), at(failure)), None);
            sign_ins.failed(address("192.0.2.1"), at(failure));
        }
        assert_eq!(sign_ins.wait(address("192.0.2.1"), at(10)), Some(WINDOW_S - 10));
        assert_eq!(sign_ins.wait(address("::ffff:192.0.2.1"), at(10)), Some(WINDOW_S - 10), "the same address");
        assert_eq!(sign_ins.wait(address("192.0.2.2"), at(10)), None, "another");
        assert_eq!(sign_ins.wait(address("192.0.2.1"), at(WINDOW_S)), None);
        sign_ins.failed(address("192.0.2.1"), at(WINDOW_S));
        assert_eq!(sign_ins.wait(address("192.0.2.1"), at(WINDOW_S)), None, "counted anew");
    }

    #[test]
    fn a_network_of_version_6_counts_as_one_and_memory_is_bounded() {
        let sign_ins = SignIns::default();
        for host in 0..FAILURES_MAX {
            sign_ins.failed(address(&format!("2001:db8::{host:x}")), at(1));
        }
        assert!(sign_ins.wait(address("2001:db8::ffff"), at(1)).is_some());
        for host in 0..u32::try_from(ADDRESSES_MAX).unwrap() + 50 {
            sign_ins.failed(IpAddr::from(host.to_be_bytes()), at(2));
        }
        assert_eq!(sign_ins.0.lock().unwrap().len(), ADDRESSES_MAX);
        assert_eq!(sign_ins.wait(address("2001:db8::1"), at(2)), None, "the oldest is forgotten first");
    }
}
