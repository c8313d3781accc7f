//! A checked formula, ready to be evaluated (R3, R4).
//!
//! Nodes in one vector, each naming nodes before it, so nothing can loop; measures and `let` values
//! in numbered slots. Apart from the checker because it is what stays after publication and what
//! every price goes through. Evaluation allocates nothing and answers `None` only for what the
//! proof at publication rules out: an overflow or a division by zero.

use crate::rate::ratio::Ratio;
use crate::rate::rounding::Rounding;
use crate::rate::table::Table;
use crate::rate::tiers::Tiers;

/// The most measures of a rate.
pub(crate) const MEASURES_MAX: usize = 16;
/// The most `let` names of a rate.
pub(crate) const LETS_MAX: usize = 32;
/// The most nodes of a rate.
pub(crate) const NODES_MAX: usize = 2_000;
const SLOTS: usize = MEASURES_MAX + LETS_MAX;

/// The place of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NodeId(u16);

/// The place of a measure or a `let` value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot(u8);

/// One step of a formula.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Node {
    Number(Ratio),
    /// A measure or a `let` value.
    Read(Slot),
    Add(NodeId, NodeId),
    Subtract(NodeId, NodeId),
    Multiply(NodeId, NodeId),
    Divide(NodeId, NodeId),
    Negative(NodeId),
    Min(NodeId, NodeId),
    Max(NodeId, NodeId),
    Round {
        of: NodeId,
        rounding: Rounding,
        places: u8,
    },
    /// Only the branch that holds is evaluated.
    If {
        condition: NodeId,
        yes: NodeId,
        no: NodeId,
    },
    /// A look-up, by its place in [`Program::tables`].
    Table(u8),
    /// A price by bands, by its place in [`Program::tiers`].
    Tiers {
        of: NodeId,
        tiers: u8,
    },
    // The rest are conditions.
    Less(NodeId, NodeId),
    AtMost(NodeId, NodeId),
    Equal(NodeId, NodeId),
    And(NodeId, NodeId),
    Or(NodeId, NodeId),
    Not(NodeId),
}

/// The values of the measures and `let` names of one evaluation.
pub(crate) struct Slots([Ratio; SLOTS]);

/// A formula with its `let` values, tables and tiers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Program {
    nodes: Vec<Node>,
    /// Which measures each node depends on, a bit each.
    depends: Vec<u32>,
    /// The node of each `let` value, in the order in which they are evaluated.
    lets: Vec<NodeId>,
    pub(crate) tables: Vec<Table>,
    pub(crate) tiers: Vec<Tiers>,
}

