//! `scrip restore`: a store from a backup, in a folder that holds none, proved before it can be served.

use scrip_store_sqlite::restore;

use crate::args::RestoreArguments;
use crate::commands::backup::{CopyProgress, prove, uncopied};
use crate::failure::Failure;
use crate::place;

/// Restores a backup, all of it or nothing, and says what it holds.
pub(crate) fn run(arguments: &RestoreArguments) -> Result<(), Failure> {
    let (file, folder) = (&arguments.file, place::folder_to_copy(&arguments.place)?);
    let mut shown = CopyProgress::default();
    let copied = restore(file, folder, &mut |now| shown.set(now));
    shown.finish();
    let copy = copied.map_err(uncopied)?;
    let contents = prove(&copy, file)?;
    copy.forget_token_secrets().map_err(uncopied)?;
    copy.finish().map_err(uncopied)?;
    println!("restored {} from {}: {contents}", folder.display(), file.display());
    Ok(())
}
