//! The form of writing to a file: what, and under which name.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::app::App;
use crate::tui::save::Save;
use crate::tui::theme::Role;

use super::inject::{field, framed};
use super::parts::{line, outside};

/// Cells of a field's name.
const LABEL: usize = 10;

pub fn render(app: &App, form: &Save, area: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let inner = framed(
        app,
        buf,
        area,
        (80, 6),
        "Write to a file",
        "⏎ write   esc cancel",
    );
    let label = |at: usize, text: &str| {
        let role = if form.at == at {
            Role::Strong
        } else {
            Role::Dim
        };
        theme.span(role, format!("{text:<LABEL$}"))
    };
    let mut what = vec![label(1, "what")];
    if form.content.is_some() {
        let role = if form.at == 1 {
            Role::Accent
        } else {
            Role::Faint
        };
        what.push(theme.span(role, if app.ascii { "<> " } else { "◂▸ " }));
    }
    what.extend(outside(theme, Role::Base, &form.what()));
    line(buf, inner, 0, what);
    let room = usize::from(inner.width).saturating_sub(LABEL);
    let mut name = vec![label(0, "new file")];
    name.extend(field(app, &form.input, room, form.at == 0));
    line(buf, inner, 2, name);
}
