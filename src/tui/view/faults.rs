use crate::tui::app::App;
use crate::tui::overlay::Faults;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
pub fn render(app: &App, _form: &Faults, area: Rect, buf: &mut Buffer) {
    super::parts::empty(app, buf, area, "", "");
}
