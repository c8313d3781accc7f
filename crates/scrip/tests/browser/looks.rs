//! How the pages look, as far as a program can tell: they fit, shut nobody out, weigh little, stay where they are, and say
//! what the API says.

use serde_json::{Value, json};

use crate::axe;
use crate::markup::{self, HOSTILE};
use crate::world::World;

/// Every page that stands by itself, and states of them.
const PAGES: &[(&str, &str)] = &[
    ("overview", "/dashboard"),
    ("buy-credits", "/dashboard/buy-credits"),
    ("buy-credits-short", "/dashboard/buy-credits?short_by=300"),
    ("usage", "/dashboard/usage"),
    ("usage-none", "/dashboard/usage?from=2020-01-01&to=2020-01-02"),
    ("prices", "/dashboard/prices"),
    ("prices-refused", "/dashboard/prices?tool=text-to-material&width=0&height=1&upscale=2"),
    ("plan", "/dashboard/plan"),
    ("settings", "/dashboard/settings"),
    ("nothing-here", "/dashboard/nothing-here"),
];

/// A way of looking: width in CSS pixels, and the system's setting.
pub(crate) const LOOKS: &[(u32, &str)] =
    &[(320, "light"), (360, "light"), (360, "dark"), (1280, "light"), (1280, "dark")];

impl World {
    /// Looks through a window of this width, by this setting.
    pub(crate) fn look(&self, width: u32, scheme: &str) {
        let metrics = json!({
            "width": width, "height": 900, "screenWidth": width, "screenHeight": 900, "deviceScaleFactor": 1,
            "mobile": width < 600,
        });
        self.browser.chromium("Emulation.setDeviceMetricsOverride", metrics);
        let scheme = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.browser.chromium("Emulation.setEmulatedMedia", scheme);
    }

    /// A page as a first visit gets it: its bytes as they travel, and what of it moved once it was there.
    pub(crate) fn weighed(&self, page: &str) -> (u64, Vec<String>) {
        self.weighed_at(&self.at(page))
    }

    /// The same of a page at any address.
    pub(crate) fn weighed_at(&self, address: &str) -> (u64, Vec<String>) {
        self.browser.chromium("Network.clearBrowserCache", json!({}));
        self.browser.go(address);
        let measured = self.browser.run_until_called(
            "const done = arguments[0]; let moved = [];
             const what = (entry) => entry.sources.map(({ node }) => node?.outerHTML?.slice(0, 80) ?? 'a text').join();
             new PerformanceObserver((list) => list.getEntries().forEach((entry) => moved.push(`${entry.value} of ${what(entry)}`)))
               .observe({ type: 'layout-shift', buffered: true });
             const of = (type) => performance.getEntriesByType(type).map((entry) => entry.transferSize);
             requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(() =>
               done([of('navigation').concat(of('resource')).reduce((sum, size) => sum + size, 0), moved]))))",
            &json!([]),
        );
        let moved = measured[1].as_array().expect("a list").iter().map(ToString::to_string).collect();
        (measured[0].as_u64().expect("a size"), moved)
    }

    /// What is wrong with the page that is open.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = axe::violations(&self.browser);
        // Where a telephone shows what is too wide, its window is as wide as that: its screen is not.
        let wide =
            self.browser.value("return document.documentElement.scrollWidth > Math.min(innerWidth, screen.width)");
        faults.extend((wide == json!(true)).then(|| "it scrolls sideways".to_owned()));
        faults.extend(self.browser.console().into_iter().filter(|line| !line.contains("404 (Not Found)")));
        faults
    }
}

