//! Signing people in through an OpenID Connect provider: the authorization code flow with PKCE, and what its ID token says.
//!
//! Knows no studio, key, store or page, and reads no clock: who calls says what time it is. It must never believe a token
//! that the provider did not sign for this client and this sign-in, and never log a code, a token or a secret.

mod base64url;
mod client;
mod issuer;
mod keys;
mod token;
mod transport;

pub use client::{Answer, Begun, Client, Clock, Error, Settings};
pub use issuer::{Issuer, IssuerError};
pub use token::{Claims, Fault};
