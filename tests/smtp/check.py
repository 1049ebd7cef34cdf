"""Drives one server and several mail servers; `check.py BINARY DIRECTORY`."""

import email
import email.policy
import json
import logging
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
import warnings

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

# What a mail server says of clients that turn away from it is expected here.
logging.getLogger("mail").setLevel(logging.CRITICAL)
warnings.simplefilter("ignore")

BINARY, WORK = sys.argv[1:3]
DATA = os.path.join(WORK, ".bkend")
PASSWORD = "open sesame, für alle"
TEMPLATES = ["signup_confirmation", "email_verification", "password_reset", "magic_link", "email_code", "invitation"]
passed = failed = 0


def check(what, holds, why=""):
    global passed, failed
    if holds:
        passed += 1
        print(f"ok - {what}", flush=True)
    else:
        failed += 1
        print(f"not ok - {what}: {why}", flush=True)


def call(method, url, body=None, headers=None):
    request = urllib.request.Request(url, method=method, data=None if body is None else json.dumps(body).encode())
    request.add_header("Content-Type", "application/json")
    for name, value in (headers or {}).items():
        request.add_header(name, value)
    try:
        with urllib.request.urlopen(request, timeout=15) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"null")


class Server:
    """The server under test; trusts the certificates of `authority` and nobody else."""

    def __init__(self, authority):
        self.authority = authority
        self.start()

    def start(self):
        ready = os.path.join(WORK, "ready.json")
        if os.path.exists(ready):
            os.remove(ready)
        self.log = open(os.path.join(WORK, "server.log"), "ab")
        command = [BINARY, "--data-dir", DATA, "serve", "--port", "0", "--ready-file", ready, "--no-log-requests", "--no-secrets"]
        environment = {**os.environ, "SSL_CERT_FILE": self.authority}
        environment.pop("SSL_CERT_DIR", None)
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, env=environment)
        for _ in range(600):
            if os.path.exists(ready) and os.path.getsize(ready):
                break
            if self.process.poll() is not None:
                raise SystemExit("the server ended while starting: " + open(os.path.join(WORK, "server.log")).read())
            time.sleep(0.1)
        about = json.load(open(ready))
        self.url, self.project = about["url"], about["projectId"]
        token = open(os.path.join(DATA, "secrets", "operator")).read().strip()
        self.operator = {"Authorization": f"Bearer {token}"}

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def manage(self, method, path, body=None, environment="dev"):
        base = f"{self.url}/management/v1/projects/{self.project}/environments/{environment}"
        status, answer = call(method, base + path, body, self.operator)
        if status >= 300:
            raise SystemExit(f"{method} {path} answered {status} {answer}")
        return answer

    def configure(self, smtp, environment="dev", **mail):
        self.manage("PATCH", "/auth/config", {"mail": {"smtp": smtp, **mail}}, environment)

    def mail(self, to, template, environment="dev"):
        items = self.manage("GET", f"/mailbox?to={to}&template={template}&limit=1", environment=environment)["items"]
        return items[0] if items else None

    def delivered(self, to, template, wanted, seconds, environment="dev"):
        """The newest such mail, once `wanted` says so of it; else as it is after some time."""
        until = time.monotonic() + seconds
        while True:
            mail = self.mail(to, template, environment)
            if (mail and wanted(mail)) or time.monotonic() > until:
                return mail or {}
            time.sleep(0.1)


class Inbox:
    """A mail server. `refuse` answers every DATA while it is set."""

    def __init__(self, security, context, password):
        self.mails, self.logins, self.refuse = [], [], None
        options = {}
        if security == "starttls":
            options = {"tls_context": context, "require_starttls": True}
        if password:
            options.update(authenticator=self.authenticate, auth_required=True, auth_require_tls=False)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        wrapped = context if security == "tls" else None
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port, ssl_context=wrapped, **options)
        self.controller.start()

    def authenticate(self, server, session, envelope, mechanism, data):
        if not isinstance(data, LoginPassword):
            return AuthResult(success=False, handled=False)
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=data.password.decode() == PASSWORD, handled=False)

    async def handle_DATA(self, server, session, envelope):
        if self.refuse:
            return self.refuse
        self.mails.append((envelope, session.ssl is not None))
        return "250 taken"

    def stop(self):
        self.controller.stop()


