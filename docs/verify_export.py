#!/usr/bin/env python3
"""Checks an export package of Muniment with nothing but the package and the archive's public key.

usage: verify_export.py FOLDER_OR_ZIP PUBLIC_KEY

Written from docs/export.md and the proof's specification, and sharing no code with the program that wrote the package.
Needs `zstandard` and `cryptography` besides the standard library, and `export_content.py` beside it. Exit code 0 and first
line OK, or 1 and FAILED, with what does not hold. It reads the files of a zip, not what a zip says beside them. Begin at
`check`, near the end: this file is about what is proven, `export_content.py` about what lines and tables mean.
"""
import base64, hashlib, io, itertools, json, os, re, struct, sys, zipfile

import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from export_content import (EXCEPTIONS, FILES, KINDS, TABLES, TAGS, Gathered, Ranges, Refused, exactly, fields_of, header_of,
                            load, need, other_ids, read_event, tables, unhex)

LINE_MAX, FINDINGS_MAX = 128 << 20, 200
findings = []


def find(what, file="", row=None, seq=None):
    place = file + (f" row {row}" if row else "") + (f" (event {seq})" if seq else "")
    findings.append(f"{place}: {what}" if place else what)
    if len(findings) == FINDINGS_MAX:
        raise Refused("and more, which are not listed")


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


class Package:
    """The files of a folder or a zip. Whatever is no plain file is a finding."""

    def __init__(self, path):
        if not os.path.isdir(path):
            archive = zipfile.ZipFile(path)
            self.names, self.start = set(archive.namelist()), archive.open
            return need(len(self.names) == len(archive.namelist()), "the zip holds a name twice")
        self.names, self.start = set(), lambda name: open(os.path.join(path, name), "rb")
        for folder, folders, files in os.walk(path):
            for full in (os.path.join(folder, name) for name in folders + files):
                inner = os.path.relpath(full, path).replace(os.sep, "/")
                if os.path.isfile(full) and not os.path.islink(full):
                    self.names.add(inner)
                elif os.path.islink(full) or not os.path.isdir(full) or not os.listdir(full):
                    find("it is no plain file of a package", inner)

    def open(self, name):
        need(name in self.names, f"{name} is missing")
        return self.start(name)

    def whole(self, name, limit=1 << 20):
        content = self.open(name).read(limit + 1)
        need(len(content) <= limit, f"{name} is too large")
        return content

    def hash(self, name):
        digest, size, file = hashlib.sha256(), 0, self.open(name)
        while block := file.read(1 << 18):
            digest.update(block)
            size += len(block)
        return size, digest.hexdigest()

    def lines(self, name):
        reader = zstandard.ZstdDecompressor().stream_reader(self.open(name), read_across_frames=True)
        buffered = io.BufferedReader(reader, 1 << 16)
        while line := buffered.readline(LINE_MAX + 1):
            need(line.endswith(b"\n"), f"{name}: a line is cut off or too long")
            yield line[:-1]


class Key:
    """The archive's key, and the notes that it signs (proof.md section 6)."""

    def __init__(self, text):
        self.text = text
        self.name, key_id, encoded = text.split("+", 2)
        raw = base64.b64decode(encoded, validate=True)
        need(len(raw) == 33 and raw[0] == 1, "the public key is malformed")
        self.id = sha(self.name.encode(), b"\n", raw)[:4]
        need(self.id.hex() == key_id, "the public key does not fit its id")
        self.key = Ed25519PublicKey.from_public_bytes(raw[1:])

    def open(self, note, one=False):
        """Returns the lines of a note that this key has signed; lines of other keys are passed over, unless one is all."""
        text, gap, signatures = note.decode().rpartition("\n\n")
        lines, signed = signatures.split("\n"), False
        need(gap and lines.pop() == "" and len(lines) <= (1 if one else 64), "the note is malformed")
        for line in lines:
            match = re.fullmatch(r"\u2014 (\S+) ([A-Za-z0-9+/]+=*)", line)
            need(match, "a signature line is malformed")
            raw = base64.b64decode(match[2], validate=True)
            need(base64.b64encode(raw).decode() == match[2], "base64 is not canonical")
            if match[1] == self.name and raw[:4] == self.id:
                self.key.verify(raw[4:], (text + "\n").encode())
                signed = True
        need(signed, "it is not signed with the key given")
        return text.split("\n")


