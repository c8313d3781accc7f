//! The model's own price lists: what each catalog of the simulated world costs, written by hand (R2–R8).
//!
//! Apart from the catalogs' language so that a fault in it cannot be repeated here. Nothing is parsed: every rate is one of
//! three shapes in plain integer arithmetic. Amounts are millionths of a credit.

/// Millionths of a credit, as wide as anything needs.
pub type Amount = i128;

/// One credit.
pub const CREDIT: Amount = 1_000_000;

/// A version of a studio's price list.
#[derive(Clone, Debug)]
pub struct PriceList {
    /// Its tools.
    pub tools: Vec<Tool>,
    /// Its plans.
    pub plans: Vec<Plan>,
    /// Its packages by name, with the credits they give in all; smallest first.
    pub packages: Vec<(&'static str, Amount)>,
    /// Seconds for which it is honoured once superseded.
    pub honoured_for: i64,
}

/// A tool.
#[derive(Clone, Debug)]
pub struct Tool {
    /// Its name.
    pub id: &'static str,
    /// Its project type.
    pub project_type: Option<&'static str>,
    /// What it costs.
    pub rate: Rate,
    /// Seconds to the deadline of its holds.
    pub hold_for: i64,
    /// What a settle above the hold does.
    pub policy: Policy,
}

/// What a settle above the hold does (R19).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The held amount and no more.
    Cap,
    /// The rest from available.
    Extend,
    /// The rest from available, then owed.
    Debt,
}

/// A plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its name.
    pub id: &'static str,
    /// Per cycle.
    pub allowance: Amount,
    /// Cycles in a term.
    pub months: i64,
    /// What may roll over.
    pub cap: Option<Amount>,
}

/// How a tool is priced.
#[derive(Clone, Debug)]
pub enum Rate {
    /// The same each time.
    Flat(Amount),
    /// So much for each started unit of a measure, whose bounds are whole numbers.
    PerUnit {
        /// The measure.
        measure: &'static str,
        /// For one unit.
        each: Amount,
        /// Allowed quantities.
        bounds: (i64, i64),
        /// Whether a part of a unit is accepted, and counts as a whole one.
        parts: Parts,
        /// Credits at the least.
        minimum: Amount,
    },
    /// StudioTwin's materials: so much, 10 for a megapixel, and 3 for a megapixel and each time of upscale beyond one.
    Material {
        /// What every run costs.
        base: Amount,
        /// The smallest and largest side, in pixels.
        sides: (i64, i64),
    },
}

/// What becomes of a part of a unit (R4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parts {
    /// It counts as a whole one.
    CountWhole,
    /// It is refused.
    Refused,
}

/// A job's measures: name and value in thousandths.
pub type Inputs = Vec<(&'static str, i64)>;

/// Why a job has no price: the measure at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongMeasure(pub &'static str);

impl PriceList {
    /// The tool of that name.
    pub fn tool(&self, id: &str) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.id == id)
    }

    /// The plan of that name.
    pub fn plan(&self, id: &str) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.id == id)
    }
}

impl Rate {
    /// The measures that a job must give.
    pub fn measures(&self) -> Vec<&'static str> {
        match self {
            Rate::Flat(_) => vec![],
            Rate::PerUnit { measure, .. } => vec![measure],
            Rate::Material { .. } => vec!["width", "height", "upscale"],
        }
    }

    /// The price of a job.
    pub fn price(&self, inputs: &Inputs) -> Result<Amount, WrongMeasure> {
        let known = self.measures();
        if let Some((unknown, _)) = inputs.iter().find(|(name, _)| !known.contains(name)) {
            return Err(WrongMeasure(unknown));
        }
        let whole = |name: &'static str, bounds: (i64, i64), parts: Parts| -> Result<i64, WrongMeasure> {
            let (_, thousandths) = inputs.iter().find(|(other, _)| *other == name).ok_or(WrongMeasure(name))?;
            let (units, part) = (thousandths.div_euclid(1_000), thousandths.rem_euclid(1_000));
            let units = match parts {
                Parts::CountWhole if part > 0 => units + 1,
                Parts::Refused if part > 0 => return Err(WrongMeasure(name)),
                Parts::CountWhole | Parts::Refused => units,
            };
            let within = thousandths >= &(bounds.0 * 1_000) && thousandths <= &(bounds.1 * 1_000);
            if within { Ok(units) } else { Err(WrongMeasure(name)) }
        };
        match self {
            Rate::Flat(price) => Ok(*price),
            Rate::PerUnit { measure, each, bounds, parts, minimum } => {
                let units = whole(measure, *bounds, *parts)?;
                let price = Amount::from(units) * each;
                Ok(round_to_credit(price.max(*minimum), 1))
            }
            Rate::Material { base, sides } => {
                let width = whole("width", *sides, Parts::Refused)?;
                let height = whole("height", *sides, Parts::Refused)?;
                let upscale = whole("upscale", (1, 4), Parts::Refused)?;
                if upscale == 3 {
                    return Err(WrongMeasure("upscale"));
                }
                let pixels = Amount::from(width) * Amount::from(height);
                let per_megapixel = 10 + if upscale > 1 { 3 * Amount::from(upscale) } else { 0 };
                // Over the common denominator of a megapixel: nothing is rounded before the end.
                Ok(round_to_credit((base * MEGAPIXEL) + per_megapixel * pixels * CREDIT, MEGAPIXEL))
            }
        }
    }
}

const MEGAPIXEL: Amount = 1_048_576;

/// `amount / divisor` to whole credits, half up; nothing here is below zero.
fn round_to_credit(amount: Amount, divisor: Amount) -> Amount {
    let unit = CREDIT * divisor;
    (amount + unit / 2) / unit * CREDIT
}

#[cfg(test)]
mod tests {
    use super::*;

    /// StudioTwin's tables of materials.
    #[test]
    fn materials_cost_what_the_document_says() {
        for (base, side, prices) in [
            (2, 512, [5, 6, 8]),
            (2, 1024, [12, 18, 24]),
            (2, 2048, [42, 66, 90]),
            (13, 512, [16, 17, 19]),
            (13, 1024, [23, 29, 35]),
            (13, 2048, [53, 77, 101]),
        ] {
            for (upscale, price) in [1, 2, 4].into_iter().zip(prices) {
                let inputs = vec![("width", side * 1_000), ("height", side * 1_000), ("upscale", upscale * 1_000)];
                let found = Rate::Material { base: base * CREDIT, sides: (1, 4_096) }.price(&inputs);
                assert_eq!(found, Ok(price * CREDIT), "{base} {side} {upscale}");
            }
        }
    }
}
