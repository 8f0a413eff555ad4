//! A transaction holds the file's write lock from its start: nothing more is to be locked. What stands
//! here is what another database needs.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::Connection;
use crate::domain::service::{Needs, Service};
use crate::store::StoreError;

macro_rules! held_already {
    ($($name:ident($($argument:ident: $type:ty),*);)*) => {
        $(pub(super) async fn $name(_: &mut Connection $(, $argument: $type)*) -> Result<(), StoreError> {
            $(let _ = $argument;)*
            Ok(())
        })*
    };
}

held_already! {
    decisions(service: Service, needs: &Needs);
    stock(products: &BTreeSet<String>);
    blocks(group: &str, keys: &BTreeSet<&[u8]>);
    blocks_of(letters: &str);
    letters(ids: &str);
    items(redrives: &str);
    item(redrive: Uuid);
    operation(id: Uuid);
    letters_of(redrives: &str);
    redrives();
    indexing();
}
