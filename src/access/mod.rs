//! Who, may, did: the one door to the data. A handler reaches the store only through [`Allowed`], sees only what
//! the `visible` of a room lets this [`Viewer`] see, and changes records only through [`Write`], which keeps the ledger.
pub mod accounts;
pub mod allowed;
pub mod altered;
pub mod clients;
pub mod door;
pub mod events;
pub mod heads;
#[cfg(hole)]
pub mod hole;
pub mod ledger;
pub mod otp;
pub mod permission;
pub mod rate;
pub mod references;
pub mod sealing;
pub mod secret;
pub mod sharing;
pub mod signing;
pub mod sound;
pub mod team;
pub mod throttle;
pub mod token;
pub mod tree;
pub mod tx;
pub mod viewer;

pub use allowed::Allowed;
pub use door::Door;
pub use permission as may;
pub use tx::{Read, Write};
pub use viewer::Viewer;
