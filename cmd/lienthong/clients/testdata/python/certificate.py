"""Scans the QR codes of a printed certificate and verifies the one in EU DCC style.

Usage: certificate.py JWKS PDF CODES; the texts of the SMART Health Card's codes are written to CODES, one a line.
"""
import base64
import json
import sys
import zlib

import base45
import cbor2
import pypdfium2
import zxingcpp
from cwt import COSE, COSEKey

jwks, printed, codes = sys.argv[1:]
texts, words = set(), ""
for page in pypdfium2.PdfDocument(printed):
    image = page.render(scale=200 / 72, grayscale=True).to_pil()
    texts |= {code.text for code in zxingcpp.read_barcodes(image)}
    words += page.get_textpage().get_text_range()
cards = sorted(t for t in texts if t.startswith("shc:/"))
[hc1] = [t for t in texts if t.startswith("HC1:")]
assert cards, texts
with open(codes, "w") as out:
    out.write("\n".join(cards))

unpad = lambda s: base64.urlsafe_b64decode(s + "=" * (-len(s) % 4))
[key] = json.load(open(jwks))["keys"]
public = COSEKey.new({1: 2, 2: unpad(key["kid"])[:8], 3: -7, -1: 1, -2: unpad(key["x"]), -3: unpad(key["y"])})
signed = zlib.decompress(base45.b45decode(hc1[4:]))
claims = cbor2.loads(COSE.new().decode(signed, public))
card = claims[-260][1]
assert claims[1] == "VN" and claims[4] > claims[6], claims
assert card["ver"] == "1.0.0" and card["dob"] and card["nam"]["fnt"].isascii(), card
assert len(card["v"]) > 3 and all(v["dt"] and v["mp"] and v["ci"].startswith("URN:UVCI:01:VN:") for v in card["v"]), card
# What is printed is what was signed, in the letters of Vietnamese.
name = card["nam"]["fn"] + " " + card["nam"]["gn"]
assert name in words, (name, words[:200])

changed = bytearray(signed)
changed[-1] ^= 1
try:
    COSE.new().decode(bytes(changed), public)
except Exception:
    print("ok")
else:
    sys.exit("a changed signature passed")
