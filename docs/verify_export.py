#!/usr/bin/env python3
"""Checks an export package of Muniment with nothing but the package and the archive's public key.

usage: verify_export.py FOLDER_OR_ZIP PUBLIC_KEY

Written from docs/export.md and the proof's specification, and sharing no code with the program that wrote the package.
Needs `zstandard` and `cryptography` besides the standard library. Exit code 0 and first line OK, or 1 and FAILED, with
every file, row and event that does not hold. It reads the files of a zip, not what a zip says beside them.
"""
import base64, bisect, hashlib, io, json, os, re, struct, sys, zipfile
from datetime import datetime, timedelta

import zstandard
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LINE_MAX, FINDINGS_MAX, ROWS_MAX = 128 << 20, 200, 20
OWN = ("manifest.json", "manifest.sig", "SHA256SUMS")
STREAMS = {"events.jsonl.zst": "proofs.jsonl.zst", "related.jsonl.zst": "related-proofs.jsonl.zst"}
TABLES = ("csv/exact/messages.csv", "csv/reading/messages.csv", "csv/readers.csv", "attachments.csv", "exceptions.csv")
KINDS = dict(message=1, action=2, story=3, alert=4, edit=5, retract=6, reaction=7, upload=8, download=9, join=10, leave=11,
             kick=12, history=13, search=14, refused=15, quarantined=16, other=17, topic=0x8001, rename=0x8002, room=0x8003,
             category=0x8004, member=0x8005, role=0x8006, invitation=0x8007, replace=0x8008, purge=0x8009, identity=0x800A,
             officer=0x800B, destroyed=0x800C)
TEXTS = dict(text=4, rich_text=5, title=6, thread=9, remark=12, locator=13)
MEMBERS = {*TEXTS, "id", "seq", "place_seq", "place_prev", "recorded_at", "at", "kind", "target", "actor", "place", "origin",
           "other_ids", "other_fields", "edited_at", "raw", "act", "attachments"}
COLUMNS = ("record_id seq source event_type room_id room_name category thread_root sent_at_utc sent_at_local zone "
           "received_at_utc actor_id actor_name actor_email actor_kind body body_version prior_version_of edited_at "
           "deleted_at deleted_by attachment_ids attachment_names readers_at_time hold_ids policy_ids tags bates sha256 "
           "leaf_index title").split()
FLAGS = ["guarded", "truncated", "controls_shown"]
READERS = "room_id room_name person_id person_name from_utc from_seq until_utc until_seq".split()
ATTACHMENTS = "record_id seq attachment name media_type address state file sha256 bytes".split()
EXCEPTIONS = "record_id seq attachment name fault reason".split()
LOST = "the archive could not give the bytes of this file, or they were not those of its hash"
GONE = "the archive no longer holds this event; see its certificates of destruction"
findings, omitted = [], 0


class Refused(Exception):
    """Something is not as it must be; the text says what."""


def find(what, file="", row=None, seq=None):
    global omitted
    if len(findings) >= FINDINGS_MAX:
        omitted += 1
        return
    place = file + (f" row {row}" if row else "") + (f" (event {seq})" if seq else "")
    findings.append(f"{place}: {what}" if place else what)


def need(holds, what):
    if not holds:
        raise Refused(what)


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def unhex(text, size=None):
    need(isinstance(text, str) and re.fullmatch("([0-9a-f]{2})*", text), "not lower-case hex")
    need(size is None or len(text) == 2 * size, "hex of the wrong length")
    return bytes.fromhex(text)


def canonical(value):
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def load(line):
    """Reads one canonical JSON object: what does not come out again byte for byte is refused."""
    value = json.loads(line)
    need(isinstance(value, dict) and canonical(value) == line, "not canonical JSON")
    return value


