//! What each role of a key may call: one table.
//!
//! Apart because it is read from three sides: by whoever lets a caller in ([`crate::auth`]), by the OpenAPI document, and
//! by those who ask what a role is for. A call that is not in the table is for the role `admin` alone, so a new one is
//! closed. It must never depend on anything but the role and the route.

use scrip_engine::store::Role;

/// How much of a call a role may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Whatever it can do.
    Whole,
    /// Some of it, in the words of the documentation; the handler refuses the rest.
    Part(&'static str),
}

/// Who may make one call, beside the role `admin`, which may make all.
pub(crate) struct Rule {
    method: &'static str,
    path: &'static str,
    roles: &'static [(Role, Extent)],
}

/// A rule whose roles may make the whole call.
macro_rules! rule {
    ($method:literal $path:literal: $($role:ident)*) => {
        Rule { method: $method, path: $path, roles: &[$((Role::$role, Extent::Whole)),*] }
    };
    ($method:literal $path:literal: $($role:ident)*, $part:literal for $($some:ident)*) => {
        Rule {
            method: $method,
            path: $path,
            roles: &[$((Role::$role, Extent::Whole),)* $((Role::$some, Extent::Part($part))),*],
        }
    };
}

/// Every call that a role other than `admin` may make.
#[rustfmt::skip]
const RULES: &[Rule] = &[
    // Reading and quoting.
    rule!("GET" "/v1/accounts": Read Jobs Support Finance),
    rule!("GET" "/v1/accounts/{account}": Read Jobs Support Finance),
    rule!("GET" "/v1/accounts/{account}/automatic-top-up": Read Jobs Support Finance),
    rule!("GET" "/v1/accounts/{account}/balance": Read Jobs Support Finance),
    rule!("GET" "/v1/accounts/{account}/balance/stream": Read Jobs Support Finance),
    rule!("GET" "/v1/accounts/{account}/entries": Read Jobs Support Finance),
    rule!("GET" "/v1/accounts/{account}/holds": Read Jobs Support Finance),
    rule!("GET" "/v1/accounts/{account}/holds/{hold}": Read Jobs Support Finance),
    rule!("GET" "/v1/accounts/{account}/offers": Read Jobs Support Finance),
    rule!("GET" "/v1/accounts/{account}/orders": Read Jobs Support Finance),
    rule!("GET" "/v1/accounts/{account}/orders/{order}": Read Jobs Support Finance),
    rule!("GET" "/v1/accounts/{account}/subscription": Read Jobs Support Finance),
    rule!("POST" "/v1/accounts/{account}/subscription/preview": Read Jobs Support Finance),
    rule!("GET" "/v1/accounts/{account}/usage": Read Jobs Support Finance),
    rule!("GET" "/v1/audit": Read Finance),
    rule!("GET" "/v1/catalog": Read Jobs Support Finance),
    rule!("GET" "/v1/catalog/versions": Read Jobs Support Finance),
    rule!("GET" "/v1/catalog/versions/{version}": Read Jobs Support Finance),
    rule!("GET" "/v1/entries": Read Jobs Support Finance),
    rule!("GET" "/v1/holds": Read Jobs Support Finance),
    rule!("GET" "/v1/orders": Read Jobs Support Finance),
    rule!("GET" "/v1/packages": Read Jobs Support Finance),
    rule!("GET" "/v1/payments/deliveries": Read Jobs Support Finance),
    rule!("GET" "/v1/portal-session": Read Jobs Support Finance),
    rule!("GET" "/v1/test-clock": Read Jobs Support Finance),
    rule!("GET" "/v1/uncollected": Read Jobs Support Finance),
    rule!("GET" "/v1/usage": Read Jobs Support Finance),
    rule!("POST" "/v1/quotes": Read Jobs Support Finance),
    rule!("POST" "/v1/catalog": , "with `dry_run=true`" for Read Jobs Support Finance),
    // Running jobs.
    rule!("POST" "/v1/accounts/{account}/charges": Jobs),
    rule!("POST" "/v1/accounts/{account}/holds": Jobs),
    rule!("POST" "/v1/accounts/{account}/holds/{hold}/extend": Jobs),
    rule!("POST" "/v1/accounts/{account}/holds/{hold}/settle": Jobs),
    // Making good what went wrong.
    rule!("POST" "/v1/accounts/{account}/charges/{charge}/refunds": Jobs Support),
    rule!("POST" "/v1/accounts/{account}/holds/{hold}/release": Jobs Support),
    rule!("POST" "/v1/accounts/{account}/portal-sessions": Support),
    // What credits are given, taken back and sold.
    rule!("POST" "/v1/accounts/{account}/debt/write-off": Finance),
    rule!("POST" "/v1/accounts/{account}/grants": Finance, "of the class `make_good`" for Support),
    rule!("POST" "/v1/accounts/{account}/lots/{lot}/revoke": Finance),
    rule!("POST" "/v1/accounts/{account}/orders": Finance),
    rule!("POST" "/v1/accounts/{account}/orders/{order}/checkout": Finance),
    rule!("POST" "/v1/accounts/{account}/orders/{order}/mark-paid": Finance),
    // The console.
    rule!("POST" "/v1/console-sessions": Read Support Finance),
    rule!("GET" "/v1/console-session": Read Support Finance),
    rule!("GET" "/v1/health": Read Support Finance),
    rule!("GET" "/v1/totals": Read Support Finance),
    // Many at once.
    rule!("POST" "/v1/batch": , "each line as its own call" for Jobs Support Finance),
];

/// How much of a call a role may make; `None`: nothing.
pub(crate) fn extent(role: Role, method: &str, path: &str) -> Option<Extent> {
    if role == Role::Admin {
        return Some(Extent::Whole);
    }
    let rule = RULES.iter().find(|rule| rule.method == method && rule.path == path)?;
    rule.roles.iter().find(|(other, _)| *other == role).map(|(_, extent)| *extent)
}

/// The calls of the table that a role may make, wholly or in part.
pub(crate) fn calls(role: Role) -> Vec<String> {
    let may = RULES.iter().filter(|rule| extent(role, rule.method, rule.path).is_some());
    may.map(|rule| format!("{} {}", rule.method, rule.path)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_call_has_one_rule_and_is_one_that_there_is() {
        let rules: BTreeSet<_> = RULES.iter().map(|rule| (rule.method, rule.path)).collect();
        assert_eq!(rules.len(), RULES.len());
        let (_, document) = crate::routes::documented();
        for (method, path) in rules {
            let item = document.paths.paths.get(path).unwrap_or_else(|| panic!("no route is {path}"));
            let there = match method {
                "GET" => item.get.is_some(),
                "POST" => item.post.is_some(),
                "PUT" => item.put.is_some(),
                "DELETE" => item.delete.is_some(),
                _ => false,
            };
            assert!(there, "no route is {method} {path}");
        }
    }

    #[test]
    fn what_is_not_in_the_table_is_for_admin_alone() {
        for role in Role::ALL {
            let some = extent(role, "POST", "/v1/no-such-call");
            assert_eq!(some, (role == Role::Admin).then_some(Extent::Whole), "{role:?}");
        }
    }
}
