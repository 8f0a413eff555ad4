//! Which stack is shown, and what a cluster that is not ours has none of: said in words, never as zeros.

/// Which stack this is, as the top line says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stack {
    /// Profile name, or `embedded`.
    pub name: String,
    pub embedded: bool,
    pub read_only: bool,
    /// Bulk actions ask for the count to be typed.
    pub production: bool,
    /// Whether this process runs workers itself.
    pub workers: bool,
    /// The cluster is not ours: it has topics and groups, but no outbox, event store or services of evtop.
    pub attached: bool,
}

/// What only a stack of our own has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Outbox,
    Timeline,
    Consumers,
}

impl Stack {
    /// Why there is no such part here, and what to do; `None` where there is one.
    #[must_use]
    pub fn absent(&self, part: Part) -> Option<(&'static str, &'static str)> {
        let said = match part {
            Part::Outbox => (
                "attached: this cluster's outbox is not evtop's, so nothing is known of it.",
                "If evtop runs there, name its database in store.url to see its outbox.",
            ),
            Part::Timeline => (
                "attached: this cluster has no event store of evtop's.",
                "If evtop runs there, name its database in store.url to see its events.",
            ),
            Part::Consumers => (
                "attached: this cluster's consumers are not evtop's, so none can be steered here.",
                "Lag (key 2, or `evtop lag`) shows every group and who reads what.",
            ),
        };
        self.attached.then_some(said)
    }
}