# ---- the container ----------------------------------------------------------------------------------------------------
class Package:
    def __init__(self, path):
        self.path, self.zip = path, None
        if os.path.isdir(path):
            self.names = set()
            for folder, folders, files in os.walk(path):
                for name in folders + files:
                    full = os.path.join(folder, name)
                    inner = os.path.relpath(full, path).replace(os.sep, "/")
                    if os.path.islink(full) or not (os.path.isdir(full) or os.path.isfile(full)):
                        find("it is no plain file of a package", inner)
                    elif name in files:
                        self.names.add(inner)
                    elif not os.listdir(full):
                        find("an empty folder does not belong here", inner)
        else:
            self.zip = zipfile.ZipFile(path)
            self.names = set(self.zip.namelist())
            need(len(self.names) == len(self.zip.namelist()), "the zip holds a name twice")

    def open(self, name):
        need(name in self.names, f"{name} is missing")
        return self.zip.open(name) if self.zip else open(os.path.join(self.path, name), "rb")

    def small(self, name, limit=256 << 20):
        with self.open(name) as file:
            content = file.read(limit + 1)
        need(len(content) <= limit, f"{name} is too large")
        return content

    def hash(self, name):
        digest, size = hashlib.sha256(), 0
        with self.open(name) as file:
            while block := file.read(1 << 18):
                digest.update(block)
                size += len(block)
        return size, digest.hexdigest()

    def lines(self, name):
        reader = zstandard.ZstdDecompressor().stream_reader(self.open(name), read_across_frames=True)
        buffered = io.BufferedReader(reader, 1 << 16)
        while line := buffered.readline(LINE_MAX + 1):
            need(line.endswith(b"\n"), "a line is cut off or too long")
            yield line[:-1]


# ---- signed notes (proof.md section 6) --------------------------------------------------------------------------------
class Key:
    def __init__(self, text):
        self.name, key_id, encoded = text.split("+", 2)
        raw = base64.b64decode(encoded, validate=True)
        need(len(raw) == 33 and raw[0] == 1, "the public key is malformed")
        self.id = sha(self.name.encode(), b"\n", raw)[:4]
        need(self.id.hex() == key_id, "the public key does not fit its id")
        self.key = Ed25519PublicKey.from_public_bytes(raw[1:])

    def open(self, note, one=False):
        """Returns the lines of a note that this key has signed."""
        text, gap, signatures = note.decode().rpartition("\n\n")
        lines = signatures.split("\n")
        need(gap and lines.pop() == "" and len(lines) <= 64, "the note is malformed")
        need(not one or len(lines) == 1, "the note has more than one signature")
        signed = False
        for line in lines:
            match = re.fullmatch(r"\u2014 (\S+) ([A-Za-z0-9+/]+=*)", line)
            need(match, "a signature line is malformed")
            raw = base64.b64decode(match[2], validate=True)
            need(base64.b64encode(raw).decode() == match[2], "base64 is not canonical")
            if match[1] == self.name and raw[:4] == self.id:
                try:
                    self.key.verify(raw[4:], (text + "\n").encode())
                except InvalidSignature:
                    raise Refused("the signature fails") from None
                signed = True
        need(signed, "it is not signed with the key given")
        return text.split("\n")


# ---- events and proofs (proof.md sections 3 to 8) ---------------------------------------------------------------------
EPOCH = datetime(1970, 1, 1)


def moment(micros):
    """RFC 3339 with six decimals, or nothing outside of the years 1 to 9999."""
    try:
        return (EPOCH + timedelta(microseconds=micros)).isoformat(timespec="microseconds") + "Z"
    except OverflowError:
        return None


def micros(value):
    if isinstance(value, int):
        need(moment(value) is None, "a time is not in its canonical form")
        return value
    found = (datetime.fromisoformat(value[:-1]) - EPOCH) // timedelta(microseconds=1)
    need(moment(found) == value, "a time is not in its canonical form")
    return found


def shown(value):
    return value if isinstance(value, str) else f"{value}us"


def exactly(value, names, optional=()):
    need(isinstance(value, dict) and set(names) <= set(value) <= {*names, *optional}, "a member is missing or foreign")
    return value


def kind_code(word):
    if match := re.fullmatch("unknown-([0-9a-f]{4})", word):
        code = int(match[1], 16)
        need(code not in KINDS.values(), "a known kind stands as unknown")
        return code
    need(word in KINDS, "no kind has this name")
    return KINDS[word]


