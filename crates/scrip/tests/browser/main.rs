//! The customer's pages and the console in a real browser: the executable as it is, its demo, and Debian's chromium.

mod acting;
mod acts;
mod axe;
mod buying;
mod compared;
mod element;
mod forms;
mod looks;
mod markup;
mod numbers;
mod operating;
mod paths;
mod plan;
mod provider;
mod reading;
mod receipts;
mod said;
mod small_studio;
mod visits;
mod webdriver;
mod world;

#[path = "../executable/support.rs"]
#[expect(dead_code, reason = "shared with the tests of the executable, which use the rest")]
mod support;
