//! A screen without a terminal: the same pure draw, kept as text, as truecolor lines, or as an SVG.
//! The rule: each cell is told once, a wide character takes all of its cells, and nothing that could
//! steer a terminal gets out but our own colours.

mod ansi;
mod svg;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use super::app::App;
use super::theme::Theme;
use super::view;

/// What a screen looks like, cell by cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture(Buffer);

impl Picture {
    /// Draws the whole screen at its own size.
    #[must_use]
    pub fn of(app: &App) -> Self {
        let area = Rect::new(0, 0, app.size.0, app.size.1);
        let mut buffer = Buffer::empty(area);
        view::render(app, area, &mut buffer);
        Self(buffer)
    }

    /// The characters alone, each line without the blanks at its end.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        for row in self.rows() {
            let line: String = row.iter().map(|run| run.text.as_str()).collect();
            out += line.trim_end();
            out.push('\n');
        }
        out
    }

    /// Lines with truecolor sequences and no cursor moves: what `cat` shows in a terminal.
    #[must_use]
    pub fn ansi(&self) -> String {
        ansi::lines(self)
    }

    /// A picture by itself: no script, no font and no style from elsewhere.
    #[must_use]
    pub fn svg(&self, theme: &Theme) -> String {
        svg::document(self, theme)
    }

    fn size(&self) -> (u16, u16) {
        (self.0.area.width, self.0.area.height)
    }

    /// Each row as runs of cells that look alike, left to right, without a gap.
    fn rows(&self) -> impl Iterator<Item = Vec<Run>> {
        let area = self.0.area;
        (area.top()..area.bottom()).map(move |y| {
            let mut runs: Vec<Run> = Vec::new();
            let mut x = area.left();
            while x < area.right() {
                let cell = &self.0[(x, y)];
                let left = area.right() - x;
                let (symbol, cells) = fitting(cell.symbol(), left);
                let style = cell.style();
                match runs.last_mut() {
                    Some(run) if run.style == style => {
                        run.text += &symbol;
                        run.cells += cells;
                    }
                    _ => runs.push(Run {
                        at: (x, y),
                        cells,
                        text: symbol,
                        style,
                    }),
                }
                x += cells;
            }
            runs
        })
    }
}

/// Cells of one style beside each other.
#[derive(Debug)]
struct Run {
    at: (u16, u16),
    cells: u16,
    text: String,
    style: Style,
}

/// What stands in a cell and how many cells it takes. Views let no control character in; should one get
/// there all the same, it ends here.
fn fitting(symbol: &str, left: u16) -> (String, u16) {
    let safe = |c: char| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
    let width = u16::try_from(symbol.width()).unwrap_or(u16::MAX);
    if width == 0 || width > left || !symbol.chars().all(safe) {
        let shown = if symbol.trim().is_empty() {
            " "
        } else {
            "\u{fffd}"
        };
        return (shown.to_owned(), 1);
    }
    (symbol.to_owned(), width)
}

#[cfg(test)]
mod tests {
    use ratatui::style::{Color, Stylize};
    use ratatui::text::Line;
    use ratatui::widgets::Widget;

    use super::*;