def header_of(event):
    ids = {entry["role"]: unhex(exactly(entry, ("id", "role"))["id"], 16) for entry in event.get("other_ids", [])}
    for role, name in ((2, "place"), (3, "actor")):
        if name in event:
            ids[role] = unhex(event[name]["id"], 16)
    if "target" in event:
        ids[4] = event["target"].to_bytes(16, "big")
    if "origin" in event:
        ids[5] = unhex(event["origin"]["source"], 16)
    fixed = struct.pack(">BHQQQqqB", 1, kind_code(event["kind"]), event["seq"], event.get("place_seq", 0),
                        event.get("place_prev", 0), micros(event["recorded_at"]), micros(event["at"]), len(ids))
    return fixed + b"".join(bytes([role]) + ids[role] for role in sorted(ids))


def fields_of(event):
    fields = {TEXTS[name]: event[name].encode() for name in TEXTS if name in event}
    if "actor" in event:
        actor = exactly(event["actor"], ("id", "name"), ("foreign_id", "email"))
        fields |= {tag: actor[name].encode() for tag, name in ((1, "name"), (2, "foreign_id"), (10, "email")) if name in actor}
    if "place" in event:
        fields[3] = exactly(event["place"], ("id", "name"))["name"].encode()
    if "origin" in event:
        origin = exactly(event["origin"], ("source", "revision"), ("key", "ordinal"))
        form = (b"\0" + origin["key"].encode()) if "key" in origin else (b"\1" + struct.pack(">I", origin["ordinal"]))
        need(len(origin) == 3, "an origin has both a key and an ordinal")
        fields[7] = struct.pack(">I", origin["revision"]) + form
    if "raw" in event:
        fields[8] = unhex(event["raw"])
    if "edited_at" in event:
        fields[11] = struct.pack(">q", micros(event["edited_at"]))
    if "act" in event:
        fields[16] = canonical(event["act"])
    for at, attachment in enumerate(event.get("attachments", [])):
        fields[0x1000 + at] = canonical(attachment)
    roles = {entry["role"] for entry in event.get("other_ids", [])}
    for entry in event.get("other_fields", []):
        tag, value = exactly(entry, ("tag", "value"))["tag"], unhex(entry["value"])
        split = {1: 3, 3: 2, 7: 5}.get(tag) in roles
        text = (tag in TEXTS.values() or split) and is_text(value)
        need(tag not in fields and not text and tag != 8 and (tag != 11 or len(value) != 8), "a known field stands among others")
        fields[tag] = value
    return fields


def is_text(value):
    try:
        return value.decode() is not None
    except UnicodeDecodeError:
        return False


def read_event(line, archive):
    event = load(line)
    need(set(event) <= MEMBERS and event["id"] == f"{archive}/{event['seq']}" and event["seq"] > 0, "a member is foreign")
    return event


def check_proof(line, event, size, root):
    proof, seq = load(line), event["seq"]
    need(exactly(proof, ("kind", "seq", "opening", "path"))["kind"] == "inclusion" and proof["seq"] == seq, "it is of another event")
    opening = exactly(proof["opening"], ("form", "header", "hs", "ls", "fields"))
    header, fields, number = header_of(event), fields_of(event), struct.pack(">Q", seq)
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
            items += mark + unhex(field["commitment"], 32)
    need(not fields, f"field {next(iter(fields), '')} of the event is not proven")
    content = sha(b"C", number, unhex(opening["ls"], 16), items)
    leaf = sha(b"\0", sha(b"H", unhex(opening["hs"], 16), header), content)
    need(1 <= seq <= size and climb(leaf, seq - 1, size, [unhex(step, 32) for step in proof["path"]]) == root,
         "the hashes do not lead to the signed root")


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


