//! The end of the process when nobody reads on what it prints (`scrip verify | head`): quiet, as other Unix tools end.
//!
//! `println!` and `eprintln!` panic then, wherever they are, as Rust ignores the signal that ends other programs. Taking
//! the signal instead would end a server at a connection that a client closed. It must leave every other panic as it is.

use std::panic::{self, PanicHookInfo};
use std::process;

/// What a shell says of a program that SIGPIPE ended: 128 and the signal's number.
const CODE: i32 = 128 + 13;

/// From now on printing to a closed pipe ends the process with [`CODE`] and no word.
pub(crate) fn end_quietly() {
    let otherwise = panic::take_hook();
    panic::set_hook(Box::new(move |panicked| {
        if is_of_closed_pipe(panicked) {
            process::exit(CODE);
        }
        otherwise(panicked);
    }));
}

/// The standard library says it in words alone; the test of the executable would tell if they changed.
fn is_of_closed_pipe(panicked: &PanicHookInfo<'_>) -> bool {
    panicked
        .payload()
        .downcast_ref::<String>()
        .is_some_and(|message| message.starts_with("failed printing to std") && message.ends_with("(os error 32)"))
}
