//! `HOWTO-VERIFY.txt`: how a stranger checks the package, in words.

use crate::format::manifest::Manifest;

/// Returns the text for a package.
pub(crate) fn text(manifest: &Manifest) -> String {
    let Manifest { archive_id, public_key, counts, checkpoint, .. } = manifest;
    let demo = if manifest.demo {
        "DEMO: this package comes from a demonstration archive.\n\n"
    } else {
        ""
    };
    format!(
        "{demo}How to check this package\n\
        =========================\n\
        \n\
        It holds {events} events of the archive {archive_id}, with the proof of each of them.\n\
        The archive's public key, as this package states it:\n\
        \n\
        \x20   {public_key}\n\
        \n\
        Do not take the key from here. Ask the archive's owner for it, or take it from an earlier checkpoint.\n\
        With the key, and no access to the archive, either of these finds any changed byte, any missing row and any\n\
        file that does not belong here:\n\
        \n\
        \x20   muniment verify --export THIS_FOLDER_OR_ZIP --public-key KEY\n\
        \x20   python3 verify_export.py THIS_FOLDER_OR_ZIP KEY      (needs export_content.py, zstandard, cryptography)\n\
        \n\
        By hand, the outer layer alone: `sha256sum -c SHA256SUMS`. That shows damage, not forgery.\n\
        \n\
        What the check proves: each line of events.jsonl.zst is an event of the archive's log, unchanged since the\n\
        checkpoint in checkpoint.note ({size} events) was signed with that key, and every table says what those\n\
        lines say. What it does not prove: when the checkpoint was signed, that the set is complete for a query, and\n\
        what happened to a message before the archive received it. Names of sources and categories of rooms are on\n\
        the archive's word.\n\
        \n\
        manifest.json       what this is, from which set, and the hash of every file; manifest.sig signs it\n\
        events.jsonl.zst    one event a line, canonical JSON; proofs.jsonl.zst has the proof of line n in line n\n\
        related.jsonl.zst   if there: edits, retractions, entries and leavings that the tables draw upon\n\
        absent.jsonl.zst    if there: what of the range is no row, with its proof and why\n\
        csv/exact/          values byte for byte; for machines, never for a double click\n\
        csv/reading/        for a spreadsheet: formulas guarded, long cells cut, hidden characters shown, flags say so\n\
        csv/readers.csv     who could read which room when, as far as the events here tell\n\
        attachments.csv     which event names which file of attachments/\n\
        exceptions.csv      what is missing, and why\n",
        events = counts.events,
        size = checkpoint.size,
    )
}
