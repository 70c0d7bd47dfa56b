"""Domain-wide delegation in front of somebody else's Gmail emulator (npm emulate).

usage: gmail_front.py --dir DIR

The emulator keeps mailboxes, messages and history. What it lacks is added here:
Google's token endpoint for service accounts (RS256 verified), `getProfile`, history
ids that fit into 64 bits, and a history that is forgotten. Nothing else is changed
on the way. `/control` and `/state` are those of our own stand-in
(worker/examples/gmail), so that the same test drives both.
"""

import base64
import json
import os
import pathlib
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

DIR = pathlib.Path(sys.argv[sys.argv.index("--dir") + 1])
DIR.mkdir(parents=True, exist_ok=True)
EMULATE = pathlib.Path(__file__).parent.parent / "peers/node_modules/emulate/dist/index.js"
USERS = {"jo@ours.example": "tok_jo", "bo@ours.example": "tok_bo"}
CLIENT = "crm-reader@sample-project.iam.gserviceaccount.com"
AUDIENCE = "https://oauth2.googleapis.com/token"
SCOPES = {"https://www.googleapis.com/auth/gmail.readonly"}
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
tokens, calls, floor, lock = {}, {}, {}, threading.Lock()

key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
credentials = {
    "type": "service_account", "project_id": "sample-project", "private_key_id": "0123456789abcdef",
    "private_key": pem.decode(), "client_email": CLIENT, "client_id": "112233445566778899000", "token_uri": AUDIENCE,
}
(DIR / "credentials.json").write_text(json.dumps(credentials))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


