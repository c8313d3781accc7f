//! Where studios' people sign in to the console, from the flags. Apart because it reads a provider's secrets; no message here
//! may quote one.

use scrip_core::id::StudioId;
use scrip_engine::Engine;
use scrip_engine::store::Role;
use scrip_oidc::{Client, Issuer, Settings};
use scrip_server::SignInProvider;

use crate::args::SignInArguments;
use crate::failure::Failure;
use crate::payments::given;

/// The claim that roles hang on when nothing is said.
const CLAIM: &str = "email";

/// The server's part of the flags.
pub(crate) fn of(arguments: &SignInArguments) -> Result<Vec<SignInProvider>, Failure> {
    let issuers = given("--oidc-issuer or SCRIP_OIDC_ISSUER", &arguments.oidc_issuer, Issuer::parse)?;
    let clients = given("--oidc-client or SCRIP_OIDC_CLIENT", &arguments.oidc_client, plain)?;
    let secrets = given("--oidc-secret or SCRIP_OIDC_SECRET", &arguments.oidc_secret, plain)?;
    let claims = given("--oidc-claim or SCRIP_OIDC_CLAIM", &arguments.oidc_claim, plain)?;
    let roles = given("--oidc-role or SCRIP_OIDC_ROLE", &arguments.oidc_role, role)?;
    for (flag, studios) in [
        ("--oidc-client", studios(&clients)),
        ("--oidc-secret", studios(&secrets)),
        ("--oidc-claim", studios(&claims)),
        ("--oidc-role", studios(&roles)),
    ] {
        if let Some(studio) = studios.iter().find(|studio| issuers.iter().all(|(other, _)| other != **studio)) {
            return Err(Failure::Usage(format!("{flag}: {studio} has no --oidc-issuer")));
        }
    }
    let mut providers: Vec<SignInProvider> = Vec::new();
    for (studio, issuer) in issuers {
        if providers.iter().any(|provider| provider.studio == studio) {
            return Err(Failure::Usage(format!("--oidc-issuer: {studio} has two")));
        }
        let client_id = one(&studio, &clients, "--oidc-client")?;
        let client_id =
            client_id.ok_or_else(|| Failure::Usage(format!("--oidc-issuer: {studio} has no --oidc-client")))?;
        let roles: Vec<_> = of_studio(&studio, &roles);
        if roles.is_empty() {
            return Err(Failure::Usage(format!("--oidc-issuer: {studio} has no --oidc-role: nobody could sign in")));
        }
        let client_secret = one(&studio, &secrets, "--oidc-secret")?;
        let claim = one(&studio, &claims, "--oidc-claim")?.unwrap_or_else(|| CLAIM.to_owned());
        let client = Client::new(Settings { issuer, client_id, client_secret });
        providers.push(SignInProvider { studio, client, claim, roles });
    }
    Ok(providers)
}

/// Says which of it is for nobody.
pub(crate) fn warn(engine: &Engine, providers: &[SignInProvider]) {
    let studios = engine.studios();
    for provider in providers.iter().filter(|provider| studios.iter().all(|(_, id)| *id != provider.studio)) {
        tracing::warn!("--oidc-issuer or SCRIP_OIDC_ISSUER: there is no studio {} yet", provider.studio);
    }
}

fn studios<T>(given: &[(StudioId, T)]) -> Vec<&StudioId> {
    given.iter().map(|(studio, _)| studio).collect()
}

fn of_studio<T: Clone>(studio: &StudioId, given: &[(StudioId, T)]) -> Vec<T> {
    given.iter().filter(|(other, _)| other == studio).map(|(_, value)| value.clone()).collect()
}

/// What is given once for a studio, if it is.
fn one(studio: &StudioId, given: &[(StudioId, String)], flag: &str) -> Result<Option<String>, Failure> {
    let mut values = of_studio(studio, given);
    if values.len() > 1 {
        return Err(Failure::Usage(format!("{flag}: {studio} has two")));
    }
    Ok(values.pop())
}

fn plain(text: &str) -> Result<String, &'static str> {
    let good = (1..=512).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if good { Ok(text.to_owned()) } else { Err("expected 1 to 512 visible ASCII characters") }
}

/// `ada@example.com:finance`.
fn role(text: &str) -> Result<(String, Role), &'static str> {
    let problem = "expected VALUE:ROLE, of a role for people: read, support, finance or admin";
    let (value, role) = text.rsplit_once(':').ok_or(problem)?;
    let role = Role::from_name(role).filter(|role| *role != Role::Jobs).ok_or(problem)?;
    let good = (1..=256).contains(&value.len()) && !value.chars().any(char::is_control);
    if good { Ok((value.to_owned(), role)) } else { Err(problem) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(issuer: &[&str], client: &[&str], secret: &[&str], role: &[&str]) -> SignInArguments {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        SignInArguments {
            oidc_issuer: texts(issuer),
            oidc_client: texts(client),
            oidc_secret: texts(secret),
            oidc_claim: Vec::new(),
            oidc_role: texts(role),
        }
    }

    #[test]
    fn what_is_whole_is_taken_and_what_is_not_is_said_without_the_secret() {
        const ISSUER: &[&str] = &["flow-studio=https://accounts.example.com"];
        const CLIENT: &[&str] = &["flow-studio=scrip"];
        const ROLE: &[&str] = &["flow-studio=ada@example.com:finance", "flow-studio=urn:team:support"];
        let good = of(&arguments(ISSUER, CLIENT, &["flow-studio=hushhush"], ROLE)).unwrap();
        assert_eq!(
            good[0].roles,
            [("ada@example.com".to_owned(), Role::Finance), ("urn:team".to_owned(), Role::Support)]
        );
        assert_eq!(good[0].claim, "email");
        for (issuer, client, secret, role, words) in [
            (ISSUER, &[][..], &[][..], ROLE, "no --oidc-client"),
            (ISSUER, CLIENT, &[], &[][..], "no --oidc-role"),
            (&[][..], CLIENT, &[], ROLE, "no --oidc-issuer"),
            (ISSUER, CLIENT, &["studiotwin=hushhush"], ROLE, "no --oidc-issuer"),
            (ISSUER, CLIENT, &["flow-studio=hush hush"], ROLE, "visible"),
            (&["flow-studio=http://accounts.example.com"], CLIENT, &[], ROLE, "https://"),
            (ISSUER, CLIENT, &[], &["flow-studio=ada@example.com:jobs"], "for people"),
            (ISSUER, CLIENT, &[], &["flow-studio=ada@example.com"], "VALUE:ROLE"),
        ] {
            let said = match of(&arguments(issuer, client, secret, role)) {
                Ok(_) => panic!("{words}: it was taken"),
                Err(Failure::Usage(said) | Failure::Failed(said)) => said,
                Err(_) => panic!("{words}: another failure"),
            };
            assert!(said.contains(words) && !said.contains("hush"), "{words}: {said}");
        }
    }
}