impl NodeId {
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl Slot {
    /// The slot of a measure.
    pub(crate) fn of_measure(place: usize) -> Option<Slot> {
        (place < MEASURES_MAX).then(|| u8::try_from(place).map(Slot).ok()).flatten()
    }

    /// The slot of a `let` name.
    pub(crate) fn of_let(place: usize) -> Option<Slot> {
        (place < LETS_MAX).then(|| u8::try_from(MEASURES_MAX + place).map(Slot).ok()).flatten()
    }

    /// Which measure it is, or else which `let` name.
    pub(crate) fn kind(self) -> Result<usize, usize> {
        let place = usize::from(self.0);
        if place < MEASURES_MAX { Ok(place) } else { Err(place - MEASURES_MAX) }
    }

    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl Slots {
    /// All zero.
    pub(crate) const fn new() -> Slots {
        Slots([Ratio::ZERO; SLOTS])
    }

    /// Puts the value of a measure, by its place among the declared ones.
    pub(crate) fn put_measure(&mut self, place: usize, value: Ratio) {
        self.0[place] = value;
    }

    /// The value of a measure, by its place.
    pub(crate) fn measure(&self, place: usize) -> Ratio {
        self.0[place]
    }

    /// The value in a slot.
    pub(crate) fn get(&self, slot: Slot) -> Ratio {
        self.0[slot.index()]
    }
}

impl Program {
    /// Adds a node; `None` when there are too many.
    pub(crate) fn push(&mut self, node: Node) -> Option<NodeId> {
        if self.nodes.len() >= NODES_MAX {
            return None;
        }
        let id = NodeId(u16::try_from(self.nodes.len()).ok()?);
        self.depends.push(self.dependencies(&node));
        self.nodes.push(node);
        Some(id)
    }

    /// Adds a `let` value: its slot, if there is room.
    pub(crate) fn bind(&mut self, value: NodeId) -> Option<Slot> {
        let slot = Slot::of_let(self.lets.len())?;
        self.lets.push(value);
        Some(slot)
    }

    /// The node at a place.
    pub(crate) fn node(&self, id: NodeId) -> Node {
        self.nodes[usize::from(id.0)]
    }

    /// The nodes of the `let` values, in order.
    pub(crate) fn lets(&self) -> &[NodeId] {
        &self.lets
    }

    /// How much there is to look at: nodes, cells, and bands once for each band.
    pub(crate) fn size(&self) -> usize {
        let cells: usize = self.tables.iter().map(Table::cell_count).sum();
        let bands: usize = self.tiers.iter().map(|tiers| tiers.bands().len() * tiers.bands().len()).sum();
        self.nodes.len() + cells + bands
    }

    /// The measures that a node depends on, a bit each.
    pub(crate) fn depends(&self, id: NodeId) -> u32 {
        self.depends[usize::from(id.0)]
    }

    fn dependencies(&self, node: &Node) -> u32 {
        let of = |id: NodeId| self.depends(id);
        match *node {
            Node::Number(_) => 0,
            Node::Read(slot) => match slot.kind() {
                Ok(measure) => 1 << measure,
                Err(place) => self.lets.get(place).map_or(0, |value| of(*value)),
            },
            Node::Negative(a) | Node::Round { of: a, .. } | Node::Not(a) | Node::Tiers { of: a, .. } => of(a),
            Node::Add(a, b)
            | Node::Subtract(a, b)
            | Node::Multiply(a, b)
            | Node::Divide(a, b)
            | Node::Min(a, b)
            | Node::Max(a, b)
            | Node::Less(a, b)
            | Node::AtMost(a, b)
            | Node::Equal(a, b)
            | Node::And(a, b)
            | Node::Or(a, b) => of(a) | of(b),
            Node::If { condition, yes, no } => of(condition) | of(yes) | of(no),
            Node::Table(table) => self.tables[usize::from(table)].measures().fold(0, |mask, place| mask | 1 << place),
        }
    }

    /// Fills the slots of the `let` names from those of the measures.
    pub(crate) fn fill_lets(&self, slots: &mut Slots) -> Option<()> {
        for (place, value) in self.lets.iter().enumerate() {
            slots.0[MEASURES_MAX + place] = self.number(*value, slots)?;
        }
        Some(())
    }

    /// The number that a node gives. Its depth is bounded by the parser's.
    pub(crate) fn number(&self, id: NodeId, slots: &Slots) -> Option<Ratio> {
        match self.node(id) {
            Node::Number(value) => Some(value),
            Node::Read(slot) => Some(slots.get(slot)),
            Node::Add(a, b) => self.number(a, slots)?.add(self.number(b, slots)?),
            Node::Subtract(a, b) => self.number(a, slots)?.sub(self.number(b, slots)?),
            Node::Multiply(a, b) => self.number(a, slots)?.mul(self.number(b, slots)?),
            Node::Divide(a, b) => self.number(a, slots)?.div(self.number(b, slots)?),
            Node::Negative(a) => self.number(a, slots)?.neg(),
            Node::Min(a, b) => Some(self.number(a, slots)?.min(self.number(b, slots)?)),
            Node::Max(a, b) => Some(self.number(a, slots)?.max(self.number(b, slots)?)),
            Node::Round { of, rounding, places } => self.number(of, slots)?.rounded(rounding, places),
            Node::If { condition, yes, no } => {
                if self.holds(condition, slots)? {
                    self.number(yes, slots)
                } else {
                    self.number(no, slots)
                }
            }
            Node::Table(table) => self.tables[usize::from(table)].value(slots),
            Node::Tiers { of, tiers } => self.tiers[usize::from(tiers)].price(self.number(of, slots)?),
            Node::Less(..) | Node::AtMost(..) | Node::Equal(..) | Node::And(..) | Node::Or(..) | Node::Not(_) => None,
        }
    }

    /// Whether a condition holds.
    pub(crate) fn holds(&self, id: NodeId, slots: &Slots) -> Option<bool> {
        match self.node(id) {
            Node::Less(a, b) => Some(self.number(a, slots)? < self.number(b, slots)?),
            Node::AtMost(a, b) => Some(self.number(a, slots)? <= self.number(b, slots)?),
            Node::Equal(a, b) => Some(self.number(a, slots)? == self.number(b, slots)?),
            Node::And(a, b) => Some(self.holds(a, slots)? && self.holds(b, slots)?),
            Node::Or(a, b) => Some(self.holds(a, slots)? || self.holds(b, slots)?),
            Node::Not(a) => Some(!self.holds(a, slots)?),
            Node::Number(_)
            | Node::Read(_)
            | Node::Add(..)
            | Node::Subtract(..)
            | Node::Multiply(..)
            | Node::Divide(..)
            | Node::Negative(_)
            | Node::Min(..)
            | Node::Max(..)
            | Node::Round { .. }
            | Node::If { .. }
            | Node::Table(_)
            | Node::Tiers { .. } => None,
        }
    }
}