# ---- proofs (docs/export.md section 4, proof.md sections 4 to 8) --------------------------------------------------------
def climb(hash_, index, size, path):
    """RFC 9162 section 2.1.3.2."""
    last = size - 1
    for step in path:
        if last == 0:
            return None
        if index & 1 or index == last:
            hash_ = sha(b"\1", step, hash_)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            hash_ = sha(b"\1", hash_, step)
        index, last = index >> 1, last >> 1
    return hash_ if last == 0 else None


def included(proof, seq, leaf_of, tree):
    """Checks that a proof is of this event and that the leaf of its opening is in the signed tree."""
    exactly(proof, ("kind", "seq", "opening", "path"))
    need(proof["kind"] == "inclusion" and proof["seq"] == seq and 1 <= seq <= tree[0], "it is of another event")
    path = [unhex(step, 32) for step in proof["path"]]
    need(climb(leaf_of(proof["opening"]), seq - 1, tree[0], path) == tree[1], "the hashes do not lead to the signed root")


def check_proof(line, event, withheld, tree):
    """Checks that an event's line is what the log holds. Returns the tags that are withheld from it."""
    header, fields, number, hidden = header_of(event), fields_of(event), struct.pack(">Q", event["seq"]), []

    def leaf_of(opening):
        exactly(opening, ("form", "header", "hs", "ls", "fields"))
        need(opening["form"] == "open" and unhex(opening["header"]) == header, "the header differs from the one that is proven")
        items, before = b"", 0
        for field in opening["fields"]:
            tag = exactly(field, ("tag",), ("salt", "commitment"))["tag"]
            need(before < tag < 0x10000 and len(field) == 2, "a field is malformed or out of order")
            before, mark = tag, struct.pack(">H", tag)
            if "salt" in field:
                need(tag in fields, f"field {tag} is proven and not shown")
                items += mark + sha(b"F", number, mark, unhex(field["salt"], 16), fields.pop(tag))
            else:
                need(min(tag, 0x1000) in withheld or tag in withheld, f"field {tag} is withheld, and the manifest does not say so")
                items += mark + unhex(field["commitment"], 32)
                hidden.append(min(tag, 0x1000))
        need(not fields, f"field {next(iter(fields), '')} of the event is not proven")
        content = sha(b"C", number, unhex(opening["ls"], 16), items)
        return sha(b"\0", sha(b"H", unhex(opening["hs"], 16), header), content)

    included(load(line), event["seq"], leaf_of, tree)
    return hidden


def check_absent(line, seq, tree):
    """Checks the line of an event that is not shown. Returns the reason, and its place in its room where that is shown."""
    item, headers = exactly(load(line), ("proof", "reason")), []

    def leaf_of(opening):
        if opening["form"] == "leaf":
            return unhex(exactly(opening, ("form", "leaf"))["leaf"], 32)
        headers.append(unhex(exactly(opening, ("form", "header", "hs", "content"))["header"]))
        return sha(b"\0", sha(b"H", unhex(opening["hs"], 16), headers[0]), unhex(opening["content"], 32))

    included(item["proof"], seq, leaf_of, tree)
    if not headers:
        need(item["reason"] == "destroyed", "nothing shows the reason")
        return item["reason"], None
    version, kind, number, place_seq, place_prev, _, _, ids = struct.unpack(">BHQQQqqB", headers[0][:44])
    need((version, number, len(headers[0])) == (1, seq, 44 + 17 * ids), "the header is malformed")
    need((item["reason"] == "officer") == (kind == KINDS["officer"]), "the reason is not what the header shows")
    return item["reason"], ({entry[0]: entry[1:].hex() for entry in chunks(headers[0][44:], 17)}.get(2), place_seq, place_prev)


def chunks(data, size):
    return (data[at:at + size] for at in range(0, len(data), size))


# ---- the check --------------------------------------------------------------------------------------------------------
FAULTS = (Refused, KeyError, TypeError, ValueError, AttributeError, struct.error, OverflowError, RecursionError)


def words(fault):
    return str(fault) if isinstance(fault, Refused) else f"malformed ({fault!r:.100})"


def side_by_side(package, name, others, due, check_one):
    """Takes the lines of a file, those of others beside it, and the events that are due, one by one. Returns how many hold."""
    held, streams = 0, [package.lines(path) for path in (name, *others)]
    for number, (seq, *lines) in enumerate(itertools.zip_longest(due, *streams), 1):
        if seq is None or None in lines:
            what = "there are lines after the last event" if seq is None else "this event, or its proof, is missing"
            find(what, name, number, seq)
            break
        try:
            check_one(seq, *lines)
            held += 1
        except FAULTS as fault:
            find(words(fault), name, number, seq)
    return held


