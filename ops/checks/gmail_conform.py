"""Google's own client drives our stand-in for Gmail, and every answer is held
against Google's discovery schema.

usage: gmail_conform.py DIR   (DIR is what the stand-in was started with: --dir DIR)
"""
import base64
import json
import pathlib
import re
import sys
import urllib.request

import googleapiclient
from google.auth.exceptions import RefreshError
from google.oauth2 import service_account
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

DIR = pathlib.Path(sys.argv[1])
BASE = (DIR / "address").read_text()
USER = "jo@ours.example"
SCOPE = "https://www.googleapis.com/auth/gmail.readonly"
DOCUMENT = pathlib.Path(googleapiclient.__file__).parent / "discovery_cache/documents/gmail.v1.json"
SCHEMAS = json.loads(DOCUMENT.read_text())["schemas"]
RANGES = {"uint64": (0, 2**64 - 1), "int64": (-(2**63), 2**63 - 1), "uint32": (0, 2**32 - 1), "int32": (-(2**31), 2**31 - 1)}
failed = []
passed = 0


def violations(value, schema, path):
    """What of a value does not fit a schema of the discovery document."""
    if "$ref" in schema:
        return violations(value, SCHEMAS[schema["$ref"]], path)
    kind = schema.get("type")
    if kind == "object":
        if not isinstance(value, dict):
            return [f"{path} is no object"]
        known = schema.get("properties", {})
        found = [f"{path}.{name} is unknown" for name in value if name not in known]
        for name, inner in value.items():
            if name in known:
                found += violations(inner, known[name], f"{path}.{name}")
        return found
    if kind == "array":
        if not isinstance(value, list):
            return [f"{path} is no array"]
        return [problem for inner in value for problem in violations(inner, schema["items"], path + "[]")]
    if kind == "string":
        if not isinstance(value, str):
            return [f"{path} is no string"]
        if schema.get("format") in RANGES:
            low, high = RANGES[schema["format"]]
            if not re.fullmatch(r"-?\d+", value) or not low <= int(value) <= high:
                return [f"{path}: {value} is no {schema['format']}"]
        if schema.get("format") == "byte" and re.search(r"[^A-Za-z0-9_=-]", value):
            return [f"{path} is not base64url"]
        if schema.get("enum") and value not in schema["enum"]:
            return [f"{path}: {value} is none of its values"]
    if kind == "integer" and (isinstance(value, bool) or not isinstance(value, int)):
        return [f"{path} is no integer"]
    if kind == "boolean" and not isinstance(value, bool):
        return [f"{path} is no boolean"]
    return []


def verdict(name, problems):
    global passed
    print(f"{name:34s}", "conforms" if not problems else "VIOLATES " + "; ".join(sorted(set(problems)))[:300])
    if problems:
        failed.append(name)
    else:
        passed += 1


def call(name, schema, request):
    """Asks, and holds the answer against its schema."""
    answer = request.execute()
    verdict(name, violations(answer, {"$ref": schema}, schema))
    return answer


def refused(name, status, request):
    """Asks for what must be refused, in Google's own shape."""
    try:
        request.execute()
        verdict(name, ["it was not refused"])
    except RefreshError:
        # Google's library asks for another token after a 401, and only then.
        verdict(name, [] if status == 401 else ["it was refused as a bad token"])
    except HttpError as error:
        body = json.loads(error.content)["error"]
        fits = error.status_code == status and body["code"] == status and body["errors"][0]["reason"]
        verdict(name, [] if fits else [f"{error.status_code} {body}"])


def control(**order):
    data = json.dumps(order).encode()
    request = urllib.request.Request(BASE + "/control", data, {"content-type": "application/json"})
    return json.load(urllib.request.urlopen(request))


control(mailbox=USER)
raw = b"From: ada@norwind.example\r\nTo: jo@ours.example\r\nSubject: deck\r\nMessage-ID: <conform@norwind.example>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b\r\nContent-Type: application/pdf; name=deck.pdf\r\nContent-Disposition: attachment; filename=deck.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQ=\r\n--b--\r\n"
for _ in range(3):
    control(deliver={"to": USER, "raw": raw.decode()})

# Google's own library signs in, with delegation, by the key file.
key = json.loads((DIR / "credentials.json").read_text())
signer = service_account.Credentials.from_service_account_info(key, scopes=[SCOPE], subject=USER)
signer._token_uri = BASE + "/token"


def assertion(scope=SCOPE):
    """As Google's library makes it, for the audience that Google's endpoint has."""
    from google.auth import jwt
    import datetime

    now = datetime.datetime.now(datetime.timezone.utc)
    claims = {"iss": key["client_email"], "sub": USER, "scope": scope, "aud": key["token_uri"],
              "iat": int(now.timestamp()) - 10, "exp": int(now.timestamp()) + 3000}
    return jwt.encode(signer._signer, claims)


