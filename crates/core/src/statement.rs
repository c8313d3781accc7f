//! Balances as they are shown. Skeleton.
