//! The screens' filters: which belongs to which list, and what follows when one is typed, left or recalled.

use chrono::{DateTime, Utc};

use super::app::App;
use super::messages::Level;
use super::sieve::Sieve;
use crate::command::Screen;
use crate::domain::filter;

impl App {
    /// The filter of the messages screen's topics; every other is called as its tab.
    pub(super) const TOPICS: char = 't';

    fn filter_name(&self, screen: Screen) -> char {
        match screen {
            Screen::Messages if self.messages.level == Level::Topics => Self::TOPICS,
            _ => screen.tab().0,
        }
    }

    /// What a filter of that name narrows.
    fn list_of(name: char) -> filter::List {
        let mut screens = Screen::ALL.into_iter();
        match screens.find(|screen| screen.tab().0 == name) {
            // The topics' own.
            None | Some(Screen::Flow) => filter::List::Texts,
            Some(Screen::Lag) => filter::List::Lag,
            Some(Screen::Consumers) => filter::List::Consumers,
            Some(Screen::Outbox) => filter::List::Outbox,
            Some(Screen::Letters) => filter::List::Letters,
            Some(Screen::Timeline) => filter::List::Events,
            Some(Screen::Messages) => filter::List::Records,
            Some(Screen::Activity) => filter::List::Activity,
        }
    }

    pub(super) fn filter_of(&self, name: char) -> &Sieve {
        static NONE: Sieve = Sieve::NONE;
        self.filters.get(&name).unwrap_or(&NONE)
    }

    /// A screen's filter.
    #[must_use]
    pub fn sieve(&self, screen: Screen) -> &Sieve {
        self.filter_of(self.filter_name(screen))
    }

    /// A screen's filter, as typed.
    #[must_use]
    pub fn filter(&self, screen: Screen) -> &str {
        self.sieve(screen).text()
    }

    pub(super) fn set_filter(&mut self, text: String) {
        let name = self.filter_name(self.screen);
        let now = self.filter_of(name);
        // One that was not changed means the moments that it meant.
        let sieve = match now.text() == text {
            true => now.clone(),
            false => Sieve::new(text, Self::list_of(name), self.now),
        };
        self.put_filter(sieve);
    }

    /// This screen's filter as it was.
    pub(super) fn put_filter(&mut self, sieve: Sieve) {
        let name = self.filter_name(self.screen);
        self.filters.insert(name, sieve);
        self.letters.from = 0;
        self.messages.page = 0;
        self.settle_screen();
    }

    /// A filter that was typed another time; "ago" counts from now.
    pub(super) fn recall_filter(&mut self, name: char, text: String) {
        let sieve = Sieve::new(text, Self::list_of(name), self.now);
        self.filters.insert(name, sieve);
    }

    /// The time is known.
    pub(super) fn pass_time(&mut self, now: DateTime<Utc>) {
        self.now = Some(now);
        for sieve in self.filters.values_mut() {
            sieve.resolve(now);
        }
    }

    pub(super) fn clear_filter(&mut self, screen: Screen) {
        self.filters.remove(&screen.tab().0);
    }
}
