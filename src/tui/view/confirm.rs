use crate::tui::app::App;
use crate::tui::overlay::Confirm;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
pub fn render(app: &App, _form: &Confirm, area: Rect, buf: &mut Buffer) {
    super::parts::empty(app, buf, area, "", "");
}