    fn picture(width: u16, lines: &[Line<'_>]) -> Picture {
        let area = Rect::new(0, 0, width, u16::try_from(lines.len()).expect("few lines"));
        let mut buffer = Buffer::empty(area);
        for (row, line) in area.rows().zip(lines) {
            line.render(row, &mut buffer);
        }
        Picture(buffer)
    }

    /// The text of an SVG's elements with the cells that each one takes.
    fn texts(svg: &str) -> Vec<(String, f32)> {
        let of = |line: &str| {
            let (_, rest) = line.split_once("textLength=\"")?;
            let (length, _) = rest.split_once('"')?;
            let (_, text) = line.strip_suffix("</text>")?.rsplit_once('>')?;
            Some((text.to_owned(), length.parse().expect("a number")))
        };
        svg.lines().filter_map(of).collect()
    }

    #[test]
    fn every_cell_is_told_once() {
        let line = Line::from(vec!["ab".red(), "世界".red(), "c".bold(), " d".into()]);
        let picture = picture(10, &[line]);
        let runs = picture.rows().next().expect("a row");
        let told: Vec<_> = runs
            .iter()
            .map(|run| (run.at.0, run.cells, run.text.as_str()))
            .collect();
        assert_eq!(told, [(0, 6, "ab世界"), (6, 1, "c"), (7, 3, " d ")]);
        assert_eq!(picture.text(), "ab世界c d\n");
    }

    #[test]
    fn a_wide_character_that_has_no_room_is_a_sign() {
        let mut picture = picture(3, &[Line::from("abc")]);
        picture.0[(2, 0)].set_symbol("世");
        assert_eq!(picture.text(), "ab\u{fffd}\n");
        // An emoji of many code points is one character of two cells.
        let family = "👩\u{200d}👩\u{200d}👧";
        let picture = self::picture(4, &[Line::from(format!("{family}x"))]);
        let cells: u16 = picture.rows().flatten().map(|run| run.cells).sum();
        assert_eq!(cells, 4);
        assert_eq!(picture.text(), format!("{family}x\n"));
    }

    #[test]
    fn what_could_steer_a_terminal_does_not_get_out() {
        let mut picture = picture(4, &[Line::from("abcd")]);
        for (x, symbol) in ["\x1b", "\u{9b}", "\n"].into_iter().enumerate() {
            picture.0[(u16::try_from(x).expect("small"), 0)].set_symbol(symbol);
        }
        assert_eq!(picture.text(), "\u{fffd}\u{fffd} d\n");
        let ansi = picture.ansi();
        assert_eq!(ansi.matches('\x1b').count(), 2, "{ansi:?}");
        assert!(!ansi.contains('\u{9b}'));
    }

    #[test]
    fn ansi_is_colours_and_no_moves() {
        let accent = Style::new()
            .fg(Color::Rgb(1, 2, 3))
            .bg(Color::Indexed(16))
            .bold();
        let line = Line::from(vec![ratatui::text::Span::styled("hi", accent), "!".into()]);
        let ansi = picture(3, &[line.clone(), line]).ansi();
        let row = "\x1b[0;1;38;2;1;2;3;48;2;0;0;0mhi\x1b[0m!\x1b[0m\n";
        assert_eq!(ansi, row.repeat(2));
    }

    #[test]
    fn an_svg_escapes_and_stretches_to_its_cells() {
        let theme = Theme::plain("x", Style::new());
        let svg = picture(8, &[Line::from(vec!["<&>".bold(), "世a".red()])]).svg(&theme);
        let texts = texts(&svg);
        assert_eq!(texts[0], ("&lt;&amp;&gt;".to_owned(), 25.3));
        assert_eq!(texts[1].0, "世a");
        assert!((texts[1].1 - 25.3).abs() < 0.01);
        assert_eq!(svg.matches("<text").count(), 2);
        assert!(svg.contains("font-weight=\"bold\""));
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    }

    #[test]
    fn an_svg_shows_what_is_behind_and_what_is_reversed() {
        let theme = Theme::plain(
            "x",
            Style::new().fg(Color::Rgb(9, 9, 9)).bg(Color::Rgb(0, 0, 0)),
        );
        let behind = "a".on_green();
        let turned = "b".reversed();
        let svg = picture(2, &[Line::from(vec![behind, turned])]).svg(&theme);
        // The whole, the green cell, and the reversed one.
        assert_eq!(svg.matches("<rect").count(), 3);
        assert!(svg.contains("fill=\"#00cd00\""));
        assert!(svg.contains("fill=\"#090909\"/>") && svg.contains("fill=\"#000000\" textLength"));
    }
}