# ---- what the tables draw from ----------------------------------------------------------------------------------------
class Ranges:
    def __init__(self, text):
        need(re.fullmatch(r"(\d+(-\d+)?(,\d+(-\d+)?)*)?", text), "a list of events is malformed")
        parts = [part.split("-") for part in text.split(",") if part]
        self.parts = [(int(part[0]), int(part[-1])) for part in parts]
        self.starts = [first for first, _ in self.parts]

    def __contains__(self, seq):
        at = bisect.bisect_right(self.starts, seq)
        return at > 0 and seq <= self.parts[at - 1][1]

    def __iter__(self):
        return (seq for first, last in self.parts for seq in range(first, last + 1))

    def last(self):
        return self.parts[-1][1] if self.parts else 0


class Gathered:
    """What one pass over the events learns: versions, readers, files, counts."""

    def __init__(self):
        self.edits, self.retractions, self.steps, self.rooms, self.files = {}, {}, [], {}, {}
        self.by_kind, self.by_source = {}, {}

    def take(self, event, is_row, names):
        kind, seq, actor, place = event["kind"], event["seq"], event.get("actor"), event.get("place")
        if is_row:
            self.by_kind[kind] = self.by_kind.get(kind, 0) + 1
            if "origin" in event:
                source = names.get(event["origin"]["source"], event["origin"]["source"])
                self.by_source[source] = self.by_source.get(source, 0) + 1
            for attachment in event.get("attachments", []):
                if "sha256" in attachment and attachment["sha256"] not in self.files:
                    _, dot, ending = attachment["name"].rpartition(".")
                    plain = dot and re.fullmatch("[A-Za-z0-9]{1,8}", ending)
                    self.files[attachment["sha256"]] = f"attachments/{len(self.files) + 1:06}.{ending.lower() if plain else 'bin'}"
        if "target" in event and kind in ("edit", "replace"):
            self.edits[seq] = (event["target"], event["at"])
        elif "target" in event and kind == "retract":
            by = (actor["name"] or actor["id"]) if actor else "unknown"
            self.retractions[seq] = (event["target"], event["at"], by)
        if place:
            self.rooms.setdefault(place["id"], place["name"])
            if actor and kind in ("join", "leave", "kick"):
                self.steps.append((place["id"], micros(event["at"]), seq, kind, actor["id"], actor["name"], event["at"]))

    def settle(self, holds):
        self.versions, self.replaced, self.retracted = {}, {}, {}
        for seq, (target, at) in sorted(self.edits.items()):
            root, number = self.versions.get(target, (target, None if target in self.edits or not holds(target) else 1))
            self.versions[seq] = (root, None if number is None else number + 1)
            self.replaced.setdefault(target, (seq, at))
        for _, (target, at, by) in sorted(self.retractions.items()):
            self.retracted.setdefault(self.root(target), (at, by))
        self.stays, self.counts, inside = [], {}, {}
        for room, at, seq, kind, person, name, text in sorted(self.steps):
            counts, key = self.counts.setdefault(room, []), (room, person)
            now = counts[-1][2] if counts else 0
            if kind == "kick":
                counts.append((at, seq, max(0, now - 1)))
            elif kind == "join" and key not in inside:
                inside[key] = [room, person, (at, seq), (), name, text, ""]
                self.stays.append(inside[key])
                counts.append((at, seq, now + 1))
            elif kind == "leave" and key in inside:
                stay = inside.pop(key)
                stay[3], stay[6] = (at, seq), text
                counts.append((at, seq, max(0, now - 1)))
            elif kind == "leave":
                self.stays.append([room, person, (), (at, seq), name, "", text])
        self.stays.sort(key=lambda stay: stay[:4])

    def root(self, seq):
        return self.versions[seq][0] if seq in self.versions else seq

    def version(self, event):
        if event["seq"] in self.versions:
            return self.versions[event["seq"]][1] or "unknown"
        return "unknown" if event["kind"] in ("edit", "replace") else 1

    def readers(self, event):
        if "place" not in event:
            return ""
        if event["place"]["id"] not in self.counts:
            return "unknown"
        counts = self.counts[event["place"]["id"]]
        at = bisect.bisect_right(counts, (micros(event["at"]), event["seq"], float("inf")))
        return f"at least {counts[at - 1][2] if at else 0}"


