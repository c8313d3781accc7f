//! Charts as SVG, drawn on the server.
//!
//! Only where a line runs is computed here, in whole units of a drawing of fixed width; every number that is written
//! comes from the API as it is.

use std::collections::BTreeMap;

use scrip_core::amount::{Credits, Total};
use scrip_core::time::Time;

/// The drawing's width.
pub(crate) const WIDTH: i64 = 640;
/// Its height.
pub(crate) const HEIGHT: i64 = 180;
/// What is left free above the highest point, so that its line is seen whole.
pub(crate) const HEAD: i64 = 6;

/// Available credits over a period, as steps, and where they lead at the present pace.
pub(crate) struct BurnDown {
    /// The line's path.
    pub(crate) line: String,
    /// The area below it.
    pub(crate) area: String,
    /// From now on, at the present pace.
    pub(crate) ahead: Option<String>,
    /// A point, where it stands now.
    pub(crate) now: String,
    /// The highest level.
    pub(crate) top: Credits,
}

/// What a burn-down is drawn from.
pub(crate) struct Burning<'a> {
    /// The period's first instant.
    pub(crate) start: Time,
    /// The first instant after it.
    pub(crate) end: Time,
    /// Now.
    pub(crate) now: Time,
    /// Available credits from each instant on, in order of time.
    pub(crate) steps: &'a [(Time, Credits)],
    /// When they run out at the present pace, if they do.
    pub(crate) runs_out: Option<Time>,
}

impl BurnDown {
    /// The drawing; `None` where there is nothing to draw.
    pub(crate) fn of(burning: &Burning<'_>) -> Option<BurnDown> {
        let top = burning.steps.iter().map(|(_, credits)| *credits).max().filter(|top| top.is_positive())?;
        let (_, mut level) = *burning.steps.first()?;
        let x = |at: Time| {
            scaled(at.micros() - burning.start.micros(), burning.end.micros() - burning.start.micros(), WIDTH)
        };
        let y = |credits: Credits| HEIGHT - scaled(credits.millionths(), top.millionths(), HEIGHT - HEAD);
        let first = x(burning.steps[0].0);
        let mut line = format!("M{first} {}", y(level));
        for (at, credits) in &burning.steps[1..] {
            line.push_str(&format!("H{}", x(*at)));
            // A step that cannot be seen is left out, so that a busy month is a page and not a book.
            if y(*credits) != y(level) {
                line.push_str(&format!("V{}", y(*credits)));
            }
            level = *credits;
        }
        let now = x(burning.now);
        line.push_str(&format!("H{now}"));
        let area = format!("{line}V{HEIGHT}H{first}Z");
        let ahead = burning.runs_out.map(|runs_out| match runs_out < burning.end {
            true => format!("M{now} {}L{} {HEIGHT}", y(level), x(runs_out)),
            false => {
                let left = scaled(
                    runs_out.micros() - burning.end.micros(),
                    runs_out.micros() - burning.now.micros(),
                    HEIGHT - y(level),
                );
                format!("M{now} {}L{WIDTH} {}", y(level), HEIGHT - left)
            }
        });
        Some(BurnDown { line, area, ahead, now: format!("M{now} {}h0", y(level)), top })
    }
}

/// What was used of one tool on one day.
pub(crate) struct Bar {
    /// The day's place, from 0.
    pub(crate) day: usize,
    /// The tool's colour, from 1.
    pub(crate) class: usize,
    /// How much.
    pub(crate) credits: Total,
    /// What it says of itself.
    pub(crate) says: String,
}

/// Bars of a day each, the tools on top of one another.
pub(crate) struct Bars {
    /// The parts, ready to be drawn.
    pub(crate) drawn: Vec<DrawnBar>,
}

/// A part of a bar.
pub(crate) struct DrawnBar {
    pub(crate) class: usize,
    pub(crate) path: String,
    pub(crate) says: String,
}

impl Bars {
    /// Colours that there are.
    const CLASSES: usize = 6;

