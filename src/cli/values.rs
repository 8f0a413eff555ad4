//! How one word of the command line is read: what is allowed, and the sentence where it is not.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap_complete::Shell;

use crate::command::Screen;
use crate::domain::position::Position;
use crate::domain::scenario::Scenario;

/// The shells that people use where evtop runs.
pub fn shell() -> impl TypedValueParser<Value = Shell> {
    PossibleValuesParser::new(["bash", "zsh", "fish"]).try_map(|name| name.parse::<Shell>())
}

/// `48212`, or `TX:48212` where the store has transactions (PostgreSQL).
pub fn position(text: &str) -> Result<Position, String> {
    let (tx, pos) = text.split_once(':').unwrap_or(("0", text));
    match (tx.parse(), pos.parse()) {
        (Ok(tx), Ok(pos)) => Ok(Position { tx, pos }),
        _ => Err("write the position that `evtop timeline` shows, such as 48212".to_owned()),
    }
}

/// A scenario by its name.
pub fn scenario() -> impl TypedValueParser<Value = Scenario> {
    let values = Scenario::ALL.map(|s| PossibleValue::new(s.name()).help(s.help()));
    PossibleValuesParser::new(values).try_map(|name| {
        // The possible values are these very names.
        Scenario::parse(&name).ok_or("unknown scenario")
    })
}

/// A screen by the title on its tab (`dead-letters`) or its key (`5`).
pub fn screen() -> impl TypedValueParser<Value = Screen> {
    let name = |screen: Screen| screen.tab().1.to_lowercase().replace(' ', "-");
    let values = Screen::ALL.map(|screen| {
        let key = screen.tab().0.to_string();
        let value = PossibleValue::new(name(screen)).alias(key);
        match screen {
            Screen::Letters => value.alias("dlq").alias("letters"),
            _ => value,
        }
    });
    let known = values.clone();
    PossibleValuesParser::new(values).try_map(move |given| {
        let at = known.iter().position(|value| value.matches(&given, true));
        at.map(|at| Screen::ALL[at]).ok_or("unknown screen")
    })
}

/// `140x42`: columns and rows.
pub fn size(text: &str) -> Result<(u16, u16), String> {
    let parts = text.split_once(['x', 'X', '×']);
    let read = |part: &str, most: u16| part.parse().ok().filter(|n| (1..=most).contains(n));
    parts
        .and_then(|(width, height)| Some((read(width, 1_000)?, read(height, 500)?)))
        .ok_or_else(|| "write columns and rows, such as 140x42, up to 1000x500".to_owned())
}
