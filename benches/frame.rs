//! What one frame costs: each screen at work at 140×42, and the lag tree of a thousand partitions.

#[path = "../tests/common/fixtures/mod.rs"]
#[allow(dead_code, reason = "the bench takes two of them")]
mod fixtures;

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use evtop::command::Screen;
use evtop::snapshot::Snapshot;
use evtop::tui::app::App;
use evtop::tui::settings::Settings;
use evtop::tui::theme::Theme;
use evtop::tui::view;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

const SIZE: (u16, u16) = (140, 42);

fn app(screen: Screen, snapshot: Snapshot) -> App {
    let theme = Theme::built_in("dark").expect("a theme");
    let mut app = App::new(&Settings::with(theme), SIZE);
    app.on_snapshot(Arc::new(snapshot));
    let key = screen.tab().0.to_string();
    app.on_key(key.parse().expect("a key"));
    app
}

fn frames(c: &mut Criterion) {
    let mut group = c.benchmark_group("frame");
    let area = Rect::new(0, 0, SIZE.0, SIZE.1);
    let mut draw = |name: &str, app: &App| {
        let mut buffer = Buffer::empty(area);
        group.bench_function(name, |b| {
            b.iter(|| {
                buffer.reset();
                view::render(black_box(app), area, &mut buffer);
            });
        });
    };
    for screen in Screen::ALL {
        draw(
            &screen.tab().1.to_lowercase().replace(' ', "-"),
            &app(screen, fixtures::busy()),
        );
    }
    let mut unfolded = app(Screen::Lag, fixtures::huge());
    for key in ["enter", "down", "enter"] {
        unfolded.on_key(key.parse().expect("a key"));
    }
    draw("lag-1000-partitions", &unfolded);
    draw("flow-1000-partitions", &app(Screen::Flow, fixtures::huge()));
    group.finish();
    let huge = Arc::new(fixtures::huge());
    let mut app = app(Screen::Lag, fixtures::huge());
    c.bench_function("snapshot-1000-partitions", |b| {
        b.iter(|| {
            app.on_snapshot(Arc::clone(black_box(&huge)));
            black_box(app.focus())
        });
    });
}

criterion_group!(benches, frames);
criterion_main!(benches);
