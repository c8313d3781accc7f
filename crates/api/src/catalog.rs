//! Catalogs, as they are shown and published.

use scrip_core::catalog::{Catalog, Follower, Package, Plan, Price, ProjectType, Published, Succession, Tool, Toolkit};
use scrip_core::measure::MeasureValue;
use scrip_core::plan::Renews;
use scrip_core::rate::domain::{Declared, Values};
use scrip_core::sale;
use scrip_core::time::Time;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::number::{Amount, Quantity};
use crate::time::Instant;

/// A published version, with its document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CatalogShown {
    /// The studio.
    pub studio: String,
    /// The studio's name for people.
    pub name: String,
    /// Counted from 1.
    pub catalog_version: u32,
    /// When it was published.
    pub published_at: Instant,
    /// From when it is in force.
    pub effective_from: Instant,
    /// Seconds for which it is honoured after being superseded.
    pub honoured_for: u32,
    /// `debt` or `write_off`: what becomes of spent credits of orders whose money went back.
    pub claw_back: String,
    /// The toolkits, in the document's order.
    pub toolkits: Vec<NamedShown>,
    /// The project types, in the document's order.
    pub project_types: Vec<NamedShown>,
    /// The tools, in the document's order.
    pub tools: Vec<ToolShown>,
    /// The plans, in the document's order.
    pub plans: Vec<PlanShown>,
    /// The packages, smallest first.
    pub packages: Vec<PackageShown>,
    /// `toml` or `json`: how the document was written. Absent for customers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// The document as it was published, rates and examples included. Absent for customers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// Something with an id and a name for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NamedShown {
    /// Its name in the catalog.
    pub id: String,
    /// Its name for people.
    pub name: String,
}

/// A tool. What a job costs is in a quote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ToolShown {
    /// Its name in the catalog.
    pub tool: String,
    /// Its name for people.
    pub name: String,
    /// The toolkit that it is listed under.
    pub toolkit: Option<String>,
    /// The project type that an account must have enabled; null: for all.
    pub project_type: Option<String>,
    /// Seconds to the deadline of its holds.
    pub hold_for: u32,
    /// `cap`, `extend` or `debt`: what a settle does with a price above the hold.
    pub on_excess: String,
    /// How it is priced, in words: `20 credits per second`, or the formula.
    pub rate: String,
    /// The measures that a job of it gives.
    pub measures: Vec<MeasureShown>,
}

/// A measure of a tool: a quantity with bounds, or a choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MeasureShown {
    /// Its name.
    pub measure: String,
    /// What it counts; null where the catalog does not say.
    pub unit: Option<String>,
    /// What it is when it is not given; null: it must be given.
    pub default: Option<ChoiceShown>,
    /// The least that is accepted; absent for a choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Quantity>,
    /// The most that is accepted; absent for a choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Quantity>,
    /// A quantity is rounded up to a multiple of this, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Quantity>,
    /// Decimals of a quantity; absent for a choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decimals: Option<u8>,
    /// The numbers or words to choose from; absent for a quantity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choices: Option<Vec<ChoiceShown>>,
}

/// A number or a word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum ChoiceShown {
    /// A number.
    Number(Quantity),
    /// A word.
    Word(String),
}

impl<'de> Deserialize<'de> for ChoiceShown {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ChoiceShown, D::Error> {
        let raw = <&'de RawValue>::deserialize(deserializer)?.get();
        match raw.starts_with('"') {
            true => serde_json::from_str(raw).map(ChoiceShown::Word),
            false => serde_json::from_str(raw).map(ChoiceShown::Number),
        }
        .map_err(D::Error::custom)
    }
}

impl From<&MeasureValue> for ChoiceShown {
    fn from(value: &MeasureValue) -> ChoiceShown {
        match value {
            MeasureValue::Number(number) => ChoiceShown::Number(Quantity(*number)),
            MeasureValue::Word(word) => ChoiceShown::Word(word.to_string()),
        }
    }
}

impl From<&Declared> for MeasureShown {
    fn from(declared: &Declared) -> MeasureShown {
        let shown = MeasureShown {
            measure: declared.id.to_string(),
            unit: declared.unit.as_ref().map(|unit| unit.many.to_string()),
            default: declared.default.as_ref().map(ChoiceShown::from),
            min: None,
            max: None,
            step: None,
            decimals: None,
            choices: None,
        };
        match &declared.values {
            Values::Quantity(quantity) => MeasureShown {
                min: Some(Quantity(quantity.min)),
                max: Some(Quantity(quantity.max)),
                step: quantity.step.map(Quantity),
                decimals: Some(quantity.decimals),
                ..shown
            },
            Values::Numbers(numbers) => MeasureShown {
                choices: Some(numbers.iter().map(|number| ChoiceShown::Number(Quantity(*number))).collect()),
                ..shown
            },
            Values::Words(words) => MeasureShown {
                choices: Some(words.iter().map(|word| ChoiceShown::Word(word.to_string())).collect()),
                ..shown
            },
        }
    }
}

