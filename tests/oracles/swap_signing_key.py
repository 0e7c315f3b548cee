"""Puts another signing key into an archive, as an insider would who may read every key: wrapped as docs/format.md 2 says.

usage: swap_signing_key.py DATA
"""
import json
import pathlib
import secrets
import struct
import sys

from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def crc32c(data):
    check = 0xFFFFFFFF
    for byte in data:
        check ^= byte
        for _ in range(8):
            check = check >> 1 ^ (0x82F63B78 if check & 1 else 0)
    return check ^ 0xFFFFFFFF


data = pathlib.Path(sys.argv[1])
archive = bytes.fromhex(json.loads((data / "archive.json").read_text())["archive_id"])
kek = AESGCM((data / "keys/kek").read_bytes())
number, nonce = struct.pack(">I", 1), secrets.token_bytes(12)
sealed = kek.encrypt(nonce, secrets.token_bytes(32), b"mun-sign" + archive + number)
wrapped = b"mun-sign" + b"\x01" + number + nonce + sealed
target = data / "keys/signing"
target.chmod(0o600)
target.write_bytes(wrapped + struct.pack(">I", crc32c(wrapped)))
target.chmod(0o400)
print(json.dumps({"swapped": True}))
