#!/usr/bin/env python3
"""Reads the sealed segments of an archive without Muniment's code, from docs/format.md and proof.md alone.

    read_segment.py DATA [FILE ...]      prints the events of all segments, or of these files, as JSON lines with their leaves
    read_segment.py --check-tree DATA    recomputes the root over all segments and compares it with the newest signed checkpoint

Needs the Python packages zstandard and cryptography, and the archive's keys: DATA/keys, or --keys KEYDIR [--kek FILE].
"""
import argparse, base64, hashlib, itertools, json, re, struct, sys, zstandard
from pathlib import Path
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
LIMIT = 64 << 20  # the most that a part holds, compressed or not
CLASS_OF = {7: 20, 9: 22, 11: 24, 13: 26, 4: 32, 5: 34, 6: 36, 8: 38, 12: 40, 16: 42}  # tag -> column of lengths
NAME_ROLE = {1: 3, 2: 3, 10: 3, 3: 2}  # tag of a name -> role of the id it goes with
sha256 = lambda *parts: hashlib.sha256(b"".join(parts)).digest()
def need(condition, what):
    if not condition: raise ValueError(what)
unzigzag = lambda number: (number >> 1) ^ -(number & 1)
class Bytes:
    """Takes numbers off the front of a byte string."""
    def __init__(self, data): self.data, self.at = data, 0
    def take(self, count):
        need(self.at + count <= len(self.data), "cut short")
        self.at += count
        return self.data[self.at - count : self.at]
    def fixed(self, form): return struct.unpack(">" + form, self.take(struct.calcsize(">" + form)))
    def varint(self):
        number = shift = 0
        while True:
            byte = self.take(1)[0]
            number, shift = number | (byte & 0x7F) << shift, shift + 7
            need(shift <= 70, "a number of more than 64 bits")
            if byte < 0x80: return number
    def signed(self): return unzigzag(self.varint())
    def counted(self): return self.take(self.varint())
class Keys:
    """The data keys of an archive (format.md 2)."""
    def __init__(self, folder, kek_file, archive):
        kek = AESGCM((kek_file or folder / "kek").read_bytes())
        wrapped = Bytes((folder / "epoch").read_bytes())
        need(wrapped.take(8) == b"mun-epoc", "keys/epoch")
        epochs = {}
        for _ in range(wrapped.take(1)[0]):
            number, nonce, sealed = wrapped.take(4), wrapped.take(12), wrapped.take(48)
            epochs[number] = kek.decrypt(nonce, sealed, b"mun-epoc" + archive + number)
        ring = (folder / "ring").read_bytes()
        need(ring[:8] == b"mun-ring" and ring[12:28] == archive, "keys/ring")
        epoch, self.keys = ring[8:12], {}
        opener = AESGCM(epochs[epoch])
        for entry in (ring[at : at + 80] for at in range(32, len(ring) - 79, 80)):
            self.keys[entry[:16]] = (opener, entry[16:28], entry[28:76], b"mun-ring" + archive + epoch + entry[:16])
    def of(self, file):
        opener, nonce, sealed, associated = self.keys[file]
        return AESGCM(opener.decrypt(nonce, sealed, associated))
def columns(part, dictionary=None):
    """The columns of a part's plaintext, decompressed."""
    part = Bytes(part)
    directory = [(part.take(1)[0], part.take(1)[0], part.varint(), part.varint()) for _ in range(part.varint())]
    need(sum(entry[2] for entry in directory) <= LIMIT, "too long")
    out = {}
    for number, form, raw, stored in directory:
        data, unpacker = part.take(stored), zstandard.ZstdDecompressor(dict_data=dictionary if form == 2 else None)
        if form: data = unpacker.decompress(data, max_output_size=raw)
        need(len(data) == raw, "a column has another length")
        out[number] = data
    return out
