//! The baselines of size: zstd over the whole stream, and over independent blocks of it.

/// Returns the bytes of the whole stream at level 19.
pub(crate) fn whole_at_19(bytes: &[u8]) -> std::io::Result<usize> {
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), 19)?;
    std::io::copy(&mut &*bytes, &mut encoder)?;
    encoder.finish().map(|packed| packed.len())
}

/// Returns the bytes of blocks of 64 KiB, each on its own, at level 3.
pub(crate) fn blocks_at_3(bytes: &[u8]) -> std::io::Result<usize> {
    let mut sum = 0;
    for block in bytes.chunks(64 << 10) {
        sum += zstd::bulk::compress(block, 3)?.len();
    }
    Ok(sum)
}
