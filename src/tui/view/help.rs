use crate::tui::app::App;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
pub fn render(app: &App, _scroll: u16, area: Rect, buf: &mut Buffer) {
    super::parts::empty(app, buf, area, "", "");
}
