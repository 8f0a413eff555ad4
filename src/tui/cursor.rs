//! Where one is in a list. A cursor holds the row's key, never its index, so an act can't hit a row
//! that slid under it; and scrolling is a pure function of the selected index.

use std::ops::Range;

/// How far a key moves the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Motion {
    Up,
    Down,
    PageUp(usize),
    PageDown(usize),
    Top,
    Bottom,
}

/// The selected row of one list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor<K> {
    key: Option<K>,
    /// Where the key stood last, to stay near when its row goes.
    at: usize,
    /// The rows that stood around it, the nearest first, those below before those above: when its row
    /// goes while the others change places, one of these is its neighbour.
    near: Vec<K>,
    /// Somebody put it where it is.
    moved: bool,
}

impl<K> Default for Cursor<K> {
    fn default() -> Self {
        Self {
            key: None,
            at: 0,
            near: Vec::new(),
            moved: false,
        }
    }
}

impl<K: Clone + PartialEq> Cursor<K> {
    #[must_use]
    pub fn key(&self) -> Option<&K> {
        self.key.as_ref()
    }

    /// The index of the selected row among these, if it is there.
    #[must_use]
    pub fn index(&self, rows: &[K]) -> Option<usize> {
        let key = self.key.as_ref()?;
        match rows.get(self.at) {
            Some(row) if row == key => Some(self.at),
            _ => rows.iter().position(|row| row == key),
        }
    }

    /// Selects this row, wherever it will stand.
    pub fn set(&mut self, key: K) {
        self.key = Some(key);
        self.moved = true;
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Takes the last of the rows that come, whatever they are.
    pub fn take_last(&mut self) {
        *self = Self {
            at: usize::MAX,
            ..Self::default()
        };
    }

    /// After the rows changed, in a list of which one row is the one to see: stays there until somebody
    /// moves it.
    pub fn settle_from(&mut self, rows: &[K], first: usize) {
        if !self.moved {
            self.clear();
            self.at = first;
        }
        self.settle(rows);
    }

    /// After the rows changed: follows its row, or takes the one nearest to where it was.
    pub fn settle(&mut self, rows: &[K]) {
        match self.index(rows) {
            Some(at) => self.at = at,
            None if rows.is_empty() => return,
            None => {
                let neighbour = self
                    .near
                    .iter()
                    .find_map(|k| rows.iter().position(|r| r == k));
                self.at = neighbour.unwrap_or(self.at.min(rows.len() - 1));
                self.key = Some(rows[self.at].clone());
            }
        }
        self.look_around(rows);
    }

    /// Remembers who stands around the row.
    fn look_around(&mut self, rows: &[K]) {
        const KEPT: usize = 8;
        let below = rows.iter().skip(self.at + 1).take(KEPT);
        let above = rows[..self.at.min(rows.len())].iter().rev().take(KEPT);
        self.near.clear();
        self.near.extend(below.chain(above).cloned());
    }

    pub fn step(&mut self, rows: &[K], motion: Motion) {
        if rows.is_empty() {
            return;
        }
        let last = rows.len() - 1;
        let at = self.index(rows).unwrap_or(self.at.min(last));
        self.at = match motion {
            Motion::Up => at.saturating_sub(1),
            Motion::Down => (at + 1).min(last),
            Motion::PageUp(page) => at.saturating_sub(page),
            Motion::PageDown(page) => (at + page).min(last),
            Motion::Top => 0,
            Motion::Bottom => last,
        };
        self.key = Some(rows[self.at].clone());
        self.moved = true;
        self.look_around(rows);
    }
}

/// Which of `len` rows are visible in `height` lines: all that fit, the selected one near the middle.
#[must_use]
pub fn window(len: usize, selected: Option<usize>, height: usize) -> Range<usize> {
    let first = match selected {
        Some(selected) if len > height => selected
            .saturating_sub(height / 2)
            .min(len.saturating_sub(height)),
        _ => 0,
    };
    first..len.min(first + height)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_window_fits_and_holds_the_selected_row(len in 0usize..500, at in 0usize..600, height in 0usize..80) {
            let selected = (at < len).then_some(at);
            let seen = window(len, selected, height);
            prop_assert!(seen.len() <= height && seen.end <= len);
            prop_assert_eq!(seen.len(), height.min(len));
            if let Some(at) = selected.filter(|_| height > 0) {
                prop_assert!(seen.contains(&at));
            }
        }
    }

    #[test]
    fn a_cursor_follows_its_row_and_stays_near_when_it_goes() {
        let mut cursor = Cursor::default();
        cursor.settle(&["a", "b", "c"]);
        cursor.step(&["a", "b", "c"], Motion::Down);
        cursor.settle(&["x", "a", "b", "c"]);
        assert_eq!(cursor.index(&["x", "a", "b", "c"]), Some(2));
        cursor.settle(&["x", "a", "c"]);
        assert_eq!(cursor.key(), Some(&"c"));
        cursor.settle(&[]);
        assert_eq!(cursor.key(), Some(&"c"));
    }

    #[test]
    fn a_cursor_can_wait_for_the_last_row() {
        let mut cursor = Cursor::default();
        cursor.set("a");
        cursor.take_last();
        cursor.settle(&[]);
        cursor.settle(&["x", "y"]);
        assert_eq!(cursor.key(), Some(&"y"));
    }

    #[test]
    fn a_cursor_whose_row_goes_takes_the_next_one_wherever_that_went() {
        let mut cursor = Cursor::default();
        cursor.settle(&["a", "b", "c", "d"]);
        cursor.step(&["a", "b", "c", "d"], Motion::Down);
        cursor.settle(&["d", "c", "a"]);
        assert_eq!(cursor.key(), Some(&"c"));
        cursor.settle(&["d", "a"]);
        assert_eq!(cursor.key(), Some(&"a"), "the one below");
        cursor.settle(&["x", "d"]);
        assert_eq!(
            cursor.key(),
            Some(&"d"),
            "the one above, at the end of the list"
        );
        cursor.settle(&["y", "z"]);
        assert_eq!(cursor.key(), Some(&"z"), "else the same place");
    }
}