# ---- the tables -------------------------------------------------------------------------------------------------------
def row(cells):
    return (",".join('"' + str(cell).replace('"', '""') + '"' for cell in cells) + "\r\n").encode()


def exact_cells(event, line, manifest, gathered, hits):
    seq, place, actor = event["seq"], event.get("place", {}), event.get("actor")
    source = event.get("origin", {}).get("source", "")
    replaced, retracted = gathered.replaced.get(seq), gathered.retracted.get(gathered.root(seq), ("", ""))
    files = event.get("attachments", [])
    record = lambda number: f"{manifest['archive_id']}/{number}"
    cells = [record(seq), seq, manifest["source_names"].get(source, source), event["kind"], place.get("id", ""),
             place.get("name", ""), manifest["room_categories"].get(place.get("id"), ""), event.get("thread", ""),
             shown(event["at"]), "", "", shown(event["recorded_at"])]
    cells += [actor["id"], actor["name"], actor.get("email", ""), "unknown"] if actor else [""] * 4
    edited = event.get("edited_at", replaced[1] if replaced else "")
    cells += [event.get("text", ""), gathered.version(event), record(replaced[0]) if replaced else "", shown(edited),
              shown(retracted[0]), retracted[1], ";".join(file.get("sha256", "missing") for file in files),
              canonical([file["name"] for file in files]).decode() if files else "", gathered.readers(event), "", "", "", "",
              hashlib.sha256(line).hexdigest(), seq - 1, event.get("title", "")]
    return [str(cell) for cell in cells + ([int(seq in hits)] if hits is not None else [])]


HIDDEN = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
RISKY = re.compile("[ \xa0\xad\u1680\u2000-\u200d\u202f\u205f-\u2064\u3000\ufeff]*[=+\\-@\t\r\n\0\uff1d\uff0b\uff0d\uff20\u2212]")


def units(text):
    return len(text) + sum(letter > "\uffff" for letter in text)


def reading_cells(exact):
    cells, guarded, cut, controls = [], 0, 0, 0
    for cell in exact:
        text = HIDDEN.sub(lambda match: f"[U+{ord(match[0]):04X}]", cell)
        controls |= text != cell
        if units(text) >= 32767:
            cut, pointer = 1, f" [cut; the whole text is in exact/messages.csv, record {exact[0]}]"
            room, kept = 32766 - units(pointer), []
            for letter in text:
                room -= units(letter)
                if room < 0:
                    break
                kept.append(letter)
            text = "".join(kept) + pointer
        risky = RISKY.match(text) is not None
        guarded |= risky
        cells.append("'" + text if risky else text)
    return cells + [int(guarded), cut, int(controls)]


def tables(package, manifest, gathered, hits, unavailable):
    """Yields every row that the package should have: table, event, bytes."""
    exact, reading, readers, attachments, exceptions = TABLES
    columns = COLUMNS + (["is_hit"] if hits is not None else [])
    yield exact, None, row(columns)
    yield reading, None, "\ufeff".encode() + row(columns + FLAGS)
    yield readers, None, row(READERS)
    yield attachments, None, row(ATTACHMENTS)
    yield exceptions, None, row(EXCEPTIONS)
    record = lambda number: f"{manifest['archive_id']}/{number}"
    for seq in unavailable:
        yield exceptions, seq, row([record(seq), seq, "", "", "event-unavailable", GONE])
    present = {file["path"] for file in manifest["files"]}
    for line in package.lines("events.jsonl.zst"):
        event = read_event(line, manifest["archive_id"])
        seq, cells = event["seq"], exact_cells(event, line, manifest, gathered, hits)
        yield exact, seq, row(cells)
        yield reading, seq, row(reading_cells(cells))
        for number, file in enumerate(event.get("attachments", []), 1):
            path = gathered.files.get(file.get("sha256"), "")
            path = path if path in present else ""
            state = ("held" if path else "lost") if "sha256" in file else "missing"
            size = file.get("bytes") if "sha256" in file else file.get("claimed_bytes", "")
            yield attachments, seq, row([record(seq), seq, number, file["name"], file.get("media_type", ""),
                                         file.get("address", ""), state, path, file.get("sha256", ""), size])
            if state != "held":
                reason = file.get("missing", LOST)
                yield exceptions, seq, row([record(seq), seq, number, file["name"], f"attachment-{state}", reason])
    for room in sorted(set(gathered.rooms) - set(gathered.counts_known)):
        yield readers, None, row([room, gathered.rooms[room]] + ["unknown"] * 6)
    for room, person, start, end, name, start_text, end_text in gathered.stays:
        yield readers, None, row([room, gathered.rooms[room], person, name]
                                 + ([shown(start_text), start[1]] if start else ["unknown"] * 2)
                                 + ([shown(end_text), end[1]] if end else ["none recorded"] * 2))


