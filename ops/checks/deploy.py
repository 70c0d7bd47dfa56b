"""Debian's Caddy with our Caddyfile in front of the real programs: what a proxy must not break."""

import gzip
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time

from stack import PASSWORD, ROOT, Checks, Stack, free_port, until

check = Checks()
if not shutil.which("caddy"):
    raise SystemExit("caddy is not here: apt-get install caddy")
https, plain = free_port(), free_port()
domain = "crm.localhost"
home = tempfile.mkdtemp(prefix="crm-caddy-")
crm = Stack(CRM_BASE_URL=f"https://{domain}:{https}", CRM_TRUSTED_PROXIES="127.0.0.1")
crm.env["CRM_ENV"] = "production"
crm.env["CRM_SECRET_KEY"] = "0123456789abcdef" * 4
crm.add_user("robin@example.org")
environment = os.environ | {
    "CRM_DOMAIN": f"{domain}:{https}", "CRM_UPSTREAM": crm.bind, "CRM_TLS": "internal",
    "XDG_DATA_HOME": home, "XDG_CONFIG_HOME": home, "HOME": home,
}
# Ours to the letter, but for two ports that nobody needs root for, and no certificate put into this machine's store.
with open(os.path.join(ROOT, "ops/Caddyfile")) as file:
    ours = file.read()
config = os.path.join(home, "Caddyfile")
with open(config, "w") as file:
    file.write(ours.replace("\tadmin off\n", f"\tadmin off\n\thttp_port {plain}\n\thttps_port {https}\n\tskip_install_trust\n", 1))
valid = subprocess.run(["caddy", "validate", "--adapter", "caddyfile", "--config", os.path.join(ROOT, "ops/Caddyfile")], env=environment, capture_output=True, text=True)
check.that(valid.returncode == 0, "Caddy takes our Caddyfile as it is", valid.stderr[-500:])
log = open(os.path.join(home, "caddy.log"), "w")
caddy = subprocess.Popen(["caddy", "run", "--adapter", "caddyfile", "--config", config], env=environment, stdout=log, stderr=log)
root = os.path.join(home, "caddy/pki/authorities/local/root.crt")


def line():
    trusting = ssl.create_default_context(cafile=root)

    class Here(http.client.HTTPSConnection):
        def connect(self):
            # As a visitor with an address of his own: not the proxy's.
            raw = socket.create_connection(("127.0.0.1", https), 30, source_address=(VISITOR, 0))
            self.sock = trusting.wrap_socket(raw, server_hostname=domain)

    return Here(domain, https)


def ask(method, path, body=None, **headers):
    connection = line()
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    reply = connection.getresponse()
    return reply.status, reply.headers, reply.read()


VISITOR, MADE_UP = "127.0.0.77", "203.0.113.66"
MULTIPART = "multipart/form-data; boundary=borderline"


def multipart(content):
    head = b'--borderline\r\ncontent-disposition: form-data; name="file"; filename="large.csv"\r\ncontent-type: text/csv\r\n\r\n'
    return head + content + b"\r\n--borderline--\r\n"


