//! Fills the braces of a statement, `{word argument}`, with what the database at hand says there. What
//! is no known word is a mistake of ours and stays as it is, so that the database names it.

/// Replaces each `{…}` by what `word` makes of the word and its argument.
pub(super) fn fill(statement: &str, word: fn(&str, &str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(statement.len() + 128);
    let mut rest = statement;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((inside, behind)) = after.split_once('}') else {
            filled.push('{');
            rest = after;
            break;
        };
        let (name, argument) = inside.split_once(' ').unwrap_or((inside, ""));
        match word(name, argument) {
            Some(said) => filled.push_str(&said),
            None => {
                filled.push('{');
                filled.push_str(inside);
                filled.push('}');
            }
        }
        rest = behind;
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_filled_and_strangers_stay() {
        let word = |name: &str, argument: &str| (name == "int").then(|| format!("<{argument}>"));
        assert_eq!(fill("a {int 1}, {int 2} b", word), "a <1>, <2> b");
        assert_eq!(fill("{} {what} {int", word), "{} {what} {int");
        assert_eq!(fill("", word), "");
    }
}