#[test]
fn every_page_fits_and_shuts_nobody_out() {
    let world = World::start();
    let mut faults = Vec::new();
    // Much has happened, something is owed, and nothing has happened yet.
    for (studio, account) in [("studiotwin", "tile-works"), ("flow-studio", "dora"), ("studiotwin", "otto")] {
        world.enter(studio, account, "");
        for (name, page) in PAGES {
            for (width, scheme) in LOOKS {
                world.look(*width, scheme);
                world.browser.go(&world.at(page));
                let found = world.faults();
                world.browser.keep_whole_picture(&format!("{account}-{name}-{width}-{scheme}"));
                // Whatever can be opened, open.
                world.browser.value("for (const one of document.querySelectorAll('details')) one.open = true");
                let open = world.faults().into_iter().map(|fault| format!("open: {fault}"));
                let all = found.into_iter().chain(open);
                faults.extend(all.map(|fault| format!("{account} {page} {width} {scheme}: {fault}")));
            }
        }
    }
    // Without a session.
    world.browser.chromium("Network.clearBrowserCookies", json!({}));
    for (width, scheme) in LOOKS {
        world.look(*width, scheme);
        world.browser.go(&world.at("/dashboard"));
        world.browser.find_text("Your visit has ended");
        world.browser.keep_whole_picture(&format!("ended-{width}-{scheme}"));
        faults.extend(world.faults().into_iter().filter(|fault| !fault.contains("401")));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A first visit is under 60 kB as it travels, whichever page it begins with, and nothing moves once it is there.
#[test]
fn a_first_page_is_light_and_stands_still() {
    let world = World::start();
    for (width, account, studio) in [(1280, "mia", "flow-studio"), (360, "tile-works", "studiotwin")] {
        world.look(width, "light");
        world.enter(studio, account, "");
        for (name, page) in PAGES {
            let (bytes, moved) = world.weighed(page);
            println!("{account} {width} {name}: {bytes} bytes as they travel");
            assert!(bytes > 10_000, "else nothing was measured: {page} {bytes}");
            assert!(bytes < 60_000, "{page}: {bytes} bytes");
            assert_eq!(moved, Vec::<String>::new(), "{page}: nothing moved");
        }
    }
}

/// The seed: a Lite account has 150 seconds of Live Action, 750 of AI MoCap, 150 of Animation, and 750 of each Wonder Tool.
#[test]
fn the_numbers_are_those_of_the_seed_and_of_the_api() {
    let world = World::start();
    world.enter("flow-studio", "ana", "");
    world.browser.find("#left");
    let shown = world.browser.run(
        "return [...document.querySelectorAll('.left li')].map((item) => item.innerText.replace(/\\s+/g, ' '))",
        &json!([]),
    );
    let seconds = [
        "150 seconds of Live Action",
        "750 seconds of AI MoCap",
        "150 seconds of Animation / Video to 3D Scene",
        "750 seconds of Clean Plate",
        "750 seconds of Camera Track",
    ];
    assert_eq!(shown, json!(seconds));
    for (studio, account) in [("flow-studio", "mia"), ("flow-studio", "north-pictures"), ("studiotwin", "tile-works")] {
        world.look(1280, "light");
        world.enter(studio, account, "");
        world.browser.keep_whole_picture(&format!("overview-of-{account}"));
        let balance = world.get(studio, &format!("/accounts/{account}/balance"));
        for total in ["available", "remaining", "held"] {
            assert_eq!(plain(&world.browser.text(&format!("#{total}"))), digits(&balance[total]), "{account} {total}");
        }
        let lots = world.browser.run(
            "return [...document.querySelectorAll('#lots li .num strong')].map((lot) => lot.innerText)",
            &json!([]),
        );
        let lots: Vec<String> =
            lots.as_array().expect("lots").iter().map(|lot| plain(lot.as_str().expect("text"))).collect();
        let expected: Vec<String> =
            balance["lots"].as_array().expect("lots").iter().map(|lot| digits(&lot["remaining"])).collect();
        assert_eq!(lots, expected, "{account}");
    }
}

/// Names, references, members and reasons that are markup stay text, on every page and in every tooltip.
#[test]
fn hostile_texts_stay_texts() {
    let world = World::start();
    let put = world.put("flow-studio", "/accounts/ana", &json!({ "name": HOSTILE }).to_string());
    assert_eq!(put.status, 200, "{put:?}");
    let job = json!({"credits": 1, "reference": HOSTILE, "member": HOSTILE}).to_string();
    assert_eq!(world.post("flow-studio", "/accounts/ana/holds", "hostile-1", &job).status, 201);
    let charge = world.post("flow-studio", "/accounts/ana/charges", "hostile-2", &job);
    let refunds = format!("/accounts/ana/charges/{}/refunds", charge.body["charge"].as_str().expect("a charge"));
    let reason = json!({"credits": 0.5, "reason": HOSTILE}).to_string();
    assert_eq!(world.post("flow-studio", &refunds, "hostile-3", &reason).status, 201);
    let grant = json!({"credits": 1, "class": "promo", "reason": HOSTILE}).to_string();
    assert_eq!(world.post("flow-studio", "/accounts/ana/grants", "hostile-4", &grant).status, 201);
    world.enter("flow-studio", "ana", "");
    for page in markup::PAGES {
        world.browser.go(&world.at(page));
        world.browser.find("#main");
        assert_eq!(world.browser.count("img, main script, .who script"), 0, "{page}");
        let title = world.browser.run("return document.title", &json!([]));
        assert_ne!(title, json!("alive"), "{page}");
        let shown =
            world.browser.run("return document.body.textContent.includes('<script>document.title')", &json!([]));
        assert_eq!(shown, json!(true), "{page}: what was stored is shown as it is");
        assert_eq!(world.browser.console(), Vec::<String>::new(), "{page}");
    }
}

/// Digits without what stands between thousands.
fn plain(shown: &str) -> String {
    shown.replace(',', "")
}

fn digits(amount: &Value) -> String {
    amount.to_string()
}
