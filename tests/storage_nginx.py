"""Conditional and range requests for the same file, sent to nginx and to the server; run by storage-nginx.sh."""

import http.client
import itertools
import json
import os
import sys
import urllib.parse
from email.utils import parsedate_to_datetime

READY, DATA, WWW, NGINX = sys.argv[1:5]
BODY = bytes((n * 31 + 7) % 256 for n in range(3000))
PAST, FUTURE = "Sun, 06 Nov 1994 08:49:37 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"

RANGES = [
    None, "bytes=0-0", "bytes=0-", "bytes=10-19", "bytes=-1", "bytes=-3000", "bytes=-5000", "bytes=2999-", "bytes=2999-2999",
    "bytes=0-9999999", "bytes=3000-", "bytes=3000-4000", "bytes=-0", "bytes=99999999999999999999-", "bytes=5-2", "bytes=0-1,5-6",
    "bytes=0-1, 5-6", "bytes=", "bytes=-", "bytes=a-b", "bytes=1", "items=0-1", "BYTES=10-19", "bytes= 10-19", "bytes=10 -19", "bytes=,10-19",
    "bytes=10-19,", "bytes=0-0-0", "nonsense",
]
MATCH = [None, "{tag}", "*", '"other"', 'W/{tag}', '"a", {tag}', "other"]
NONE_MATCH = [None, "{tag}", "*", '"other"', 'W/{tag}', '"a",{tag}']
DATES = [None, "{modified}", PAST, FUTURE, "nonsense", "{rfc850}", "{asctime}"]
IF_RANGE = [None, "{tag}", "W/{tag}", '"other"', "{modified}", PAST, FUTURE, "nonsense"]

MALFORMED = {"bytes=5-2", "bytes=", "bytes=-", "bytes=a-b", "bytes=1", "bytes=0-0-0", "bytes=10 -19", "bytes=,10-19", "bytes=10-19,"}


def requests():
    """Headers of every request: each condition with each range, and pairs of conditions."""
    for rng, if_range in itertools.product(RANGES, IF_RANGE):
        yield {"Range": rng, "If-Range": if_range}
    for rng in RANGES[:4]:
        for match, unmodified in itertools.product(MATCH, DATES):
            yield {"Range": rng, "If-Match": match, "If-Unmodified-Since": unmodified}
        for none_match, modified in itertools.product(NONE_MATCH, DATES):
            yield {"Range": rng, "If-None-Match": none_match, "If-Modified-Since": modified}
    for match, none_match in itertools.product(MATCH, NONE_MATCH):
        yield {"If-Match": match, "If-None-Match": none_match}
    for unmodified, modified in itertools.product(DATES, DATES):
        yield {"If-Unmodified-Since": unmodified, "If-Modified-Since": modified}


def intended(method, asked, size):
    """Why the answers may differ, if they may: the contract or RFC 9110 says so."""
    rng = asked.get("Range")
    why = []
    if method == "HEAD" and rng:
        why.append("ranges are defined for GET only (RFC 9110 §14.2)")
    if rng in MALFORMED:
        why.append("a malformed range is ignored")
    if rng and rng.startswith("bytes=0-1,"):
        why.append("several ranges are answered with the whole object")
    if size == 0 and rng:
        why.append("ranges of an empty object: a suffix is the whole, anything else lies behind the end")
    if asked.get("If-Match") and asked.get("If-Unmodified-Since"):
        why.append("If-Unmodified-Since is ignored beside If-Match (§13.1.4)")
    if asked.get("If-None-Match") and asked.get("If-Modified-Since"):
        why.append("If-Modified-Since is ignored beside If-None-Match (§13.1.3)")
    if "nonsense" in (asked.get("If-Unmodified-Since"), asked.get("If-Modified-Since")):
        why.append("a condition whose date cannot be read is ignored (§13.1.4)")
    return why


