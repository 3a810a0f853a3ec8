#!/usr/bin/env python3
"""Checks an exported log of Conscience against signed heads, without any code of Conscience.

    verify.py --key KEY --head HEAD [--head HEAD ...] [--earlier LOG] LOG [LOG ...]

KEY is what `conscience checkpoint --key` printed, HEAD a file that `conscience checkpoint` printed (C2SP checkpoint, a signed
note), LOG a file of `conscience log`: one entry a line. Each line is a leaf of a Merkle tree (RFC 6962). The earlier log, where one was
kept, names the first entry that is not as it was; the heads alone name the interval. Needs Python 3.8 and `openssl` (for ed25519).
"""
import argparse
import base64
import hashlib
import subprocess
import sys
import tempfile


def sha256(data):
    return hashlib.sha256(data).digest()


def roots(lines):
    """The root after each entry; the edge holds the roots of the perfect subtrees."""
    edge = []
    for size, line in enumerate(lines, 1):
        root, rest = sha256(b"\0" + line), size
        while rest % 2 == 0:
            root, rest = sha256(b"\1" + edge.pop() + root), rest // 2
        edge.append(root)
        whole = edge[-1]
        for left in reversed(edge[:-1]):
            whole = sha256(b"\1" + left + whole)
        yield size, whole


def signed_by(text, signature, public):
    with tempfile.NamedTemporaryFile() as key, tempfile.NamedTemporaryFile() as message, tempfile.NamedTemporaryFile() as sig:
        # SubjectPublicKeyInfo of ed25519: a fixed prefix and the key.
        key.write(bytes.fromhex("302a300506032b6570032100") + public)
        message.write(text)
        sig.write(signature)
        for file in (key, message, sig):
            file.flush()
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", key.name, "-rawin", "-in", message.name, "-sigfile", sig.name]
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def head_of(note, verifier):
    """Size and root of a signed head."""
    # The key itself may hold a plus; the name does not.
    name, key_id, key = verifier.split("+", 2)
    key = base64.b64decode(key)
    if key[:1] != b"\1" or sha256(name.encode() + b"\n" + key)[:4].hex() != key_id:
        raise ValueError("the key is not what its id says")
    text, _, lines = note.rpartition("\n\n")
    text += "\n"
    for line in lines.splitlines():
        if line.startswith(f"\u2014 {name} "):
            signature = base64.b64decode(line.rsplit(" ", 1)[1])
            if signature[:4].hex() == key_id and signed_by(text.encode(), signature[4:], key[1:]):
                origin, size, root = text.splitlines()[:3]
                if origin == name:
                    return int(size), base64.b64decode(root)
    raise ValueError("the head is not signed by that key")


def check(lines, heads, earlier):
    """What is wrong with a log, or nothing."""
    if earlier is not None:
        for place, line in enumerate(earlier, 1):
            if place > len(lines) or lines[place - 1] != line:
                return f"entry {place} is the first that is not as it was"
    good = 0
    for size, root in roots(lines):
        if size in heads:
            if heads[size] != root:
                return f"an entry between {good + 1} and {size} is not what was signed"
            good = size
    if heads and max(heads) > len(lines):
        return f"an entry between {good + 1} and {max(heads)} is gone"
    return None


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--key", required=True)
    arguments.add_argument("--head", action="append", default=[])
    arguments.add_argument("--earlier")
    arguments.add_argument("log", nargs="+")
    given = arguments.parse_args()
    read = lambda path: open(path, "rb").read()
    verifier = read(given.key).decode().strip()
    heads = {}
    for path in given.head:
        size, root = head_of(read(path).decode(), verifier)
        if heads.setdefault(size, root) != root:
            sys.exit(f"two signed heads of {size} entries differ: whoever signs them tells different stories")

    def split(path):
        *lines, rest = read(path).split(b"\n")
        return lines + [rest] if rest else lines

    earlier = split(given.earlier) if given.earlier else None
    bad = 0
    for path in given.log:
        lines = split(path)
        wrong = check(lines, heads, earlier)
        bad += wrong is not None
        proven = max([size for size in heads if size <= len(lines)], default=0)
        if wrong is None and not proven and earlier is None:
            wrong = "nothing is proven without a head or an earlier log"
            bad += 1
        print(f"{path}: " + (f"BAD {wrong}" if wrong else f"good, {proven} of {len(lines)} entries under {len(heads)} heads"))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
