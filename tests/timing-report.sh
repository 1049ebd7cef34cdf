#!/usr/bin/env bash
# Prints how long sign-in, reset and magic link take for addresses that have an account and for addresses that have none:
# medians, spread, and a rank test over samples taken in turns. A report, not a test: it never fails because of a figure.
# `SAMPLES` is the number of pairs per route (default 150), `BKEND_LOCAL` the program (default: a release build).
set -uo pipefail
exec </dev/null

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$here" || exit 1
target=$(realpath -m "${CARGO_TARGET_DIR:-$here/target}")
bin=${BKEND_LOCAL:+$(realpath "$BKEND_LOCAL")}
work=$(mktemp -d) || exit 1
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

command -v python3 >/dev/null 2>&1 || fail "Python 3.8 or newer is needed; on Debian: apt-get install python3"
if [ -z "$bin" ]; then
  command -v cargo >/dev/null 2>&1 || . "$HOME/.cargo/env"
  cargo build --quiet --release || fail "the server does not compile"
  bin=$target/release/bkend-local
fi
"$bin" --data-dir "$work/.bkend" serve --port 0 --ready-file "$work/ready.json" --no-log-requests --no-secrets --log-level error >"$work/server.log" 2>&1 &
server=$!
for _ in $(seq 300); do
  [ -f "$work/ready.json" ] && break
  kill -0 "$server" 2>/dev/null || fail "the server ended while starting: $(cat "$work/server.log")"
  sleep 0.1
done

SAMPLES=${SAMPLES:-150} python3 - "$work/ready.json" "$(cat "$work/.bkend/secrets/operator")" <<'PYTHON'
import http.client, json, math, os, random, statistics, sys, time
from urllib.parse import urlsplit

about, operator = json.load(open(sys.argv[1])), sys.argv[2]
samples = int(os.environ["SAMPLES"])
server = urlsplit(about["url"])
connection = http.client.HTTPConnection(server.hostname, server.port)


def call(method, path, body, headers):
    begun = time.perf_counter_ns()
    connection.request(method, path, json.dumps(body), {"Content-Type": "application/json", **headers})
    answer = connection.getresponse()
    text = answer.read()
    return time.perf_counter_ns() - begun, answer.status, text


def need(status, result):
    if result[1] != status:
        raise SystemExit(f"{result[1]} {result[2].decode()}")
    return json.loads(result[2])


keys = f"/management/v1/projects/{about['projectId']}/environments/dev/keys"
key = need(201, call("POST", keys, {"name": "timing", "type": "publishable"}, {"Authorization": f"Bearer {operator}"}))["key"]
headers = {"X-API-Key": key}
# An address of its own for each sample: the limits per address stay out of the way. Five samples share one.
people = samples // 2 + 1
for n in range(people):
    need(201, call("POST", "/v1/auth/email/signup", {"email": f"known{n}@harbor.test", "password": "tide42", "name": "Mina"}, headers))

ROUTES = {
    "sign-in, wrong password": ("/v1/auth/email/signin", lambda email: {"email": email, "password": "wrong-tide"}, 401),
    "password reset": ("/v1/auth/password/reset/request", lambda email: {"email": email}, 200),
    "magic link": ("/v1/auth/email/signin", lambda email: {"method": "magiclink", "email": email, "callbackUrl": "http://localhost/"}, 200),
}


def ranks(values):
    """Ranks from 1; equal values share the mean of theirs."""
    order, result, at = sorted(range(len(values)), key=values.__getitem__), [0.0] * len(values), 0
    while at < len(order):
        end = at
        while end + 1 < len(order) and values[order[end + 1]] == values[order[at]]:
            end += 1
        for place in range(at, end + 1):
            result[order[place]] = (at + end) / 2 + 1
        at = end + 1
    return result


def mann_whitney(one, other):
    """Two-sided p by the normal approximation, and the chance that a value of `one` exceeds one of `other`."""
    ranked = ranks(one + other)
    u = sum(ranked[: len(one)]) - len(one) * (len(one) + 1) / 2
    mean, deviation = len(one) * len(other) / 2, math.sqrt(len(one) * len(other) * (len(one) + len(other) + 1) / 12)
    return math.erfc(abs(u - mean) / deviation / math.sqrt(2)), u / (len(one) * len(other))


print(f"{samples} pairs per route, in random order, one client; milliseconds\n")
print(f"| {'route':<24} | {'known p50':>9} | {'p10–p90':>15} | {'unknown p50':>11} | {'p10–p90':>15} | {'difference':>10} | {'P(known > unknown)':>18} | {'p':>7} |")
print("|" + "|".join("-" * width for width in (26, 11, 17, 13, 17, 12, 20, 9)) + "|")
for name, (path, body, status) in ROUTES.items():
    known, unknown = [], []
    for n in range(-5, samples):
        turns = [(known, f"known{n % people}@harbor.test"), (unknown, f"unknown{n % people}@harbor.test")]
        random.shuffle(turns)
        for times, email in turns:
            took, answered, text = call("POST", path, body(email), headers)
            if answered != status:
                raise SystemExit(f"{name}: {answered} {text.decode()}")
            if n >= 0:
                times.append(took / 1e6)
    p, above = mann_whitney(known, unknown)
    spread = lambda times: "{0[0]:.2f}–{0[8]:.2f}".format(statistics.quantiles(times, n=10))
    middle = statistics.median(known), statistics.median(unknown)
    print(f"| {name:<24} | {middle[0]:>9.2f} | {spread(known):>15} | {middle[1]:>11.2f} | {spread(unknown):>15} | {middle[0] - middle[1]:>+10.2f} | {above:>18.2f} | {p:>7.3f} |")
print("\nP near 0.50 and p above 0.05: the two cannot be told apart by these samples.")
PYTHON