def check_manifest(package, key):
    content = package.whole("manifest.json", 256 << 20)
    digest, manifest, note = hashlib.sha256(content).hexdigest(), json.loads(content), package.whole("manifest.sig")
    need(manifest["format"] == "muniment export package v1", "manifest.json is of another format")
    need(key.open(note, one=True) == ["muniment manifest v1", digest], "manifest.sig signs another manifest")
    need(manifest["public_key"] == key.text, "manifest.json names another public key than the one given")
    named = {file["path"]: file for file in manifest["files"]}
    sums = {path: file["sha256"] for path, file in named.items()}
    sums |= {"manifest.json": digest, "manifest.sig": hashlib.sha256(note).hexdigest()}
    lines = "".join(f"{sums[path]}  {path}\n" for path in sorted(sums, key=str.encode))
    need(package.whole("SHA256SUMS", len(lines)) == lines.encode(), "SHA256SUMS is not what the manifest says")
    for name in sorted(package.names - named.keys() - {"manifest.json", "manifest.sig", "SHA256SUMS"}):
        find("the manifest does not name it", name)
    for path, file in named.items():
        try:
            need(package.hash(path) == (file["bytes"], file["sha256"]), "its bytes are not those that were signed")
        except Exception as fault:
            find(words(fault), path)
    return manifest


def check_tree(package, manifest, key):
    """Returns size and root of the signed checkpoint."""
    origin, size, root = key.open(package.whole("checkpoint.note"))
    tree = (int(size), base64.b64decode(root, validate=True))
    need(origin == key.name == f"muniment/{manifest['archive_id']}", "checkpoint.note is of another archive")
    stated = manifest["checkpoint"]
    need((stated["size"], stated["root"]) == (tree[0], tree[1].hex()), "manifest.json states another checkpoint")
    return tree


def check_complete(complete, rows, absent, chain):
    """Checks that a range of the log, or of a room, is here without a gap. `chain` holds (seq, place or nothing)."""
    first, last, beside = complete["first"], complete["last"], {complete.get("before"), complete.get("after")} - {None}
    need(all(first <= seq <= last for seq in rows) and all(first <= seq <= last or seq in beside for seq, _, _ in absent),
         "events stand outside of the range that is said to be complete")
    need(all((reason == "neighbour") == (seq in beside) for seq, reason, _ in absent), "a neighbour is none, or missing")
    if complete["of"] == "log":
        seqs = sorted(rows + [seq for seq, _, _ in absent])
        return need(seqs == list(range(first, last + 1)), "the range of the log has a gap")
    place, before, hidden, is_start = 0, 0, 0, "before" in complete
    for seq, header in sorted(chain + [(seq, header) for seq, _, header in absent]):
        if header is None:
            hidden += 1
        else:
            need(header[0] == complete["room"], f"event {seq} is of another room")
            need(is_start or header[1:] == (place + hidden + 1, before), f"before event {seq} one of the room is missing")
            place, hidden = header[1], 0
        before, is_start = seq, False
    need(place and not hidden and beside <= {seq for seq, _, _ in absent}, "the end of the room's chain is not shown")
    need(complete.get("before", 0) < first and complete.get("after", last + 1) > last, "a neighbour stands within the range")


def check_tables(package, manifest, expected):
    """Compares every table with what it must say; of each the first row that differs is named."""
    has_csv = any(part["format"] == "csv" for part in manifest["formats"]) or any(name in package.names for name in TABLES[:3])
    wanted = [path for path in TABLES if has_csv or not path.startswith("csv/")]
    files = {path: package.open(path) if path in package.names else io.BytesIO() for path in wanted}
    counts, differing = dict.fromkeys(TABLES, 0), set()
    for path, seq, content in expected:
        counts[path] += 1
        if path in files and path not in differing and (found := files[path].read(len(content))) != content:
            same = len(os.path.commonprefix([found, content]))
            find(f"from byte {same + 1} on the row is not what its events say" if found else "the row is missing", path, counts[path], seq)
            differing.add(path)
    for path, file in files.items():
        if path not in differing and file.read(1):
            find("there are rows after the last one", path, counts[path] + 1)
    stated = (manifest["counts"]["attachments"], manifest["counts"]["exceptions"])
    need(stated == (counts[FILES] - 1, counts[EXCEPTIONS] - 1), "manifest.json: its counts of attachments and exceptions are wrong")


