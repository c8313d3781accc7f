//! Credits by day and tool, drawn on the server as stacked bars.
//!
//! Only how high a bar stands is computed here, in whole units of a drawing; every number that is written comes from the API
//! as it is.

/// The drawing's height.
pub(crate) const HEIGHT: i128 = 100;
/// The width of a day's place in it.
pub(crate) const STEP: usize = 10;
/// Tools that have a colour of their own; all others share one more.
pub(crate) const COLOURS: usize = 5;

/// Credits of one tool on one day.
pub(crate) struct Part {
    pub(crate) day: usize,
    /// The tool's rank by use, from 0.
    pub(crate) rank: usize,
    pub(crate) millionths: i128,
}

/// A piece of a bar.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) x: usize,
    pub(crate) y: i128,
    pub(crate) height: i128,
    /// From 1.
    pub(crate) colour: usize,
}

/// The colour of a rank, from 1.
pub(crate) fn colour(rank: usize) -> usize {
    rank.min(COLOURS) + 1
}

/// The pieces of the bars: each day's stand upon each other, the most used tool lowest.
pub(crate) fn drawn(days: usize, mut parts: Vec<Part>) -> Vec<Piece> {
    parts.retain(|part| part.day < days && part.millionths > 0);
    parts.sort_by_key(|part| (part.day, part.rank));
    let mut sums = vec![0; days];
    parts.iter().for_each(|part| sums[part.day] += part.millionths);
    let Some(top) = sums.iter().copied().max().filter(|top| *top > 0) else { return Vec::new() };
    let mut stacked = vec![0; days];
    let mut pieces = Vec::with_capacity(parts.len());
    for part in parts {
        // Both ends on the scale, so that no piece is off by what others were rounded.
        let low = (stacked[part.day] * HEIGHT).div_euclid(top);
        stacked[part.day] += part.millionths;
        let high = (stacked[part.day] * HEIGHT).div_euclid(top);
        if high > low {
            let (x, y) = (part.day * STEP + 1, HEIGHT - high);
            pieces.push(Piece { x, y, height: high - low, colour: colour(part.rank) });
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_stacked_to_scale() {
        let part = |day, rank, millionths| Part { day, rank, millionths };
        let parts =
            vec![part(1, 7, 50), part(0, 0, 30), part(0, 1, 30), part(1, 0, 150), part(2, 0, -9), part(9, 0, 9)];
        let piece = |x, y, height, colour| Piece { x, y, height, colour };
        assert_eq!(
            drawn(3, parts),
            [piece(1, 85, 15, 1), piece(1, 70, 15, 2), piece(11, 25, 75, 1), piece(11, 0, 25, COLOURS + 1)]
        );
        assert_eq!(drawn(3, Vec::new()), []);
    }
}