try:
    crm.serve()
    crm.work()
    until(lambda: os.path.exists(root), "Caddy has its authority")
    until(lambda: ask("GET", "/healthz")[0] == 200, "Caddy leads to the api")

    status, headers, body = ask("GET", "/login")
    for name in ["content-security-policy", "x-content-type-options", "referrer-policy", "cross-origin-opener-policy", "strict-transport-security", "permissions-policy", "cache-control"]:
        check.that(len(headers.get_all(name) or []) == 1, f"{name} arrives once", headers.get_all(name))
    check.that(status == 200 and b"Sign in" in body, "pages arrive")
    status, headers, body = ask("GET", "/login", accept_encoding="gzip")
    check.that(headers["content-encoding"] == "gzip" and b"Sign in" in gzip.decompress(body), "a compressed answer is still compressed, once", headers["content-encoding"])

    # Signing in, from an address that the proxy sees, with one made up in front of it.
    form = f"email=robin%40example.org&password={PASSWORD.replace(' ', '+')}"
    status, headers, _ = ask("POST", "/login", form, content_type="application/x-www-form-urlencoded", origin=f"https://{domain}:{https}", x_forwarded_for=MADE_UP)
    cookie = next((c for c in headers.get_all("set-cookie") or [] if "session" in c), "")
    check.that(status == 303 and cookie.startswith("__Host-crm_session="), "people can sign in, with a __Host- cookie", (status, cookie))
    check.that(all(word in cookie for word in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"]) and "Domain" not in cookie, "the cookie is Secure, HttpOnly, SameSite and bound to the host", cookie)
    session = cookie.split(";")[0]
    _, _, page = ask("GET", "/settings/account", cookie=session)
    check.that(VISITOR.encode() in page and MADE_UP.encode() not in page, "the session has the visitor's address, not the one he made up")
    with_token = {"authorization": f"Bearer {crm.token('robin@example.org')}"}
    _, _, record = ask("GET", "/api/activity?source=audit&limit=50", **with_token)
    check.that(VISITOR.encode() in record and MADE_UP.encode() not in record, "so has the audit log", record[:600])

    # Live events: one arrives while the stream is open, not when it ends.
    events, arrived = line(), []
    events.request("GET", "/events?topics=activity", headers={"cookie": session})
    stream = events.getresponse()

    def listen():
        while event := stream.readline():
            if event.startswith(b"data:"):
                arrived.append((event, time.monotonic()))

    threading.Thread(target=listen, daemon=True).start()
    time.sleep(1.5)  # what signing in has left to say comes first
    asked = time.monotonic()
    status, _, _ = ask("POST", "/settings/account", "name=Robin+Other", content_type="application/x-www-form-urlencoded", cookie=session, origin=f"https://{domain}:{https}")
    check.that(status == 303 and stream.headers["content-type"].startswith("text/event-stream"), "a change and an open stream", status)
    until(lambda: any(at >= asked for _, at in arrived), "a live event arrives", 20)
    event, at = next((event, at) for event, at in arrived if at >= asked)
    check.that(event == b'data: {"topics":["activity"]}\n' and at < asked + 5, "a live event arrives while the stream is open", (arrived, asked))
    events.close()

    status, headers, _ = ask("GET", "/metrics", **with_token)
    check.that(status == 404, "/metrics is not to be had through the proxy", status)

    # Plain http is sent on.
    connection = http.client.HTTPConnection("127.0.0.1", plain, timeout=10)
    connection.request("GET", "/grid?x=1", headers={"host": domain})
    reply = connection.getresponse()
    check.that(reply.status in (301, 308) and (reply.getheader("location") or "").startswith(f"https://{domain}"), "http leads to https", (reply.status, reply.getheader("location")))

    # 50 MiB of an import, less than that is what people have.
    rows = b"".join(b"Investor %d,%s\n" % (n, b"x" * 1000) for n in range(49_000))
    body = b"Name,Notes\n" + rows
    status, _, answer = ask("POST", "/api/imports", multipart(body), content_type=MULTIPART, **with_token)
    check.that(status == 201, f"an import of {len(body) / 2**20:.0f} MiB passes", (status, answer[:300]))
    status, _, answer = ask("POST", "/api/imports", multipart(b"Name\n" + b"x\n" * (60 * 2**19)), content_type=MULTIPART, **with_token)
    check.that(status == 413 and b"too_large" in answer, "a larger one is refused, and says why", (status, answer[:200]))
    _, _, imports = ask("GET", "/api/imports", **with_token)
    check.that(imports.count(b'"large.csv"') == 1, "and leaves nothing behind", imports[:300])
finally:
    crm.kill()
    caddy.terminate()
    caddy.wait()
check.end()