/// A plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanShown {
    /// Its name in the catalog.
    pub plan: String,
    /// Its name for people.
    pub name: String,
    /// Credits at the start of each cycle (a month).
    pub allowance: Amount,
    /// Months that are paid for at once.
    pub term_months: u32,
    /// The most that may roll over at a turn; null: nothing does.
    pub roll_over_cap: Option<Amount>,
    /// What a term costs; null where the catalog does not say.
    pub price: Option<PriceShown>,
    /// `clock` or `payment`: what makes a term go on into the next.
    pub renews: String,
    /// Days for which a plan that renews by payment waits for it; null for any other.
    pub grace_days: Option<u32>,
}

/// A package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PackageShown {
    /// Its name in the catalog.
    pub package: String,
    /// Its name for people.
    pub name: String,
    /// Top-up credits.
    pub credits: Amount,
    /// Promo credits on top.
    pub bonus: Amount,
    /// Days from the payment until its credits expire; null: never.
    pub expires_in_days: Option<u32>,
    /// Days from the payment until its bonus expires; null: never.
    pub bonus_expires_in_days: Option<u32>,
    /// What it costs.
    pub price: PriceShown,
    /// Whether only accounts on an active plan can buy it.
    pub needs_plan: bool,
    /// How often one account can buy it; null: any number of times.
    pub limit: Option<LimitShown>,
    /// From when on it is for sale; null: from the start.
    pub from: Option<Instant>,
    /// The first instant at which it is no longer for sale; null: never.
    pub until: Option<Instant>,
}

/// So many in a period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitShown {
    /// How many.
    pub count: u32,
    /// `ever`, `month` or `day`, in the account's time zone.
    pub per: String,
}

/// A sum of money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PriceShown {
    /// In the currency's minor unit (cents).
    pub amount: i64,
    /// ISO 4217, as in `EUR`.
    pub currency: String,
}

/// What is for sale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PackagesShown {
    /// The packages of the catalog in force, smallest first.
    pub packages: Vec<PackageShown>,
    /// The catalog version in force.
    pub catalog_version: u32,
}

/// Every published version, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VersionsShown {
    /// The versions.
    pub versions: Vec<VersionShown>,
}

/// A published version without its document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VersionShown {
    /// Counted from 1.
    pub catalog_version: u32,
    /// When it was published.
    pub published_at: Instant,
    /// From when it is in force.
    pub effective_from: Instant,
    /// Whether it is the one in force now.
    pub in_force: bool,
    /// Twelve hexadecimal digits of a digest of its content, as the audit trail has them: comments and spacing change nothing of it.
    pub digest: String,
}

/// What publishing came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublishedShown {
    /// The version that has this content; null for a dry run of new content. Publishing what was a version changes nothing.
    pub catalog_version: Option<u32>,
    /// Whether this call made it a version: false for a dry run, and where the content was a version before.
    pub published: bool,
    /// From when it is, or would be, in force.
    pub effective_from: Option<Instant>,
    /// The version that it takes over from: in force when it begins. Null where none is, and for what was a version before.
    pub replaces: Option<u32>,
    /// What differs from that version, a line each.
    pub changes: Vec<String>,
    /// The versions that are scheduled already and take over from it, in the order in which they do; left out where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub followed_by: Vec<FollowerShown>,
    /// How many examples its rates carry: all came out as written, or it would have been refused (R6).
    pub examples: usize,
    /// What is allowed and hardly meant, with the payment provider that the studio has; left out where there is nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// A version that is scheduled already and takes over from a new one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FollowerShown {
    /// Its number.
    pub catalog_version: u32,
    /// From when it is in force.
    pub effective_from: Instant,
    /// What of the new version does not hold in this one, a line each; a line says the new version's, and then this one's.
    pub takes_back: Vec<String>,
}

impl From<&Price> for PriceShown {
    fn from(price: &Price) -> PriceShown {
        PriceShown { amount: price.amount, currency: price.currency.to_string() }
    }
}

impl From<&Package> for PackageShown {
    fn from(package: &Package) -> PackageShown {
        PackageShown {
            package: package.id.to_string(),
            name: package.name.to_string(),
            credits: Amount(package.credits),
            bonus: Amount(package.bonus),
            expires_in_days: package.expires_in_days,
            bonus_expires_in_days: package.bonus_expires_in_days,
            price: (&package.price).into(),
            needs_plan: package.needs_plan,
            limit: package.limit.map(|limit| LimitShown { count: limit.count, per: limit.per.word().to_owned() }),
            from: package.from.map(Instant),
            until: package.until.map(Instant),
        }
    }
}