def context(authority, *names):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(made)
    return made


def cause(server, template, to, key):
    """Has the server write a mail of this kind."""
    auth, headers = server.url + "/v1/auth", {"X-API-Key": key}
    callback = {"email": to, "callbackUrl": "http://localhost:5173/in?x=1"}
    asked = {
        "signup_confirmation": ("/email/signup", {**callback, "method": "password", "password": "tide42", "name": "Mina"}),
        "email_verification": ("/email/verify/send", callback),
        "password_reset": ("/password/reset/request", callback),
        "magic_link": ("/email/signin", {**callback, "method": "magiclink"}),
        "email_code": ("/email/signin", {"email": to, "method": "otp"}),
    }
    if template in asked:
        path, body = asked[template]
        status, answer = call("POST", auth + path, body, headers)
    else:
        status, answer = 200, server.manage("POST", f"/auth/templates/{template}/en/preview", {"sendTo": to})
    check(f"{template} to {to} is asked for", status in (200, 201), f"{status} {answer}")


def same(one, other):
    return one.replace("\r\n", "\n").strip() == other.replace("\r\n", "\n").strip()


def arrived(name, inbox, mail, over_tls):
    """What came is what the mailbox says."""
    found = [taken for taken in inbox.mails if taken[0].rcpt_tos == [mail.get("to")] and mail["subject"] == str(email.message_from_bytes(taken[0].content, policy=email.policy.default)["Subject"])]
    check(f"{name}: one mail arrived", len(found) == 1, f"{len(found)} of {len(inbox.mails)}")
    if not found:
        return
    envelope, used_tls = found[0]
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    check(f"{name}: from and to", (envelope.mail_from, str(message["From"]), str(message["To"])) == ("no-reply@harbor.test", mail["from"], mail["to"]), f"{envelope.mail_from} {message['From']} {message['To']}")
    parts = {part.get_content_type(): part.get_content() for part in message.walk() if not part.is_multipart()}
    check(f"{name}: text and HTML as in the mailbox", set(parts) == {"text/plain", "text/html"} and same(parts["text/plain"], mail["text"]) and same(parts["text/html"], mail["html"]), parts)
    secret = mail["link"] or mail["code"]
    check(f"{name}: its link or code can be read", secret in parts["text/plain"], parts["text/plain"])
    check(f"{name}: Date and Message-ID", bool(message["Date"]) and bool(message["Message-ID"]), message.items())
    check(f"{name}: {'over TLS' if over_tls else 'in the open'}", over_tls is None or used_tls == over_tls, used_tls)


def each_template(server, authority, security, password, locale):
    name = f"{security}, {'password' if password else 'no password'}, {locale}"
    inbox = Inbox(security, context(authority, "localhost", "127.0.0.1"), password)
    smtp = {"host": "127.0.0.1" if password else "localhost", "port": inbox.port, "security": security, "username": "mina" if password else None, "password": PASSWORD if password else None}
    server.configure(smtp, senderEmail="no-reply@harbor.test", senderName="Harbor, Inc." if password else "항구", defaultLocale=locale)
    to = f"mina-{security}-{'password' if password else 'none'}@harbor.test"
    for template in TEMPLATES:
        cause(server, template, to, server.key)
    for template in TEMPLATES:
        mail = server.delivered(to, template, lambda mail: mail["delivery"] == "sent", 15)
        check(f"{name}: {template} is sent", mail.get("delivery") == "sent" and mail.get("error") is None, mail)
        # aiosmtpd does not tell TLS from the start: a client that speaks none gets nowhere there.
        if mail:
            arrived(f"{name}: {template}", inbox, mail, {"starttls": True, "none": False}.get(security))
    check(f"{name}: signed in as asked", set(inbox.logins) == ({("mina", PASSWORD)} if password else set()), inbox.logins)
    inbox.stop()