    /// The colour of a tool by its place among the most used, from 0; the last is that of all the rest.
    pub(crate) fn class(rank: usize) -> usize {
        rank.min(Bars::CLASSES - 1) + 1
    }

    /// The drawing of so many days. A day on which more was given back than used has no bar.
    pub(crate) fn of(days: usize, mut parts: Vec<Bar>) -> Bars {
        let days = i64::try_from(days).unwrap_or(i64::MAX).max(1);
        parts.retain(|part| part.credits.millionths() > 0);
        parts.sort_by_key(|part| (part.day, part.class));
        let mut sums: BTreeMap<usize, i128> = BTreeMap::new();
        for part in &parts {
            *sums.entry(part.day).or_default() += part.credits.millionths();
        }
        let top = sums.values().copied().max().unwrap_or(0);
        let mut below: BTreeMap<usize, i128> = BTreeMap::new();
        let drawn = parts.into_iter().map(|part| {
            let day = i64::try_from(part.day).unwrap_or(0);
            let (left, right) = (day * WIDTH / days, (day + 1) * WIDTH / days);
            // A gap between days, as long as they are wide enough for one.
            let right = if right - left > 4 { right - 2 } else { right };
            let height = |credits: i128| HEIGHT - i64::try_from(credits * i128::from(HEIGHT) / top.max(1)).unwrap_or(0);
            let under = below.entry(part.day).or_default();
            let bottom = height(*under);
            *under += part.credits.millionths();
            let path = format!("M{left} {bottom}V{}H{right}V{bottom}Z", height(*under));
            DrawnBar { class: part.class, path, says: part.says }
        });
        Bars { drawn: drawn.collect() }
    }

    pub(crate) fn width(&self) -> i64 {
        WIDTH
    }

    pub(crate) fn height(&self) -> i64 {
        HEIGHT
    }
}

/// `part` of `whole` on a scale of `length`, within it, rounded down.
pub(crate) fn scaled(part: i64, whole: i64, length: i64) -> i64 {
    if whole <= 0 {
        return 0;
    }
    let place = i128::from(part) * i128::from(length) / i128::from(whole);
    i64::try_from(place).unwrap_or(length).clamp(0, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burn_down_is_drawn_to_scale() {
        let at = |seconds: i64| Time::from_micros(seconds * 1_000_000);
        let steps = [(at(0), Credits::whole(100)), (at(25), Credits::whole(50))];
        let burning = Burning { start: at(0), end: at(100), now: at(50), steps: &steps, runs_out: Some(at(75)) };
        let drawn = BurnDown::of(&burning).unwrap();
        assert_eq!(drawn.line, "M0 6H160V93H320");
        assert_eq!(drawn.area, "M0 6H160V93H320V180H0Z");
        assert_eq!(drawn.ahead.as_deref(), Some("M320 93L480 180"));
        assert_eq!((drawn.now.as_str(), drawn.top), ("M320 93h0", Credits::whole(100)));
        let late = BurnDown::of(&Burning { runs_out: Some(at(150)), ..burning }).unwrap();
        assert_eq!(late.ahead.as_deref(), Some("M320 93L640 137"), "half of it is left at the end");
        assert!(BurnDown::of(&Burning { steps: &[], runs_out: None, start: at(0), end: at(1), now: at(0) }).is_none());
    }

    #[test]
    fn bars_stand_on_one_another() {
        let total = |credits: i128| Total::from_millionths(credits * 1_000_000);
        let part = |day, class, credits| Bar { day, class, credits: total(credits), says: String::new() };
        let bars = Bars::of(2, vec![part(1, 1, 30), part(0, 2, 10), part(0, 1, 50), part(1, 3, -5)]);
        let drawn: Vec<(usize, &str)> = bars.drawn.iter().map(|bar| (bar.class, bar.path.as_str())).collect();
        assert_eq!(
            drawn,
            [(1, "M0 180V30H318V180Z"), (2, "M0 30V0H318V30Z"), (1, "M320 180V90H638V180Z")],
            "the highest day fills the height; what was given back has no bar"
        );
    }
}
