//! All claims of the vectors: 150 to accept, 57 to refuse for the stated reason.

use chat::Seq;
use serde_json::Value;

use super::{digest, list, number, vectors};
use crate::proof::checkpoint::{Checkpoint, VerifierKey};
use crate::proof::claim::{AtRest, Consistency, Inclusion, RangeProof, Room};
use crate::proof::hash::Digest;
use crate::proof::refusal::Refusal;

/// Takes members off a claim that are said beside it.
fn without(claim: &Value, names: &[&str]) -> Value {
    let mut bare = claim.clone();
    let object = bare.as_object_mut().expect("a claim is an object");
    object.retain(|name, _| !names.contains(&name.as_str()));
    bare
}

fn checkpoint(claim: &Value) -> Result<Checkpoint, Refusal> {
    let key: VerifierKey = claim["public_key"].as_str().unwrap().parse()?;
    key.open(claim["checkpoint"].as_str().unwrap())
}

/// Returns the size and root that a claim stands on, and the claim itself.
fn standing(claim: &Value) -> Result<(u64, Digest, Value), Refusal> {
    let bare = without(claim, &["size", "root", "checkpoint", "public_key"]);
    if claim.get("checkpoint").is_some() {
        let checkpoint = checkpoint(claim)?;
        return Ok((checkpoint.size, checkpoint.root, bare));
    }
    Ok((number(&claim["size"]), digest(&claim["root"]), bare))
}

fn judge(claim: &Value) -> Result<(), Refusal> {
    match claim["kind"].as_str().expect("a kind") {
        "inclusion" => {
            let (size, root, bare) = standing(claim)?;
            let inclusion = Inclusion::from_json(&bare)?;
            assert_eq!(inclusion.to_json(), bare);
            inclusion.verify(size, &root).map(drop)
        }
        "range" => {
            let (size, root, bare) = standing(claim)?;
            let range = RangeProof::from_json(&bare)?;
            assert_eq!(range.to_json(), bare);
            range.verify(size, &root).map(drop)
        }
        "room" => {
            let (size, root, bare) = standing(claim)?;
            let chain = Room::from_json(&bare)?;
            assert_eq!(chain.to_json(), bare);
            chain.verify(size, &root).map(drop)
        }
        "consistency" => {
            let bare = without(claim, &["from_root", "to_root"]);
            let consistency = Consistency::from_json(&bare)?;
            assert_eq!(consistency.to_json(), bare);
            let (older, newer) = (digest(&claim["from_root"]), digest(&claim["to_root"]));
            consistency.verify((consistency.from, &older), (consistency.to, &newer))
        }
        "checkpoint" => {
            let opened = checkpoint(claim)?;
            let same = claim.get("size").is_none_or(|size| opened.size == number(size))
                && claim.get("root").is_none_or(|root| opened.root == digest(root));
            assert!(same, "{opened:?}");
            Ok(())
        }
        "cover" => {
            let leaf =
                |leaf: &Value| (Seq::new(number(&leaf["seq"])).unwrap(), digest(&leaf["leaf"]));
            let leaves: Vec<_> = list(&claim["leaves"]).iter().map(leaf).collect();
            AtRest::from_json(&without(claim, &["leaves", "places"]))?.verify(&leaves)
        }
        kind => panic!("a claim of kind {kind}"),
    }
}

#[test]
fn every_claim_of_the_vectors_is_accepted() {
    let mut accepted = 0;
    let mut accept = |claims: &Value| {
        for claim in list(claims) {
            assert_eq!(judge(claim), Ok(()), "{claim}");
            accepted += 1;
        }
    };
    for name in ["inclusion", "consistency", "ranges", "withheld", "rooms"] {
        let Some(file) = vectors("accepted claims", &format!("{name}.json")) else { return };
        accept(&file);
    }
    let Some(destroyed) = vectors("accepted claims", "destroyed.json") else { return };
    accept(&destroyed["at_rest"]);
    accept(&destroyed["proofs"]);
    let Some(checkpoints) = vectors("accepted claims", "checkpoints.json") else { return };
    accept(&checkpoints["notes"]);
    assert_eq!(accepted, 150);
}

#[test]
fn every_negative_claim_of_the_vectors_is_refused_for_its_reason() {
    let Some(file) = vectors("refused claims", "negative.json") else { return };
    for item in list(&file) {
        let refusal = judge(&item["claim"]).expect_err(item["name"].as_str().unwrap());
        assert_eq!(refusal.name(), item["reason"], "{}", item["name"]);
    }
    assert_eq!(list(&file).len(), 57);
}