impl From<&Plan> for PlanShown {
    fn from(plan: &Plan) -> PlanShown {
        PlanShown {
            plan: plan.id.to_string(),
            name: plan.name.to_string(),
            allowance: Amount(plan.terms.allowance),
            term_months: plan.terms.term_months,
            roll_over_cap: plan.terms.roll_over_cap.map(Amount),
            price: plan.price.as_ref().map(PriceShown::from),
            renews: match plan.terms.renews {
                Renews::Clock => "clock".to_owned(),
                Renews::Payment { .. } => "payment".to_owned(),
            },
            grace_days: match plan.terms.renews {
                Renews::Clock => None,
                Renews::Payment { grace_days } => Some(grace_days),
            },
        }
    }
}

impl From<&Tool> for ToolShown {
    fn from(tool: &Tool) -> ToolShown {
        ToolShown {
            tool: tool.id.to_string(),
            name: tool.name.to_string(),
            toolkit: tool.toolkit.as_deref().map(str::to_owned),
            project_type: tool.project_type.as_ref().map(ToString::to_string),
            hold_for: tool.hold_for,
            on_excess: tool.on_excess.word().to_owned(),
            rate: tool.rate.summary(),
            measures: tool.rate.measures().iter().map(MeasureShown::from).collect(),
        }
    }
}

fn toolkit(toolkit: &Toolkit) -> NamedShown {
    NamedShown { id: toolkit.id.to_string(), name: toolkit.name.to_string() }
}

fn project_type(project_type: &ProjectType) -> NamedShown {
    NamedShown { id: project_type.id.to_string(), name: project_type.name.to_string() }
}

impl CatalogShown {
    /// A version; for the studio with its document, and how that was written.
    pub fn of(published: &Published, document: Option<(&str, &str)>) -> CatalogShown {
        let catalog: &Catalog = &published.catalog;
        CatalogShown {
            studio: catalog.studio.to_string(),
            name: catalog.studio_name.to_string(),
            catalog_version: published.version,
            published_at: Instant(published.published_at),
            effective_from: Instant(published.effective),
            honoured_for: catalog.honoured_for,
            claw_back: catalog.claw_back.word().to_owned(),
            toolkits: catalog.toolkits.iter().map(toolkit).collect(),
            project_types: catalog.project_types.iter().map(project_type).collect(),
            tools: catalog.tools.iter().map(ToolShown::from).collect(),
            plans: catalog.plans.iter().map(PlanShown::from).collect(),
            packages: packages(catalog),
            format: document.map(|(format, _)| format.to_owned()),
            source: document.map(|(_, source)| source.to_owned()),
        }
    }
}

/// What a catalog has for sale at an instant.
pub fn packages_on_sale(catalog: &Catalog, at: Time) -> Vec<PackageShown> {
    let packages = catalog.packages.iter().filter(|package| sale::on_sale(package, at));
    packages.map(PackageShown::from).collect()
}

/// All packages of a catalog.
pub fn packages(catalog: &Catalog) -> Vec<PackageShown> {
    catalog.packages.iter().map(PackageShown::from).collect()
}

impl VersionShown {
    /// A version, seen when `in_force` is the version in force.
    pub fn of(published: &Published, in_force: Option<u32>) -> VersionShown {
        VersionShown {
            catalog_version: published.version,
            published_at: Instant(published.published_at),
            effective_from: Instant(published.effective),
            in_force: in_force == Some(published.version),
            digest: published.catalog.short_digest(),
        }
    }
}

impl From<Follower> for FollowerShown {
    fn from(follower: Follower) -> FollowerShown {
        FollowerShown {
            catalog_version: follower.version,
            effective_from: Instant(follower.effective),
            takes_back: follower.takes_back,
        }
    }
}

impl PublishedShown {
    /// What a catalog came to that is no version yet, or was one before.
    pub fn of(catalog: &Catalog, effective_from: Option<Time>) -> PublishedShown {
        PublishedShown {
            catalog_version: None,
            published: false,
            effective_from: effective_from.map(Instant),
            replaces: None,
            changes: Vec::new(),
            followed_by: Vec::new(),
            examples: catalog.tools.iter().map(|tool| tool.rate.examples().len()).sum(),
            warnings: Vec::new(),
        }
    }

    /// The same, with what it comes to beside the versions that there are.
    #[must_use]
    pub fn beside(self, succession: Succession) -> PublishedShown {
        PublishedShown {
            replaces: succession.replaces,
            changes: succession.changes,
            followed_by: succession.followed_by.into_iter().map(FollowerShown::from).collect(),
            ..self
        }
    }
}
