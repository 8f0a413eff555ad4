use crate::tui::app::App;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
pub fn render(app: &App, area: Rect, buf: &mut Buffer) {
    super::parts::empty(app, buf, area, "", "");
}