def check(path, key_text):
    key, package = Key(key_text), Package(path)
    manifest = check_manifest(package, key)
    tree, lists, counts = check_tree(package, manifest, key), manifest["set"], manifest["counts"]
    archive, complete = manifest["archive_id"], lists.get("complete")
    rows, related, unavailable = (Ranges(lists[name]) for name in ("seqs", "related", "unavailable"))
    hits = Ranges(lists["hits"]) if "hits" in lists else None
    missing = Ranges(complete["absent"] if complete else "")
    for ranges in filter(None, (rows, related, unavailable, missing, hits)):
        need(not ranges.parts or ranges.parts[-1][1] <= tree[0], "manifest.json lists events beyond the checkpoint")
    need(all(seq in rows or seq in related for seq in unavailable), "manifest.json lists unavailable events that are not in the set")
    need(manifest["purpose"] == "internal" or not {"query", "why"} & manifest.keys(), "a production states a query or a reason")
    withheld, hidden = {TAGS[word]: word for word in lists.get("withheld", [])}, {}
    gathered, chain, absent = Gathered(manifest["source_names"]), [], []

    def check_event(take, seq, line, proof):
        event = read_event(line, archive)
        need(event["seq"] == seq, f"event {seq} was due here")
        need(event["kind"] != "officer", "it is an officer's act")
        for tag in check_proof(proof, event, withheld, tree):
            hidden[withheld[tag]] = hidden.get(withheld[tag], 0) + 1
        take(event)

    def take_row(event):
        gathered.take_row(event)
        if complete and complete["of"] == "room":
            room = event["place"]["id"] if "place" in event else other_ids(event).get(2)
            chain.append((event["seq"], (room, event.get("place_seq", 0), event.get("place_prev", 0))))

    held = lambda ranges: (seq for seq in ranges if seq not in unavailable)
    found = [side_by_side(package, "events.jsonl.zst", ["proofs.jsonl.zst"], held(rows), lambda *one: check_event(take_row, *one)), 0]
    if related.parts or "related.jsonl.zst" in package.names:
        found[1] = side_by_side(package, "related.jsonl.zst", ["related-proofs.jsonl.zst"], held(related),
                                lambda *one: check_event(gathered.take_related, *one))
    if complete:
        side_by_side(package, "absent.jsonl.zst", [], missing, lambda seq, line: absent.append((seq, *check_absent(line, seq, tree))))
    if any("jsonl" in finding for finding in findings):
        return found, complete  # What follows is made from the events, and they do not hold.
    if complete:
        check_complete(complete, list(held(rows)), absent, chain)
    reasons = [reason for _, reason, _ in absent]
    need([counts["events"], counts["related"]] == found and counts["by_kind"] == gathered.by_kind
         and counts["by_source"] == gathered.by_source and all(part["rows"] == found[0] for part in manifest["formats"])
         and counts.get("withheld", {}) == hidden and counts.get("absent", {}) == {word: reasons.count(word) for word in reasons},
         "manifest.json: its counts are not those of the events that are here")
    for file in manifest["files"]:
        if file["path"].startswith("attachments/") and gathered.files.get(file["sha256"]) != file["path"]:
            find("no event names it, or its event names another hash", file["path"])
    gathered.settle(lambda seq: (seq in rows or seq in related) and seq not in unavailable)
    events = ((read_event(line, archive), line) for line in package.lines("events.jsonl.zst"))
    check_tables(package, manifest, tables(manifest, gathered, events, unavailable, hits))
    return found, complete


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    found, complete = (0, 0), None
    try:
        found, complete = check(sys.argv[1], sys.argv[2])
    except Exception as fault:
        findings.append(str(fault) if isinstance(fault, Refused) else f"{type(fault).__name__}: {fault}"[:300])
    if findings:
        print("FAILED", *findings, sep="\n")
        sys.exit(1)
    print("OK")
    print(f"{found[0]} events and {found[1]} related ones are in the log, unchanged since it was signed by the key given")
    if complete:
        of = "the log" if complete["of"] == "log" else f"room {complete['room']}"
        print(f"complete: every event of {of} from {complete['first']} to {complete['last']} is shown or accounted for")
        if complete["of"] == "room" and "after" not in complete:
            print("that the room has no later event is on the archive's word")
    print("outside witness: none, so no proof of when; not shown: that the set is complete for its query")


if __name__ == "__main__":
    main()
