"""Signs commands for POST /v1/signed. Needs the package cryptography.

python3 sign.py new r1 alice.pem                      makes a key (r1: P-256, k1: secp256k1) and prints its name
python3 sign.py pay http://127.0.0.1:5080 alice.pem customers:alice customers:bob EUR 1.00 [remittance]
python3 sign.py read http://127.0.0.1:5080 alice.pem customers:alice@active /v1/accounts/customers:alice/balances
"""
import base64
import datetime
import hashlib
import json
import os
import sys
import urllib.error
import urllib.request

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

CURVES = {
    "secp256r1": ("r1:", ec.SECP256R1(), 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551),
    "secp256k1": ("k1:", ec.SECP256K1(), 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141),
}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def canonical(value):
    """RFC 8785 for names in ASCII and integers: members sorted, no blanks, the fewest escapes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def key_text(key):
    """r1: or k1: and the base64url of the compressed point."""
    point = key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
    return CURVES[key.curve.name][0] + b64(point)


def signature(key, data):
    """ECDSA over SHA-256 of the bytes, as r and s of 32 bytes each, s in the lower half."""
    r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
    order = CURVES[key.curve.name][2]
    return b64(r.to_bytes(32, "big") + min(s, order - s).to_bytes(32, "big"))


def uuid7(milliseconds):
    """48 bits of milliseconds, then chance."""
    data = bytearray(milliseconds.to_bytes(6, "big") + os.urandom(10))
    data[6] = 0x70 | data[6] & 0x0f
    data[8] = 0x80 | data[8] & 0x3f
    text = data.hex()
    return "-".join([text[:8], text[8:12], text[12:16], text[16:20], text[20:]])


def pay(url, file, debit, credit, asset, amount, remittance=None):
    with open(file, "rb") as pem:
        key = serialization.load_pem_private_key(pem.read(), password=None)
    with urllib.request.urlopen(f"{url}/v1/book") as answer:
        book = json.load(answer)
    now = datetime.datetime.fromisoformat(book["time"].replace("Z", "+00:00"))
    fields = {"debit": debit, "credit": credit, "amount": {"asset": asset, "amount": amount}}
    request = {}
    if remittance:
        # A personal text is signed by a salted hash, so that it can be erased and the signature still be checked.
        salt = os.urandom(16)
        fields["remittance"] = "sha256:" + b64(hashlib.sha256(salt + remittance.encode()).digest())
        request["personal"] = {"remittance": {"text": remittance, "salt": b64(salt)}}
    data = canonical({
        "as": [f"{debit}@active"],
        "book": book["signing_id"],
        "command": "transfer.make",
        "expires": (now + datetime.timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "fields": fields,
        "id": uuid7(int(now.timestamp() * 1000)),
    })
    request["signed"] = b64(data)
    request["signatures"] = [{"key": key_text(key), "signature": signature(key, data)}]
    send(urllib.request.Request(
        f"{url}/v1/signed", json.dumps(request).encode(), {"Content-Type": "application/json"}))


def read(url, file, level, address):
    """Reads what is about one account, with its key in place of an API key."""
    with open(file, "rb") as pem:
        key = serialization.load_pem_private_key(pem.read(), password=None)
    with urllib.request.urlopen(f"{url}/v1/book") as answer:
        book = json.load(answer)
    expires = datetime.datetime.fromisoformat(book["time"].replace("Z", "+00:00")) + datetime.timedelta(minutes=5)
    data = canonical({
        "as": [level],
        "book": book["signing_id"],
        "expires": expires.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "read": address.split("?")[0],
    })
    signed = ".".join([b64(data), key_text(key), signature(key, data)])
    send(urllib.request.Request(url + address, headers={"Authorization": f"Signed {signed}"}))


def send(sent):
    try:
        with urllib.request.urlopen(sent) as answer:
            print(answer.status, answer.read().decode())
    except urllib.error.HTTPError as refused:
        print(refused.code, refused.read().decode())


def new(kind, file):
    key = ec.generate_private_key(next(curve for prefix, curve, _ in CURVES.values() if prefix == kind + ":"))
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as to:
        to.write(pem)
    print(key_text(key))


if __name__ == "__main__":
    {"new": new, "pay": pay, "read": read}[sys.argv[1]](*sys.argv[2:])
