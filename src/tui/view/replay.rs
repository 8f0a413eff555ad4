use crate::tui::app::App;
use crate::tui::overlay::Replay;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
pub fn render(app: &App, _form: &Replay, area: Rect, buf: &mut Buffer) {
    super::parts::empty(app, buf, area, "", "");
}