class Server:
    def __init__(self, base, path):
        self.address = urllib.parse.urlsplit(base)
        self.path = path
        answer = self.ask("HEAD", {})
        assert answer["status"] == 200, answer
        self.tag, self.modified = answer["headers"]["etag"], answer["headers"]["last-modified"]

    def ask(self, method, asked):
        connection = http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=30)
        connection.request(method, self.path, headers={"Accept-Encoding": "identity", **{k: self.fill(v) for k, v in asked.items() if v}})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return {"status": answer.status, "body": body, "headers": {k.lower(): v for k, v in answer.getheaders()}}

    def fill(self, value):
        if "{" not in value:
            return value
        moment = parsedate_to_datetime(self.modified)
        return value.format(
            tag=self.tag, modified=self.modified, rfc850=moment.strftime("%A, %d-%b-%y %H:%M:%S GMT"),
            asctime=moment.strftime("%a %b ") + f"{moment.day:2}" + moment.strftime(" %H:%M:%S %Y"),
        )


def compared(server, answer):
    """What has to be equal: status; for answers with bytes, these and what describes them."""
    headers = answer["headers"]
    told = {"status": answer["status"], "content-range": headers.get("content-range"), "modified": headers.get("last-modified")}
    if answer["status"] in (200, 206):
        told |= {name: headers.get(name) for name in ("content-length", "content-type")} | {"body": answer["body"]}
        told["accept-ranges"] = headers.get("accept-ranges") if answer["status"] == 200 else None
    if answer["status"] in (200, 206, 304):
        told["tag"] = headers.get("etag") == server.tag
    else:
        told["modified"] = None
    return told


def call(base, method, path, key, body=None, kind="application/json"):
    address = urllib.parse.urlsplit(base)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    headers = {"Content-Type": kind} | ({"X-API-Key": key} if key else {})
    connection.request(method, path, body=body, headers=headers)
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status < 300, (method, path, answer.status, text)
    return json.loads(text) if text else None


def upload(ready, bytes_):
    base, key = ready["url"], ready["secretKey"]
    begun = call(base, "POST", "/v1/files/presigned-url", key, json.dumps({"filename": "a.txt", "contentType": "text/plain", "visibility": "public"}))
    url = urllib.parse.urlsplit(begun["url"])
    call(base, "PUT", f"{url.path}?{url.query}", None, bytes_, "text/plain")
    file = {"s3Key": begun["key"], "originalName": "a.txt", "mimeType": "text/plain", "size": len(bytes_)}
    call(base, "POST", "/v1/files", key, json.dumps(file))
    return "/storage/" + begun["key"]


def main():
    with open(READY) as file:
        ready = json.load(file)
    passed, failed, used = 0, 0, {}
    for name, content in (("a.txt", BODY), ("empty.txt", b"")):
        ours = Server(ready["url"], upload(ready, content))
        path = os.path.join(WWW, name)
        with open(path, "wb") as file:
            file.write(content)
        moment = parsedate_to_datetime(ours.modified).timestamp()
        os.utime(path, (moment, moment))
        theirs = Server(NGINX, "/" + name)
        while parsedate_to_datetime(ours.ask("HEAD", {})["headers"]["date"]).timestamp() <= moment + 1:
            pass  # a date that could still stand for two versions is no strong validator
        for method, asked in itertools.product(("GET", "HEAD"), requests()):
            one, other = compared(ours, ours.ask(method, asked)), compared(theirs, theirs.ask(method, asked))
            why = intended(method, asked, len(content))
            if one == other:
                passed += 1
            elif why:
                passed += 1
                for reason in why:
                    used.setdefault(reason, []).append((one["status"], other["status"]))
            else:
                failed += 1
                different = {k: (one[k], other.get(k)) for k in one if one[k] != other.get(k)}
                print(f"DIFFERS  {method} {name} { {k: v for k, v in asked.items() if v} }: ours, nginx: {str(different)[:400]}")
    print("differences on purpose (status here, status of nginx: how often):")
    for reason, pairs in sorted(used.items()):
        counts = ", ".join(f"{a}/{b}: {pairs.count((a, b))}" for a, b in sorted(set(pairs)))
        print(f"  {reason}: {counts}")
    print(f"storage beside nginx: {passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