upstream = f"http://127.0.0.1:{(port := free_port())}"
# Its mailboxes begin with sample messages unless one is seeded: this one is from before any test reads.
seed = {
    "tokens": {token: {"login": user, "scopes": ["https://mail.google.com/"]} for user, token in USERS.items()},
    "google": {
        "port": port,
        "users": [{"email": user, "name": user.split("@")[0]} for user in USERS],
        "messages": [{"id": f"seed{n}", "user_email": user, "from": "seed@nobody.example", "to": user, "subject": "seed",
                      "body_text": "seed", "date": "2001-01-01T00:00:00Z"} for n, user in enumerate(USERS)],
    },
}
(DIR / "seed.json").write_text(json.dumps(seed))
emulator = subprocess.Popen(
    ["node", str(EMULATE), "start", "-s", "google", "-p", str(port), "--seed", str(DIR / "seed.json")],
    cwd=DIR, stdout=(DIR / "emulate.log").open("w"), stderr=subprocess.STDOUT,
)


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def grant(form):
    """A token for one mailbox, as Google's endpoint hands them out."""
    if form.get("grant_type") != GRANT:
        return 400, {"error": "unsupported_grant_type"}
    try:
        head, body, signature = form["assertion"].split(".")
        key.public_key().verify(decoded(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
        head, claims = json.loads(decoded(head)), json.loads(decoded(body))
        now = time.time()
        assert head["alg"] == "RS256" and head["kid"] == credentials["private_key_id"]
        assert claims["iss"] == CLIENT and claims["aud"] == AUDIENCE
        assert claims["iat"] <= now < claims["exp"] <= claims["iat"] + 3600
    except Exception as error:  # whatever is wrong with it, it is refused
        return 400, {"error": "invalid_grant", "error_description": f"Invalid JWT: {error}"}
    if not claims.get("scope") or not set(claims["scope"].split()) <= SCOPES:
        return 401, {"error": "unauthorized_client", "error_description": "Client is unauthorized"}
    if claims["sub"] not in USERS:
        return 400, {"error": "invalid_grant", "error_description": "Invalid email or User ID"}
    token = "ya29." + secrets.token_urlsafe(24)
    tokens[token] = claims["sub"]
    return 200, {"access_token": token, "expires_in": 3599, "token_type": "Bearer"}


def refused(code, reason, status, says):
    body = {"code": code, "message": says, "status": status, "errors": [{"message": says, "domain": "global", "reason": reason}]}
    return code, json.dumps({"error": body}).encode()


def ask(user, path, method="GET", body=None):
    data = json.dumps(body).encode() if body is not None else None
    headers = {"authorization": f"Bearer {USERS[user]}", "content-type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(upstream + path, data, headers, method=method), timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def shorter(body):
    """Its history ids have 21 digits; Google's fit into 64 bits."""
    return re.sub(rb'("(?:historyId|id)":")(\d{19})\d\d"', rb'\1\2"', body)


def ids(user):
    found, page = [], ""
    while True:
        listed = json.loads(ask(user, f"/gmail/v1/users/me/messages?maxResults=500&includeSpamTrash=true{page}")[1])
        found += [m["id"] for m in listed.get("messages") or []]
        if not listed.get("nextPageToken"):
            return found
        page = f"&pageToken={listed['nextPageToken']}"


def newest(user):
    """Where a mailbox stands: its history from the beginning says so."""
    told = json.loads(shorter(ask(user, "/gmail/v1/users/me/history?startHistoryId=1&maxResults=1")[1]))
    return max(int(told.get("historyId") or 1), floor.get(user, 0))


def control(order):
    told = {}
    if deliver := order.get("deliver"):
        raw = base64.urlsafe_b64encode(deliver["raw"].encode()).decode()
        body = {"raw": raw, "labelIds": deliver.get("labels") or ["INBOX"]}
        status, answer = ask(deliver["to"], "/gmail/v1/users/me/messages", "POST", body)
        assert status == 200, answer
        told["id"] = json.loads(answer)["id"]
    if delete := order.get("delete"):
        one = f"/gmail/v1/users/me/messages/{delete['id']}"
        status, answer = ask(delete["from"], f"{one}/trash", "POST", {}) if delete.get("bin") else ask(delete["from"], one, "DELETE")
        assert status < 300, answer
    if user := order.get("expire_history"):
        floor[user] = newest(user) + 1
    return 200, told


class Front(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, code, body):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("content-type", "application/json; charset=UTF-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path == "/token":
            calls["token"] = calls.get("token", 0) + 1
            return self.answer(*grant(dict(urllib.parse.parse_qsl(body.decode()))))
        if self.path == "/control":
            with lock:
                return self.answer(*control(json.loads(body)))
        # Whoever asks here with a token may read only.
        self.answer(*refused(403, "insufficientPermissions", "PERMISSION_DENIED", "Insufficient Permission"))

    def do_GET(self):
        if self.path == "/state":
            return self.answer(200, {"calls": calls})
        user = tokens.get((self.headers.get("authorization") or "").removeprefix("Bearer "))
        if not user:
            return self.answer(*refused(401, "authError", "UNAUTHENTICATED", "Request had invalid authentication credentials."))
        url = urllib.parse.urlsplit(self.path)
        asked = dict(urllib.parse.parse_qsl(url.query))
        kind = url.path.removeprefix("/gmail/v1/users/me/").split("/")[0]
        kind = "messages?list" if url.path.endswith("/messages") else kind
        calls[kind] = calls.get(kind, 0) + 1
        if kind == "profile":
            count = len(ids(user))
            return self.answer(200, {"emailAddress": user, "messagesTotal": count, "threadsTotal": count, "historyId": str(newest(user))})
        path = self.path
        if kind == "history":
            since = asked.get("startHistoryId", "")
            if not since.isdigit() or int(since) < floor.get(user, 0):
                return self.answer(*refused(404, "notFound", "NOT_FOUND", "Requested entity was not found."))
            path = path.replace(f"startHistoryId={since}", f"startHistoryId={since}99")
        code, body = ask(user, path)
        self.answer(code, shorter(body))


def end(*_):
    emulator.terminate()
    os._exit(0)


signal.signal(signal.SIGTERM, end)
for _ in range(300):
    try:
        urllib.request.urlopen(upstream + "/", timeout=1)
        break
    except urllib.error.HTTPError:
        break
    except OSError:
        time.sleep(0.1)
else:
    emulator.terminate()
    sys.exit("the emulator never came up: see emulate.log")
server = ThreadingHTTPServer(("127.0.0.1", 0), Front)
(DIR / "address.new").write_text(f"http://127.0.0.1:{server.server_port}")
(DIR / "address.new").rename(DIR / "address")
# Whoever started it ends it by closing its standard input, even if they are killed.
threading.Thread(target=lambda: (sys.stdin.read(), end()), daemon=True).start()
server.serve_forever()
