//! Time stamps of checkpoints, in JSON and in words.

use archive::KeptStamp;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::auth::secret::hex;

/// Returns what a time stamp says, and the response itself.
pub(crate) fn document(kept: &KeptStamp) -> Value {
    let mut said = json!({ "size": kept.size, "response": BASE64.encode(&kept.response) });
    match &kept.stamp {
        Ok(stamp) => {
            said["at"] = stamp.at.to_string().into();
            said["accuracy_micros"] = stamp.accuracy_micros.into();
            said["authority"] = stamp.authority.clone().into();
            said["certificate_sha256"] = hex(&stamp.certificate).into();
            said["serial"] = stamp.serial.clone().into();
            said["trusted"] = stamp.is_trusted.into();
        }
        Err(reason) => said["fault"] = reason.to_string().into(),
    }
    said
}

/// Returns what a time stamp proves, as one statement; nothing for one that does not hold.
pub(crate) fn words(kept: &KeptStamp) -> Option<String> {
    let stamp = kept.stamp.as_ref().ok()?;
    let by = if stamp.is_trusted {
        "which you trust".to_owned()
    } else {
        format!(
            "by its own certificate (SHA-256 {}), which nobody vouched for",
            hex(&stamp.certificate)
        )
    };
    Some(format!(
        "time stamp: the log of {} events existed at {}, says {}, {by}",
        kept.size, stamp.at, stamp.authority
    ))
}
