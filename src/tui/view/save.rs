//! The form of writing to a file: what, and under which name.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::app::App;
use crate::tui::save::Save;
use crate::tui::theme::Role;

use super::form::{arrows, field, framed, label};
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
    let mut what = vec![label(app, form.at == 1, "what", LABEL)];
    if form.content.is_some() {
        what.push(arrows(app, form.at == 1));
    }
    what.extend(outside(theme, Role::Base, &form.what()));
    line(buf, inner, 0, what);
    let room = usize::from(inner.width).saturating_sub(LABEL);
    let mut name = vec![label(app, form.at == 0, "new file", LABEL)];
    name.extend(field(app, &form.input, room, form.at == 0));
    line(buf, inner, 2, name);
}
