"""A real mail server for the tests: STARTTLS with AUTH on one port, implicit TLS on
another, answers by recipient. Prints its ports, then each message it took as a line of JSON.

Usage: smtp.py FOLDER   (certificates are made there; needs aiosmtpd and openssl)
"""

import asyncio
import email
import email.policy
import json
import pathlib
import ssl
import subprocess
import sys

from aiosmtpd.smtp import SMTP, AuthResult

folder = pathlib.Path(sys.argv[1])
LOGIN = (b"digest", b"correct-horse-9")


def certificates():
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Test authority",
            "-keyout", "ca.key", "-out", "ca.pem", "-addext", "basicConstraints=critical,CA:TRUE")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", "srv.key", "-out", "srv.csr")
    (folder / "ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    openssl("x509", "-req", "-in", "srv.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "ext", "-out", "srv.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "srv.pem", folder / "srv.key")
    return context


def say(**what):
    print(json.dumps(what), flush=True)


def parts(message):
    return [
        {"type": part.get_content_type(), "charset": part.get_content_charset(), "text": part.get_content()}
        for part in message.walk()
        if not part.is_multipart()
    ]


class Box:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nouser"):
            return "550 5.1.1 no such user"
        if address.startswith("busy"):
            return "451 4.7.1 greylisted, try later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        say(
            sender=envelope.mail_from,
            to=envelope.rcpt_tos,
            tls=server.transport.get_extra_info("ssl_object") is not None,
            signed_in=bool(session.authenticated),
            headers={key.lower(): str(value) for key, value in message.items()},
            defects=[str(d) for part in message.walk() for d in part.defects],
            type=message.get_content_type(),
            parts=parts(message),
        )
        if any(to.startswith("drop") for to in envelope.rcpt_tos):
            # After the final dot, before the answer.
            session.loop.call_soon(server.transport.abort)
            await asyncio.sleep(1)
        if any(to.startswith("mute") for to in envelope.rcpt_tos):
            await asyncio.sleep(3600)
        return "250 2.0.0 queued"


def sign_in(server, session, envelope, mechanism, data):
    fine = (getattr(data, "login", None), getattr(data, "password", None)) == LOGIN
    if fine:
        return AuthResult(success=True, auth_data=data)
    return AuthResult(success=False, handled=False, message="535 5.7.8 Authentication credentials invalid")


async def serve():
    context = certificates()
    loop = asyncio.get_running_loop()

    async def start(ssl=None, **options):
        def session():
            return SMTP(Box(), authenticator=sign_in, auth_required=True, loop=loop, **options)

        server = await loop.create_server(session, "127.0.0.1", 0, ssl=ssl)
        return server.sockets[0].getsockname()[1]

    starttls = await start(tls_context=context, require_starttls=True, auth_require_tls=True)
    # Encrypted from the first byte: there is nothing to ask for.
    tls = await start(ssl=context, auth_require_tls=False)
    say(starttls=starttls, tls=tls)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(serve())
