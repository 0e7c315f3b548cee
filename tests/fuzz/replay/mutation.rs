//! Small changes of known inputs, drawn by a seed.

use chat::testing::SeededRng;

/// Pieces that readers look for: put anywhere, they lead further in than chance does.
const WORDS: &[&[u8]] = &[
    b"\0",
    b"\n",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\xff",
    b"\xc3\x28",
    b"\xef\xbb\xbf",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b"null",
    b"true",
    b"-1",
    b"1e400",
    b"18446744073709551615",
    b"9223372036854775808",
    b"0.1",
    b"\"\"",
    b"..",
    b"../",
    b"<a>",
    b"</a>",
    b"<!--",
    b"<![CDATA[",
    b"&#0;",
    b"&lt;",
    b"(",
    b")",
    b" NOT ",
    b" OR ",
    b"~1",
    b"*",
    b"/x/",
    b"mjf1",
    b"MUNI-SEG",
    b"MUNI-END",
    b"mun-jrnl",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"\x28\xb5\x2f\xfd",
    b"\x1f\x8b",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff\xff\xff\xff\xff",
    b"\x80\0\0\0",
    b"\xe2\x80\x94 ",
    b"\n\n",
    b"\xf0\x9f\x91\xa9\xe2\x80\x8d",
];

fn place(rng: &SeededRng, end: usize) -> usize {
    usize::try_from(rng.below(u64::try_from(end).unwrap() + 1)).unwrap()
}

fn one<'a, T: ?Sized>(rng: &SeededRng, from: &[&'a T]) -> &'a T {
    from[place(rng, from.len() - 1)]
}

/// Returns one of the inputs, changed in one to six places.
pub(crate) fn mutate(rng: &SeededRng, inputs: &[Vec<u8>]) -> Vec<u8> {
    let known: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    let mut bytes = one(rng, &known).to_vec();
    for _ in 0..=rng.below(6) {
        change(rng, &mut bytes, one(rng, &known));
    }
    bytes
}

fn change(rng: &SeededRng, bytes: &mut Vec<u8>, other: &[u8]) {
    let at = place(rng, bytes.len());
    let end = (at + 1 + place(rng, 12)).min(bytes.len());
    match rng.below(9) {
        0 => drop(bytes.drain(at.min(end)..end)),
        1 => bytes.truncate(at),
        2 => drop(bytes.splice(at..at, one(rng, WORDS).iter().copied())),
        3 => drop(bytes.splice(at.min(end)..end, one(rng, WORDS).iter().copied())),
        4 => {
            let piece = bytes[at.min(end)..end].repeat(1 + place(rng, 40));
            bytes.splice(at..at, piece);
        }
        5 => {
            let start = place(rng, other.len());
            let stop = (start + 1 + place(rng, 64)).min(other.len());
            bytes.splice(at..at, other[start.min(stop)..stop].iter().copied());
        }
        6 => {
            let start = place(rng, other.len());
            bytes.truncate(at);
            bytes.extend_from_slice(&other[start..]);
        }
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                let drawn = rng.next().to_be_bytes()[0];
                *byte = if rng.below(2) == 0 { drawn } else { *byte ^ (1 << (drawn % 8)) };
            }
        }
    }
}
