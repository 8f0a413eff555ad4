//! Taking the terminal and giving it back, whatever happens; and painting it, only where it differs.

use std::io::{Write, stdout};

use color_eyre::Result;
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen,
    LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor::Show, execute, queue};
use ratatui::DefaultTerminal;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::app::App;
use super::view;

/// Takes the terminal: raw mode, the other screen, and the panic policy. Call it on the thread that
/// will draw, after color-eyre's hooks are installed.
///
/// A panic on that thread gives the terminal back and is then reported as color-eyre does. A panic on
/// any other thread is a worker's: its supervisor shows it, so it is only logged, and the screen stays.
pub fn enter() -> Result<DefaultTerminal> {
    let ui = std::thread::current().id();
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().id() == ui {
            leave();
            report(panic);
        } else {
            let thread = std::thread::current();
            let name = thread.name().unwrap_or("?").to_owned();
            tracing::error!(thread = name, "{panic}");
        }
    }));
    enable_raw_mode()?;
    let entered = execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste);
    let terminal = entered.and_then(|()| DefaultTerminal::new(CrosstermBackend::new(stdout())));
    if terminal.is_err() {
        leave();
    }
    Ok(terminal?)
}

/// Asks the terminal for mouse events; text is then selected with shift held down.
///
/// # Errors
/// When the terminal can't be written to.
pub fn take_mouse(terminal: &mut DefaultTerminal) -> Result<()> {
    Ok(execute!(terminal.backend_mut(), EnableMouseCapture)?)
}

/// Gives the terminal back. It may be called twice, and what fails is left: there is nobody to tell.
pub fn leave() {
    let mut out = stdout();
    let _ = execute!(
        out,
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        Show
    );
    let _ = disable_raw_mode();
}

/// Takes the terminal again after somebody else had it.
pub fn resume(terminal: &mut DefaultTerminal) -> Result<()> {
    enable_raw_mode()?;
    execute!(
        stdout(),
        EnterAlternateScreen,
        EnableBracketedPaste,
        Clear(ClearType::All)
    )?;
    // A new one knows nothing of what stood there. `clear` would ask where the cursor is, and wait for a
    // terminal that does not say.
    *terminal = DefaultTerminal::new(CrosstermBackend::new(stdout()))?;
    Ok(())
}

/// Draws frames, and remembers the last one, so that an equal one writes nothing at all.
#[derive(Debug, Default)]
pub struct Painter {
    last: Buffer,
    next: Buffer,
}

impl Painter {
    /// The frame that is on screen.
    #[must_use]
    pub fn frame(&self) -> &Buffer {
        &self.last
    }

    pub fn draw(&mut self, terminal: &mut DefaultTerminal, app: &App) -> Result<()> {
        let area = Rect::from((Position::ORIGIN, terminal.size()?));
        self.next.resize(area);
        self.next.reset();
        view::render(app, area, &mut self.next);
        if self.next == self.last {
            return Ok(());
        }
        queue!(terminal.backend_mut(), BeginSynchronizedUpdate)?;
        terminal.draw(|frame| {
            if frame.area() == area {
                frame.buffer_mut().clone_from(&self.next);
            } else {
                view::render(app, frame.area(), frame.buffer_mut());
            }
        })?;
        queue!(terminal.backend_mut(), EndSynchronizedUpdate)?;
        Write::flush(terminal.backend_mut())?;
        std::mem::swap(&mut self.last, &mut self.next);
        Ok(())
    }
}