def refusals(server, authority, stranger):
    trusted = context(authority, "localhost")
    for name, security, tls, host, password, says in [
        ("a certificate of a stranger", "tls", context(stranger, "localhost"), "localhost", None, "certificate"),
        ("a certificate of another name", "starttls", trusted, "127.0.0.1", None, "certificate"),
        ("a wrong password", "none", None, "localhost", "wrong-one-4711", "535"),
    ]:
        inbox = Inbox(security, tls, password)
        login = {"username": "mina", "password": password} if password else {"username": None, "password": None}
        server.configure({"host": host, "port": inbox.port, "security": security, **login})
        to = f"{name.replace(' ', '-')}@harbor.test"
        cause(server, "magic_link", to, server.key)
        mail = server.delivered(to, "magic_link", lambda mail: mail["error"] is not None, 15)
        error = mail.get("error") or ""
        check(f"{name}: not sent, and said so", mail.get("delivery") == "queued" and says in error and "wrong-one" not in error and not inbox.mails, mail)
        inbox.stop()
    plain = Inbox("none", None, None)
    server.configure({"host": "localhost", "port": plain.port, "security": "starttls", "username": None, "password": None})
    cause(server, "magic_link", "no-starttls@harbor.test", server.key)
    mail = server.delivered("no-starttls@harbor.test", "magic_link", lambda mail: mail["error"] is not None, 15)
    check("a server without STARTTLS where it is asked for gets no mail", mail.get("delivery") == "queued" and not plain.mails, mail)
    plain.stop()


def silence(server):
    """A mail server that takes connections and says nothing delays no request."""
    base = f"{server.url}/management/v1/projects/{server.project}/environments"
    status, made = call("POST", base, {"environment": "silent", "environmentType": "custom"}, server.operator)
    key = made["publishableKey"]
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        server.configure({"host": "127.0.0.1", "port": mute.getsockname()[1], "security": "none"}, "silent")
        cause(server, "magic_link", "silent@harbor.test", key if isinstance(key, str) else key["key"])
        mail = server.delivered("silent@harbor.test", "magic_link", lambda mail: mail["error"] is not None, 30, "silent")
        check("a mail server that never answers is given up for now", mail.get("delivery") == "queued" and "did not answer" in (mail.get("error") or ""), mail)


def main():
    authority, stranger = trustme.CA(), trustme.CA()
    pem = os.path.join(WORK, "authority.pem")
    authority.cert_pem.write_to_path(pem)
    server = Server(pem)
    try:
        server.key = server.manage("POST", "/keys", {"name": "smtp", "type": "publishable"})["key"]
        server.manage("PATCH", "/auth/config", {"email": {"requireEmailVerification": True, "emailCodeEnabled": True}})
        # Refused now, taken later: by a server that was killed in between.
        later = Inbox("none", None, None)
        later.refuse = "451 4.7.1 Come back later"
        server.configure({"host": "127.0.0.1", "port": later.port, "security": "none"}, senderEmail="no-reply@harbor.test")
        cause(server, "magic_link", "later@harbor.test", server.key)
        refused = server.delivered("later@harbor.test", "magic_link", lambda mail: mail["error"] is not None, 15)
        begun = time.monotonic()
        check("a refusal is told in the mailbox, and the mail waits", refused.get("delivery") == "queued" and "Come back later" in (refused.get("error") or ""), refused)
        for security in ["none", "starttls", "tls"]:
            for password, locale in [(False, "en"), (True, "ko")]:
                each_template(server, authority, security, password, locale)
        refusals(server, authority, stranger)
        silence(server)
        server.configure({"host": "127.0.0.1", "port": later.port, "security": "none", "username": None, "password": None})
        later.refuse = None
        server.kill()
        server.start()
        taken = server.delivered("later@harbor.test", "magic_link", lambda mail: mail["delivery"] == "sent", max(0, 75 - (time.monotonic() - begun)) + 15)
        check("after a minute and a crash it is tried again and taken", taken.get("delivery") == "sent" and taken.get("error") is None, taken)
        secrets = [PASSWORD, "wrong-one-4711"]
        log = open(os.path.join(WORK, "server.log")).read()
        check("no password of a mail server is in the log", not any(secret in log for secret in secrets))
        later.stop()
    finally:
        server.kill()
    print(f"SMTP: {passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


main()