def check_tables(package, manifest, gathered, hits, unavailable):
    wanted = [path for path in TABLES if not path.startswith("csv/") or any(p in package.names for p in TABLES[:3])]
    files = {path: package.open(path) if path in package.names else io.BytesIO() for path in wanted}
    rows, lost, counts = dict.fromkeys(wanted, 0), set(), dict.fromkeys(TABLES, 0)
    for path, seq, expected in tables(package, manifest, gathered, hits, unavailable):
        counts[path] += 1
        if path not in files or path in lost:
            continue
        rows[path] += 1
        found = files[path].read(len(expected))
        if found != expected:
            at = next((at for at, pair in enumerate(zip(found, expected)) if pair[0] != pair[1]), len(found))
            find(f"it does not say what its events say, from byte {at + 1} of the row" if found else "the row is missing",
                 path, rows[path], seq)
            if len(found) != len(expected) or not found.endswith(b"\r\n") or rows[path] > ROWS_MAX + counts[path]:
                lost.add(path)
    for path, file in files.items():
        if path not in lost and file.read(1):
            find("there are rows after the last one expected", path, rows[path] + 1)
    stated = manifest["counts"]
    need((stated["attachments"], stated["exceptions"]) == (counts[TABLES[3]] - 1, counts[TABLES[4]] - 1),
         "manifest.json: its counts of attachments and exceptions are not those of the tables")


# ---- the check --------------------------------------------------------------------------------------------------------
def check_streams(package, manifest, name, due, size, root, take):
    """Checks events and proofs side by side. Returns how many there are."""
    proofs, due, count, row_ = package.lines(STREAMS[name]), iter(due), 0, 0
    expected = next(due, None)
    for line in package.lines(name):
        row_ += 1
        proof = next(proofs, None)
        try:
            event = read_event(line, manifest["archive_id"])
            seq = event["seq"]
            if seq != expected:
                find(f"event {expected} was due here", name, row_, seq)
            while expected is not None and expected <= seq:
                expected = next(due, None)
            need(proof is not None, "its proof is missing")
            check_proof(proof, event, size, root)
        except (Refused, KeyError, TypeError, ValueError, AttributeError, struct.error, OverflowError, RecursionError) as fault:
            what = str(fault) if isinstance(fault, Refused) else f"malformed ({fault!r:.100})"
            find(what, name, row_, seq_of(line))
            continue
        take(event)
        count += 1
    if expected is not None:
        find("this event and what follows is missing", name, row_ + 1, expected)
    if next(proofs, None) is not None:
        find("there are proofs after the last event", STREAMS[name], row_ + 1)
    return count


def seq_of(line):
    match = re.search(rb'"seq":(\d{1,19})\b', line)
    return int(match[1]) if match else None


def check_files(package, manifest):
    named = {file["path"]: file for file in manifest["files"]}
    for name in sorted(package.names):
        if name not in named and name not in OWN:
            find("the manifest does not name it", name)
    for path, file in named.items():
        try:
            if package.hash(path) != (file["bytes"], file["sha256"]):
                find("its bytes are not those that were signed", path)
        except Exception as fault:
            find(f"it cannot be read ({fault})", path)


