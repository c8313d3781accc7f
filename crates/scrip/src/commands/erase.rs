//! `scrip erase`: says what it would erase, asks, and erases (R29).

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use crate::admin::{Ask, Tell, ToErase};
use crate::args::EraseArguments;
use crate::failure::Failure;
use crate::place;
use crate::progress::grouped;

/// Erases an account's texts, in the running server or on the store itself, once somebody has said yes.
pub(crate) fn run(arguments: EraseArguments) -> Result<(), Failure> {
    let EraseArguments { place, studio, account, reason, yes } = arguments;
    let preview = Ask::PreviewErasure { studio: studio.clone(), account: account.clone() };
    match place::ask(&place, preview)? {
        Tell::ToErase(to_erase) => eprintln!("{}", described(&to_erase)),
        other => return Err(place::refusal(other)),
    }
    if !yes {
        confirm(&account)?;
    }
    match place::ask(&place, Ask::Erase { studio, account: account.clone(), reason })? {
        Tell::Erased { account: now, copies } => {
            println!("erased {account}: it is {now} from now on");
            if copies {
                eprintln!(
                    "another program still reads an earlier state of the store, so that its write-ahead log cannot be emptied \
                     yet; the server does that by itself as soon as it can, or does it when it is started next"
                );
            }
            Ok(())
        }
        other => Err(place::refusal(other)),
    }
}

fn described(to_erase: &ToErase) -> String {
    let ToErase { account, studio, name, entries, open_holds, remaining, debt, plan } = to_erase;
    let name = name.as_ref().map_or_else(String::new, |name| format!(" ({name})"));
    let plan = match plan {
        Some(plan) => format!("\n  It is on plan {plan}, which goes on: cancel it first if that is not wanted."),
        None => String::new(),
    };
    format!(
        "Account {account}{name} of {studio}: {} entries, {remaining} credits left, {debt} owed, {open_holds} open holds.\n  \
         For good: its id, its name, and every reference, member and reason in its entries and holds.\n  \
         What stays: its credits, holds, plan and chain, under an id that scrip gives it.{plan}\n  \
         Backups and exports that were made before keep the texts.",
        grouped(*entries),
    )
}

/// Asks on a terminal; without one, only `--yes` will do.
fn confirm(account: &str) -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::Usage("nothing was erased: say --yes to erase without being asked".to_owned()));
    }
    eprint!("Type the account's id to erase these for good: ");
    let mut typed = String::new();
    let read = std::io::stderr().flush().and_then(|()| std::io::stdin().lock().read_line(&mut typed));
    read.map_err(|error| Failure::Failed(format!("the answer could not be read: {error}; nothing was erased")))?;
    if typed.trim() == account { Ok(()) } else { Err(Failure::No("nothing was erased".to_owned())) }
}
