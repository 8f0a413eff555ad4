//! Toasts, at the lower right of the body.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget};

use crate::domain::printable;
use crate::tui::app::App;
use crate::tui::theme::Role;
use crate::tui::toast::Tone;

use super::parts::{line, wrap};

pub fn render(app: &App, area: Rect, buf: &mut Buffer) {
    const WIDEST: u16 = 72;
    let wide = area.width.saturating_sub(2).min(WIDEST);
    let mut bottom = area.bottom();
    for toast in app.toasts.rows().iter().rev() {
        let (sign, ascii, role) = match toast.tone {
            Tone::Done => ("✓", "+", Role::Ok),
            Tone::Hint => ("·", ".", Role::Dim),
            Tone::Refused => ("✗", "x", Role::Bad),
        };
        let words = wrap(
            &printable::visible(&toast.text),
            usize::from(wide.saturating_sub(5)),
        );
        let height = u16::try_from(words.len()).unwrap_or(1);
        let Some(y) = bottom.checked_sub(height).filter(|y| *y >= area.y) else {
            return;
        };
        let longest = words
            .iter()
            .map(|w| unicode_width::UnicodeWidthStr::width(&**w))
            .max();
        let cells = u16::try_from(longest.unwrap_or(0)).unwrap_or(wide) + 5;
        let cells = cells.min(wide);
        let place = Rect {
            x: area.right().saturating_sub(cells + 1),
            y,
            width: cells,
            height,
        };
        Clear.render(place, buf);
        buf.set_style(
            place,
            app.theme
                .style(Role::Base)
                .patch(app.theme.style(Role::Overlay)),
        );
        for (row, text) in (0..).zip(words) {
            let sign = match (row, app.ascii) {
                (0, false) => sign,
                (0, true) => ascii,
                _ => " ",
            };
            let spans = vec![
                " ".into(),
                app.theme.span(role, sign),
                " ".into(),
                app.theme
                    .span(Role::Base, text)
                    .patch_style(app.theme.style(Role::Overlay)),
            ];
            line(buf, place, row, spans);
        }
        bottom = y;
    }
}