class Segment:
    """One segment file, opened (format.md 5)."""
    def __init__(self, path, keys):
        self.data = path.read_bytes()
        head = Bytes(self.data)
        need(head.take(8) == b"MUNI-SEG" and head.fixed("H") == (1,), f"{path} is no segment of version 1")
        self.lane, _ = head.fixed("BB")
        self.archive, self.file = head.take(16), head.take(16)
        self.first, self.last, self.generation = head.fixed("QQI")
        self.key = keys.of(self.file)
        offset, length, part = struct.unpack(">QIQ", self.data[-32:-12])
        need(self.data[-8:] == b"MUNI-END", f"{path} has no trailer")
        self.footer(Bytes(self.part((part, offset, length))))
    def part(self, place):
        number, offset, length = place
        need(struct.unpack_from(">I", self.data, offset)[0] == length <= LIMIT, "the length of a part")
        sealed = self.data[offset + 8 : offset + 8 + length]
        return self.key.decrypt(number.to_bytes(12, "big"), sealed, self.file + struct.pack(">Q", number))
    def footer(self, data):
        need(data.take(72) == self.data[:72], "header and footer differ")
        place = lambda: (data.varint(), data.varint(), data.varint())
        data.fixed("qB"), [data.varint() for _ in range(3)]
        if data.take(1)[0]: data.fixed("qq")
        dictionary = columns(self.part(place()))[1] if data.take(1)[0] else None
        self.dictionary = dictionary and zstandard.ZstdCompressionDict(dictionary)
        table = columns(self.part(place()))
        names = Bytes(table.get(3, b""))
        self.entities = []  # (role, id, {tag: name})
        for at, role in enumerate(table.get(1, b"")):
            self.entities.append((role, table[2][16 * at : 16 * at + 16], {names.varint(): names.counted() for _ in range(names.varint())}))
        self.blocks = []  # (first, rows, metadata place, content place)
        for _ in range(data.varint()):
            first, _, rows, _ = (data.varint() for _ in range(4))
            self.blocks.append((first, rows, place(), place(), data.counted())[:4])
        for _ in range(data.varint()): data.take(16), [data.varint() for _ in range(4)]
        self.runs = []
        for _ in range(data.varint()):
            first = data.varint()
            covered = data.take(1)[0]  # a cover, or the seed, which is the node at depth 0
            places = cover_places([int.from_bytes(data.take(32), "big") for _ in range(3)]) if covered else [(0, 0)]
            nodes = [data.take(16) for _ in range(data.varint() if covered else 1)]
            self.runs.append((first, dict(zip(places, nodes, strict=True))))
    def salt(self, seq, half):
        """The salt of an event: half 0 for the header, 1 for the content (proof.md 2)."""
        first, nodes = [run for run in self.runs if run[0] <= seq][-1]
        leaf = half * 256 + (seq - 1) % 256
        depth = next(d for d in range(10) if (d, leaf >> (9 - d)) in nodes)
        node = nodes[depth, leaf >> (9 - depth)]
        for below in range(depth, 9):
            both = sha256(b"S", struct.pack(">BQBH", self.lane, first, below, leaf >> (9 - below)), node)
            node = both[16:] if leaf >> (8 - below) & 1 else both[:16]
        return node
    def leaf(self, row):
        """The leaf of a row (proof.md 4 and 5)."""
        if row["state"] == "blank": return row["kept"]
        seq, number = row["seq"], struct.pack(">Q", row["seq"])
        header = sha256(b"H", self.salt(seq, 0), row["header"])
        content = row.get("kept")
        if content is None:
            cs, items = self.salt(seq, 1), b""
            salt = lambda tag: sha256(b"K", number, struct.pack(">H", tag), cs)[:16]
            for name, tag, value in ((struct.pack(">H", tag), tag, value) for tag, value in row["fields"]):
                items += name + sha256(b"F", number, name, salt(tag), value)
            content = sha256(b"C", number, salt(0), items)
        return sha256(b"\0", header, content)
    def rows(self): return (row for block in self.blocks for row in self.block(*block))
    def block(self, first, rows, metadata, content):
        data = columns(self.part(metadata)) | columns(self.part(content), self.dictionary)
        number = {at: Bytes(data[at]) if at in data else None for at in [1, 2, 4, 9, 10, 11, 12, 14, 15, 16, 18]}
        read = lambda at: number[at].varint() if number[at] else 0
        rest = {at: Bytes(data.get(at, b"")) for at in [3, 5, 8, 13, 17, 19, 28, 29]}
        states = [read(1) for _ in range(rows)]
        times = iter(block_times(data, sum(state < 2 for state in states)))
        shapes = []
        for _ in range(rest[3].varint() if 3 in data else 0):
            shapes.append((rest[3].counted(), [rest[3].varint() for _ in range(rest[3].varint())]))
        recent = [[rest[8].varint() for _ in range(rest[8].varint())] for _ in range(4)] if 8 in data else [[]] * 4
        values = {at: block_values(data, at) for at in [*CLASS_OF.values(), 44, 46]}
        chains, last_names, seq = {}, {}, first - 1
        for state in states:
            seq += 1 + read(2)
            if state == 2: yield {"seq": seq, "state": "blank", "kept": rest[29].take(32)}; continue
            roles, tags = shapes[read(4)]
            kind, (recorded_at, at) = rest[5].varint() | self.lane << 15, next(times)
            ids, place_seq, place_prev, entity_of = [], 0, 0, {}
            for role in roles:
                if role == 4: ids.append((role, (seq - back).to_bytes(16, "big") if (back := read(16)) else rest[17].take(16))); continue
                table = {2: 0, 3: 1, 5: 2}.get(role, 3)
                recent[table].insert(0, entity := recent[table].pop(read(9 + table)))
                ids.append((role, self.entities[entity][1]))
                entity_of[role] = entity
                if role == 2:
                    before, prev = chains.get(entity) or (rest[13].varint(), rest[13].varint())
                    place_seq = (before + 1 + unzigzag(read(14))) % (1 << 64)
                    place_prev = seq - back if (back := read(15)) else prev
                    chains[entity] = (place_seq, seq)
            header = struct.pack(">BHQQQqqB", 1, kind, seq, place_seq, place_prev, recorded_at, at, len(ids))
            row = {"seq": seq, "state": ["live", "stub"][state], "kind": kind, "at": at, "recorded_at": recorded_at, "ids": ids,
                   "place_seq": place_seq, "place_prev": place_prev, "header": header + b"".join(bytes([role]) + id for role, id in ids)}
            row |= {"kept": rest[28].take(32)} if state == 1 else {"fields": []}
            for tag in tags:
                entity = entity_of.get(NAME_ROLE.get(tag))
                if tag not in NAME_ROLE:
                    value = next(values[CLASS_OF.get(tag, 44 if tag >> 12 == 1 else 46)])
                elif read(18):
                    value = last_names[entity, tag] = rest[19].counted()
                else:
                    value = last_names[entity, tag] if (entity, tag) in last_names else self.entities[entity][2][tag]
                row["fields"].append((tag, value))
            yield row
