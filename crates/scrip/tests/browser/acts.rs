//! What a person does besides pressing what a selector finds: keys, shadow trees, other tabs, other windows. And what is
//! waited for inside a page.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::webdriver::Browser;

/// What the window is like.
#[derive(Clone, Copy)]
pub(crate) struct Window {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// The system's setting: `light` or `dark`.
    pub(crate) scheme: &'static str,
}

/// A desk, by day.
pub(crate) const WIDE: Window = Window { width: 1280, height: 800, scheme: "light" };
/// A phone, by night.
pub(crate) const PHONE: Window = Window { width: 360, height: 760, scheme: "dark" };
/// As narrow as a page must bear.
pub(crate) const NARROW: Window = Window { width: 320, height: 640, scheme: "light" };

/// A key.
#[derive(Clone, Copy)]
pub(crate) enum Key {
    Tab,
    Enter,
    Escape,
    Space,
}

impl Browser {
    /// Makes the window this one.
    pub(crate) fn sit_before(&self, window: Window) {
        let size = json!({"width": window.width, "height": window.height, "deviceScaleFactor": 1, "mobile": false});
        self.chromium("Emulation.setDeviceMetricsOverride", size);
        let scheme = json!({"features": [{"name": "prefers-color-scheme", "value": window.scheme}]});
        self.chromium("Emulation.setEmulatedMedia", scheme);
    }

    /// The value of a script's `return`.
    pub(crate) fn value(&self, script: &str) -> Value {
        self.run(script, &json!([]))
    }

    /// Waits until an expression is true, and answers it: the page looks again and again.
    pub(crate) fn until(&self, expression: &str) -> Value {
        let look = format!(
            "const done = arguments[0];
             const look = () => {{
               let found = null;
               try {{ found = {expression}; }} catch {{ /* not there yet */ }}
               if (found) done(found); else setTimeout(look, 30);
             }};
             look();"
        );
        self.run_until_called(&look, &json!([]))
    }

    /// Presses what an expression finds, in its middle, as a pointer does: what lies over it is what is pressed.
    pub(crate) fn press_on(&self, expression: &str) {
        let find = format!(
            "const {{ x, y, width, height }} = {expression}.getBoundingClientRect(); return [x + width / 2, y + height / 2];"
        );
        let at = self.value(&find);
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({"type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1});
            self.chromium("Input.dispatchMouseEvent", event);
        }
    }

    /// Presses a key.
    pub(crate) fn press(&self, key: Key) {
        let (name, code, number, text) = match key {
            Key::Tab => ("Tab", "Tab", 9, ""),
            Key::Enter => ("Enter", "Enter", 13, "\r"),
            Key::Escape => ("Escape", "Escape", 27, ""),
            Key::Space => (" ", "Space", 32, " "),
        };
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { text } else { "" };
            let event = json!({"type": kind, "key": name, "code": code, "windowsVirtualKeyCode": number, "text": text});
            self.chromium("Input.dispatchKeyEvent", event);
        }
    }

    /// Opens another tab in front while something happens, and closes it again.
    pub(crate) fn behind_another_tab(&self, meanwhile: impl FnOnce()) {
        let here = self.ask("GET", "/window", None);
        let other = self.ask("POST", "/window/new", Some(json!({"type": "tab"})));
        self.ask("POST", "/window", Some(json!({"handle": other["handle"]})));
        meanwhile();
        self.ask("DELETE", "/window", None);
        self.ask("POST", "/window", Some(json!({ "handle": here })));
    }

    /// Keeps a picture of the window, to be looked at, in the folder that `PICTURES` names; none without it.
    pub(crate) fn keep_picture(&self, name: &str) {
        self.picture(name, json!({}));
    }

    /// Keeps a picture of the whole page, however long it is.
    pub(crate) fn keep_whole_picture(&self, name: &str) {
        let size = self.value("return [innerWidth, document.documentElement.scrollHeight]");
        let clip = json!({"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1});
        self.picture(name, json!({"captureBeyondViewport": true, "clip": clip}));
    }

    fn picture(&self, name: &str, of: Value) {
        let Some(folder) = std::env::var_os("PICTURES").map(PathBuf::from) else { return };
        let picture = self.chromium("Page.captureScreenshot", of);
        std::fs::create_dir_all(&folder).expect("a folder for pictures");
        let bytes = from_base64(picture["data"].as_str().expect("a picture"));
        std::fs::write(folder.join(format!("{name}.png")), bytes).expect("it can be written");
    }

    /// Fails when the page that is open scrolls sideways.
    pub(crate) fn fits(&self) {
        let wide = self.value("return document.documentElement.scrollWidth > innerWidth");
        assert_eq!(wide, json!(false), "it scrolls sideways");
    }
}

/// The bytes of a text in base 64.
fn from_base64(text: &str) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let sixes = text.bytes().filter_map(|letter| LETTERS.iter().position(|known| *known == letter));
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_usize, 0);
    for six in sixes {
        held = (held << 6 | six) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).expect("eight bits"));
        }
    }
    bytes
}
