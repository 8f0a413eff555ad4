//! What a single character does to a screen.

use unicode_width::UnicodeWidthChar;

/// How a character is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Takes room of its own.
    Base,
    /// Belongs to the base before it and takes no room.
    Mark,
    /// ZWJ and ZWNJ: shape what is beside them.
    Joiner,
    /// Chooses a form of the base before it.
    Selector,
    /// Never shown as it is.
    Hidden,
}

/// Controls, bidirectional controls, format characters (general category Cf of Unicode 16), tags,
/// noncharacters, and letters that look like nothing.
pub(super) fn class(c: char) -> Class {
    match c {
        ' '..='~' => Class::Base,
        '\u{200C}' | '\u{200D}' => Class::Joiner,
        '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}' => Class::Selector,
        '\u{180B}'..='\u{180D}' | '\u{180F}' => Class::Selector,
        '\0'..='\u{1F}' | '\u{7F}'..='\u{9F}' => Class::Hidden,
        '\u{AD}' | '\u{34F}' | '\u{600}'..='\u{605}' | '\u{61C}' | '\u{6DD}' | '\u{70F}' => {
            Class::Hidden
        }
        '\u{890}' | '\u{891}' | '\u{8E2}' | '\u{115F}' | '\u{1160}' => Class::Hidden,
        '\u{17B4}' | '\u{17B5}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}' => {
            Class::Hidden
        }
        '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' => Class::Hidden,
        '\u{FDD0}'..='\u{FDEF}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFC}' => {
            Class::Hidden
        }
        '\u{110BD}' | '\u{110CD}' | '\u{13430}'..='\u{1343F}' => Class::Hidden,
        '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' => Class::Hidden,
        '\u{E0000}'..='\u{E0FFF}' => Class::Hidden,
        _ if u32::from(c) & 0xFFFE == 0xFFFE => Class::Hidden,
        _ if c.width().unwrap_or(0) == 0 => Class::Mark,
        _ => Class::Base,
    }
}

/// What stands for a character: its picture, or its number.
pub(super) fn shown(c: char) -> String {
    let picture = match c {
        '\0'..='\u{1F}' => char::from_u32(0x2400 + u32::from(c)),
        '\u{7F}' => Some('␡'),
        _ => None,
    };
    picture.map_or_else(|| format!("⟨U+{:04X}⟩", u32::from(c)), String::from)
}

/// Whether a joiner has something to join: an emoji on both sides, or a letter before it whose script
/// shapes by joiners. `base` is the last character before it that takes room.
pub(super) fn joins(base: char, cluster: &[char], at: usize) -> bool {
    if uses_joiners(base) {
        // One is enough; a row of them is hiding something.
        return at
            .checked_sub(1)
            .is_some_and(|i| class(cluster[i]) != Class::Joiner);
    }
    cluster[at] == '\u{200D}'
        && is_emoji(base)
        && cluster.get(at + 1).is_some_and(|next| is_emoji(*next))
}

/// Whether a variation selector stands right behind a character that has variants.
pub(super) fn selects(cluster: &[char], at: usize) -> bool {
    let Some(base) = at.checked_sub(1).map(|i| cluster[i]) else {
        return false;
    };
    match cluster[at] {
        '\u{FE0E}' | '\u{FE0F}' => {
            let keycap =
                matches!(base, '0'..='9' | '#' | '*') && cluster.get(at + 1) == Some(&'\u{20E3}');
            keycap || is_emoji(base)
        }
        '\u{180B}'..='\u{180D}' | '\u{180F}' => matches!(base, '\u{1820}'..='\u{18AA}'),
        '\u{E0100}'..='\u{E01EF}' => is_ideograph(base),
        _ => {
            is_ideograph(base) || matches!(base, '\u{1000}'..='\u{109F}' | '\u{A840}'..='\u{A877}')
        }
    }
}

/// Scripts in which ZWJ and ZWNJ choose forms of letters: Arabic and its relatives, the Indic scripts,
/// Tibetan, Myanmar, Khmer, Mongolian.
fn uses_joiners(c: char) -> bool {
    matches!(c,
        '\u{620}'..='\u{6D3}' | '\u{6FA}'..='\u{6FF}' | '\u{710}'..='\u{77F}' | '\u{7CA}'..='\u{7EA}'
        | '\u{840}'..='\u{8C9}' | '\u{900}'..='\u{DFF}' | '\u{F00}'..='\u{FFF}'
        | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17D3}' | '\u{1820}'..='\u{18AA}'
        | '\u{1B00}'..='\u{1BFF}' | '\u{A840}'..='\u{A877}' | '\u{A8E0}'..='\u{A9DF}'
        | '\u{FB50}'..='\u{FDCF}' | '\u{FE70}'..='\u{FEFC}' | '\u{11000}'..='\u{11FFF}')
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{3FFFD}')
}

/// Near enough to Unicode's Extended_Pictographic, plus the skin tones and regional indicators.
fn is_emoji(c: char) -> bool {
    matches!(c,
        '\u{A9}' | '\u{AE}' | '\u{203C}' | '\u{2049}' | '\u{2122}' | '\u{2139}'
        | '\u{2194}'..='\u{21AA}' | '\u{231A}'..='\u{23FF}' | '\u{24C2}' | '\u{25AA}'..='\u{25FE}'
        | '\u{2600}'..='\u{27BF}' | '\u{2934}' | '\u{2935}' | '\u{2B05}'..='\u{2B55}'
        | '\u{3030}' | '\u{303D}' | '\u{3297}' | '\u{3299}' | '\u{1F000}'..='\u{1FAFF}')
}