signer._make_authorization_grant_assertion = assertion
from google.auth.transport.requests import Request  # noqa: E402

signer.refresh(Request())
verdict("token by a service account", [] if signer.token else ["no token"])

service = build("gmail", "v1", credentials=Credentials(signer.token), static_discovery=True, client_options={"api_endpoint": BASE})
users = service.users()
profile = call("getProfile", "Profile", users.getProfile(userId="me"))
listed = call("messages.list", "ListMessagesResponse", users.messages().list(userId="me", maxResults=1))
call("messages.list, next page", "ListMessagesResponse", users.messages().list(userId="me", maxResults=1, pageToken=listed["nextPageToken"]))
first = listed["messages"][0]["id"]
for form in ("minimal", "full", "metadata", "raw"):
    call(f"messages.get {form}", "Message", users.messages().get(userId="me", id=first, format=form))
refused("messages.get of none", 404, users.messages().get(userId="me", id="ffffffffffffffff"))
call("labels.list", "ListLabelsResponse", users.labels().list(userId="me"))
body = {"raw": base64.urlsafe_b64encode(raw).decode(), "labelIds": ["INBOX", "UNREAD"]}
made = call("messages.insert", "Message", users.messages().insert(userId="me", body=body))
since = profile["historyId"]
told = call("history.list, added", "ListHistoryResponse", users.history().list(userId="me", startHistoryId=since, historyTypes=["messageAdded"]))
verdict("history tells of it", [] if made["id"] in json.dumps(told) else ["it is not in the history"])
back = call("messages.get raw", "Message", users.messages().get(userId="me", id=made["id"], format="raw"))
verdict("raw is what was sent", [] if base64.urlsafe_b64decode(back["raw"]) == raw else ["it differs"])
full = users.messages().get(userId="me", id=made["id"]).execute()
part = next(p["body"]["attachmentId"] for p in full["payload"]["parts"] if "attachmentId" in p["body"])
call("attachments.get", "MessagePartBody", users.messages().attachments().get(userId="me", messageId=made["id"], id=part))
call("messages.modify", "Message", users.messages().modify(userId="me", id=made["id"], body={"removeLabelIds": ["UNREAD"]}))
users.messages().delete(userId="me", id=made["id"]).execute()
told = call("history.list, all kinds", "ListHistoryResponse", users.history().list(userId="me", startHistoryId=since))
kinds = {kind for step in told["history"] for kind in step if kind not in ("id", "messages")}
verdict("history has every kind", [] if kinds == {"messagesAdded", "labelsRemoved", "messagesDeleted"} else [str(kinds)])
draft = {"message": {"raw": body["raw"], "threadId": made["threadId"]}}
refused("a draft with a reader's token", 403, users.drafts().create(userId="me", body=draft))
COMPOSE = "https://www.googleapis.com/auth/gmail.compose"
composer = signer.with_scopes([COMPOSE])
composer._token_uri = BASE + "/token"
composer._make_authorization_grant_assertion = lambda: assertion(COMPOSE)
try:
    composer.refresh(Request())
    verdict("a scope not delegated", ["it was granted"])
except RefreshError as error:
    verdict("a scope not delegated", [] if "unauthorized_client" in str(error) else [str(error)])
control(scopes=[SCOPE, COMPOSE])
composer.refresh(Request())
writer = build("gmail", "v1", credentials=Credentials(composer.token), static_discovery=True, client_options={"api_endpoint": BASE})
drafted = call("drafts.create", "Draft", writer.users().drafts().create(userId="me", body=draft))
verdict("a draft is in its thread", [] if drafted["message"]["threadId"] == made["threadId"] else ["it is in another"])
found = call("q=rfc822msgid", "ListMessagesResponse", users.messages().list(userId="me", q="rfc822msgid:conform@norwind.example"))
verdict("it finds by Message-ID", [] if found.get("messages") else ["nothing found"])
call("by address", "ListMessagesResponse", users.messages().list(userId=USER))
refused("another's mailbox", 403, users.messages().list(userId="nobody@ours.example"))
control(expire_history=USER)
refused("history that is gone", 404, users.history().list(userId="me", startHistoryId=since))
stranger = build("gmail", "v1", credentials=Credentials("nope"), static_discovery=True, client_options={"api_endpoint": BASE})
refused("a token that is none", 401, stranger.users().messages().list(userId="me"))
print(f"{passed} passed, {len(failed)} failed")
sys.exit(1 if failed else 0)