def check_manifest(package, key):
    content = package.small("manifest.json")
    digest = hashlib.sha256(content).hexdigest()
    try:
        note = package.small("manifest.sig", 1 << 20)
        need(key.open(note, one=True) == ["muniment manifest v1", digest], "it signs another manifest")
    except (Refused, ValueError) as fault:
        find(str(fault), "manifest.sig")
        note = b""
    manifest = json.loads(content)
    need(manifest["format"] == "muniment export package v1", "manifest.json is of another format")
    sums = {file["path"]: file["sha256"] for file in manifest["files"]}
    sums |= {"manifest.json": digest, "manifest.sig": hashlib.sha256(note).hexdigest()}
    lines = "".join(f"{sums[path]}  {path}\n" for path in sorted(sums, key=str.encode))
    if "SHA256SUMS" not in package.names or package.small("SHA256SUMS") != lines.encode():
        find("it is not the list of hashes that the manifest gives", "SHA256SUMS")
    return manifest


def check(path, key_text):
    key, package = Key(key_text), Package(path)
    manifest = check_manifest(package, key)
    need(manifest["public_key"] == key_text, "manifest.json names another public key than the one given")
    check_files(package, manifest)
    origin, size, root = key.open(package.small("checkpoint.note", 1 << 20))
    size, root = int(size), base64.b64decode(root, validate=True)
    need(origin == key.name == f"muniment/{manifest['archive_id']}", "checkpoint.note is of another archive")
    need((manifest["checkpoint"]["size"], manifest["checkpoint"]["root"]) == (size, root.hex()),
         "manifest.json states another checkpoint than checkpoint.note")
    lists = manifest["set"]
    seqs, related, unavailable = (Ranges(lists[name]) for name in ("seqs", "related", "unavailable"))
    hits = Ranges(lists["hits"]) if "hits" in lists else None
    need(max(seqs.last(), related.last(), unavailable.last(), hits.last() if hits else 0) <= size,
         "manifest.json lists events beyond the checkpoint")
    need(all(seq in seqs or seq in related for seq in unavailable), "manifest.json lists unavailable events that are not in the set")
    gathered, counts = Gathered(), manifest["counts"]
    take = lambda is_row: lambda event: gathered.take(event, is_row, manifest["source_names"])
    due = lambda ranges: (seq for seq in ranges if seq not in unavailable)
    found = [check_streams(package, manifest, "events.jsonl.zst", due(seqs), size, root, take(True)), 0]
    if related.parts or "related.jsonl.zst" in package.names:
        found[1] = check_streams(package, manifest, "related.jsonl.zst", due(related), size, root, take(False))
    if findings and any("jsonl" in finding for finding in findings):
        return found  # What follows is made from the events, and they do not hold.
    need([counts["events"], counts["related"]] == found and counts["by_kind"] == gathered.by_kind
         and counts["by_source"] == gathered.by_source and all(part["rows"] == found[0] for part in manifest["formats"]),
         "manifest.json: its counts are not those of the events that are here")
    for file in manifest["files"]:
        if file["path"].startswith("attachments/") and gathered.files.get(file["sha256"]) != file["path"]:
            find("no event names it, or its event names another hash", file["path"])
    gathered.counts_known = {step[0] for step in gathered.steps}
    gathered.settle(lambda seq: (seq in seqs or seq in related) and seq not in unavailable)
    check_tables(package, manifest, gathered, hits, unavailable)
    return found


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    found = [0, 0]
    try:
        found = check(sys.argv[1], sys.argv[2])
    except Exception as fault:
        find(str(fault) if isinstance(fault, Refused) else f"{type(fault).__name__}: {fault}"[:300])
    if findings:
        print("FAILED")
        print(*findings, sep="\n")
        if omitted:
            print(f"and {omitted} more")
        sys.exit(1)
    print("OK")
    print(f"{found[0]} events and {found[1]} related ones are in the log, unchanged since it was signed by the key given")
    print("outside witness: none, so no proof of when; not shown: that the set is complete for its query")


if __name__ == "__main__":
    main()