def cover_places(bits):
    """The places of a cover's nodes, by ascending first leaf (proof.md 9)."""
    live, stub, blank = ([slots >> (255 - slot) & 1 for slot in range(256)] for slots in bits)
    demands = [2 if b else l or s for l, s, b in zip(live, stub, blank)] + [2 if b or s else l for l, s, b in zip(live, stub, blank)]
    def collect(depth, index):
        most = max(demands[index << (9 - depth) : (index + 1) << (9 - depth)])
        if most == 1: return [(depth, index)]
        return collect(depth + 1, 2 * index) + collect(depth + 1, 2 * index + 1) if most == 2 and depth < 9 else []
    return collect(0, 0)
def block_times(data, rows):
    """Pairs of recorded_at and at (format.md 5.6)."""
    if not rows: return []
    wrap = lambda number: (number + (1 << 63)) % (1 << 64) - (1 << 63)
    def steps(column):
        unit = column.varint()
        return [column.signed()] + [column.signed() * unit for _ in range(rows - 1)]
    sums = lambda numbers: [wrap(total) for total in itertools.accumulate(numbers)]
    recorded, at = sums(steps(Bytes(data[6]))), Bytes(data[7])
    if at.take(1)[0] == 0: return list(zip(recorded, sums(steps(at))))
    first, *lags = steps(at)
    return [(by, wrap(by + lag)) for by, lag in zip(recorded, [first] + [first + lag for lag in lags])]
