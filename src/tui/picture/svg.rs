//! A picture of the cells: runs of one style, each stretched to exactly its cells, so that columns stand
//! whatever font the reader has.

use std::fmt::Write as _;

use ratatui::style::Modifier;

use super::{Picture, Run};
use crate::tui::colour::rgb;
use crate::tui::theme::{Role, Theme};

/// Of a cell in pixels: the height of a full block at this font size, so that charts have no seams.
const CELL: (f32, f32) = (8.43, 16.3);
/// Around the cells.
const PAD: f32 = 12.0;
/// From the top of a cell to the line that its letters stand on.
const BASELINE: f32 = 13.0;

/// For a theme that leaves the terminal's own colours: light on dark.
const UNSET: (&str, &str) = ("#d0d0d0", "#101216");

/// The colours of a cell that says none.
struct Base {
    fg: String,
    bg: String,
}

pub(super) fn document(picture: &Picture, theme: &Theme) -> String {
    let style = theme.style(Role::Base);
    let base = Base {
        fg: hex(style.fg.and_then(rgb)).unwrap_or_else(|| UNSET.0.to_owned()),
        bg: hex(style.bg.and_then(rgb)).unwrap_or_else(|| UNSET.1.to_owned()),
    };
    let (columns, rows) = picture.size();
    let (width, height) = (
        f32::from(columns) * CELL.0 + 2.0 * PAD,
        f32::from(rows) * CELL.1 + 2.0 * PAD,
    );
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.1}\" height=\"{height:.1}\" font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"14\">\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{}\"/>\n",
        base.bg
    );
    for run in picture.rows().flatten() {
        put(&mut out, &run, &base);
    }
    out.push_str("</svg>\n");
    out
}

fn put(out: &mut String, run: &Run, base: &Base) {
    let (left, top) = (
        PAD + f32::from(run.at.0) * CELL.0,
        PAD + f32::from(run.at.1) * CELL.1,
    );
    let long = f32::from(run.cells) * CELL.0;
    let has = |modifier| run.style.add_modifier.contains(modifier);
    let mut fg = hex(run.style.fg.and_then(rgb)).unwrap_or_else(|| base.fg.clone());
    let mut bg = hex(run.style.bg.and_then(rgb)).unwrap_or_else(|| base.bg.clone());
    if has(Modifier::REVERSED) {
        std::mem::swap(&mut fg, &mut bg);
    }
    if bg != base.bg {
        let _ = writeln!(
            out,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{long:.1}\" height=\"{:.1}\" fill=\"{bg}\"/>",
            CELL.1
        );
    }
    if run.text.trim().is_empty() || has(Modifier::HIDDEN) {
        return;
    }
    let looks: String = [
        (Modifier::BOLD, " font-weight=\"bold\""),
        (Modifier::DIM, " opacity=\"0.6\""),
        (Modifier::ITALIC, " font-style=\"italic\""),
        (Modifier::UNDERLINED, " text-decoration=\"underline\""),
        (Modifier::CROSSED_OUT, " text-decoration=\"line-through\""),
    ]
    .into_iter()
    .filter(|(modifier, _)| has(*modifier))
    .map(|(_, look)| look)
    .collect();
    let _ = writeln!(
        out,
        "<text x=\"{left:.1}\" y=\"{:.1}\" fill=\"{fg}\" textLength=\"{long:.1}\" lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\"{looks}>{}</text>",
        top + BASELINE,
        escaped(&run.text)
    );
}

/// Text that is safe between XML tags.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn hex(colour: Option<(u8, u8, u8)>) -> Option<String> {
    colour.map(|(r, g, b)| format!("#{r:02x}{g:02x}{b:02x}"))
}
