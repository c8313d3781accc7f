//! `scrip key create|list|revoke|renew-tokens`.

use comfy_table::{Table, presets};

use crate::admin::{Ask, KeyRow, Tell};
use crate::args::{KeyCommand, RoleName};
use crate::failure::Failure;
use crate::place;

/// Carries out a key command, in the running server or on the store itself.
pub(crate) fn run(command: KeyCommand) -> Result<(), Failure> {
    let (place, ask) = match command {
        KeyCommand::Create { place, studio, role, reason } => {
            (place, Ask::CreateKey { studio, role: word(role).to_owned(), reason })
        }
        KeyCommand::List { place, studio } => (place, Ask::ListKeys { studio }),
        KeyCommand::Revoke { place, id, reason } => (place, Ask::RevokeKey { id, reason }),
        KeyCommand::RenewTokens { place, studio } => (place, Ask::RenewTokens { studio }),
    };
    match place::ask(&place, ask)? {
        Tell::KeyCreated { studio, id, secret } => {
            println!("key {studio} {secret}");
            eprintln!("this is {id}; its secret is shown this once and stored nowhere");
        }
        Tell::Keys { keys } => println!("{}", listed(&keys)),
        Tell::KeyRevoked { id, studio } => println!("revoked {id} of {studio}"),
        Tell::TokensRenewed { studio } => println!("the tokens that customers of {studio} had are good no more"),
        other => return Err(place::refusal(other)),
    }
    Ok(())
}

const fn word(role: RoleName) -> &'static str {
    match role {
        RoleName::Read => "read",
        RoleName::Jobs => "jobs",
        RoleName::Support => "support",
        RoleName::Finance => "finance",
        RoleName::Admin => "admin",
    }
}

fn listed(keys: &[KeyRow]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(["key", "studio", "role", "ends in", "created", "revoked"]);
    for key in keys {
        let revoked = key.revoked_at.as_deref().unwrap_or("");
        table.add_row([&key.id, &key.studio, &key.role, &key.hint, &key.created_at, revoked]);
    }
    table
}