def block_values(data, at):
    """The values of one class: their lengths are in column `at`, or each ends with the byte FF."""
    joined = Bytes(data.get(at + 1, b""))
    lengths = Bytes(data[at]) if at in data else None
    while lengths.at < len(lengths.data) if lengths else joined.at < len(joined.data):
        yield joined.take(lengths.varint() if lengths else joined.data.index(b"\xff", joined.at) - joined.at)
        joined.take(0 if lengths else 1)
def text(value):
    try: return value.decode()
    except UnicodeDecodeError: return {"hex": value.hex()}
def as_json(segment, row):
    shown = {name: row[name] for name in row if name not in ("header", "kept")} | {"leaf": segment.leaf(row).hex()}
    ids, fields = ({str(key): to(value) for key, value in row.get(name, [])} for name, to in [("ids", bytes.hex), ("fields", text)])
    return json.dumps(shown | {"ids": ids, "fields": fields}, ensure_ascii=False)
def root_of(leaves):
    """The root of RFC 6962 over the leaves."""
    stack = []
    for index, node in enumerate(leaves, 1):
        while index % 2 == 0:
            node, index = sha256(b"\1", stack.pop(), node), index // 2
        stack.append(node)
    node = stack.pop() if stack else sha256()
    while stack: node = sha256(b"\1", stack.pop(), node)
    return node
def check_tree(data, description, segments):
    leaves = {row["seq"]: segment.leaf(row) for segment in segments for row in segment.rows()}
    note = max((data / "checkpoints").glob("*.note")).read_text(encoding="utf-8")
    body, signatures = note.split("\n\n", 1)
    origin, size, root = body.split("\n")
    name, _, key = re.fullmatch(r"(.+)\+([0-9a-f]{8})\+(.+)", description["public_key"]).groups()
    need(name == origin, "the checkpoint is of another archive")
    signature = base64.b64decode(re.search(rf"(?m)^— {re.escape(name)} (\S+)$", signatures)[1])[4:]
    Ed25519PublicKey.from_public_bytes(base64.b64decode(key)[1:]).verify(signature, (body + "\n").encode())
    missing = [seq for seq in range(1, int(size) + 1) if seq not in leaves]
    need(not missing, f"{len(missing)} of {size} events are not sealed, the first is {missing[:1]}")
    found = root_of(leaves[seq] for seq in range(1, int(size) + 1))
    need(base64.b64decode(root) == found, f"FAILED: the root over {size} events is {found.hex()}, another was signed")
    print(json.dumps({"ok": True, "size": int(size), "root": found.hex(), "segments": len(segments)}))
def main():
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, more in [("data", {}), ("files", {"nargs": "*"}), ("--keys", {}), ("--kek", {})]: asked.add_argument(name, type=Path, **more)
    asked.add_argument("--check-tree", action="store_true")
    asked = asked.parse_args()
    description = json.loads((asked.data / "archive.json").read_text())
    keys = Keys(asked.keys or asked.data / "keys", asked.kek, bytes.fromhex(description["archive_id"]))
    found = asked.files or [path for path in (asked.data / "segments").iterdir() if path.suffix in (".talk", ".ledger")]
    segments = sorted((Segment(path, keys) for path in found), key=lambda segment: (segment.first, segment.lane))
    if asked.check_tree: return check_tree(asked.data, description, segments)
    for line in (as_json(segment, row) for segment in segments for row in segment.rows()): print(line)
if __name__ == "__main__":
    try: main()
    except (ValueError, KeyError, StopIteration) as fault: sys.exit(f"FAILED: {fault}")
