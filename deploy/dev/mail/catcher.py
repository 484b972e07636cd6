"""A mail relay that delivers nothing: catcher.py ADDRESS SMTP_PORT HTTP_PORT.

SMTP takes any login. HTTP: GET / is a page, GET /messages the messages as JSON (oldest first), DELETE /messages forgets them,
PUT /mode {"refuse": true} makes SMTP refuse every sender (450, so that senders try again) until it is told otherwise.
"""

import email
import email.policy
import html
import json
import sys
import threading
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

KEPT = 10_000

lock = threading.Lock()
messages = []
mode = {"refuse": False}


def login(_server, _session, _envelope, _mechanism, data):
    if isinstance(data, LoginPassword):
        return AuthResult(success=True, auth_data=data.login.decode("utf-8", "replace"))
    return AuthResult(success=False)


class Catcher:
    async def handle_MAIL(self, _server, _session, envelope, address, options):
        if mode["refuse"]:
            return "450 4.3.0 refused: the catcher was told to"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, _server, session, envelope):
        if mode["refuse"]:
            return "450 4.3.0 refused: the catcher was told to"
        parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
        body = parsed.get_body(preferencelist=("plain", "html"))
        caught = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "subject": str(parsed["subject"] or ""),
            "text": body.get_content() if body else "",
            "login": session.auth_data if session.authenticated else None,
            "received": datetime.now(timezone.utc).isoformat(),
        }
        with lock:
            messages.append(caught)
            del messages[:-KEPT]
        return "250 2.0.0 caught"


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        with lock:
            seen = list(messages)
        if self.path == "/messages":
            self.answer(200, "application/json", json.dumps(seen))
        elif self.path == "/mode":
            self.answer(200, "application/json", json.dumps(mode))
        elif self.path == "/":
            self.answer(200, "text/html; charset=utf-8", page(seen))
        else:
            self.answer(404, "text/plain", "not here\n")

    def do_DELETE(self):
        if self.path != "/messages":
            return self.answer(404, "text/plain", "not here\n")
        with lock:
            messages.clear()
        self.answer(204)

    def do_PUT(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path != "/mode":
            return self.answer(404, "text/plain", "not here\n")
        try:
            refuse = json.loads(body)["refuse"]
        except (ValueError, KeyError, TypeError):
            refuse = None
        if not isinstance(refuse, bool):
            return self.answer(400, "text/plain", 'wanted: {"refuse": true or false}\n')
        mode["refuse"] = refuse
        self.answer(204)

    def answer(self, status, kind=None, body=""):
        content = body.encode()
        self.send_response(status)
        if kind:
            self.send_header("content-type", kind)
        if status != 204:
            self.send_header("content-length", str(len(content)))
        self.end_headers()
        if status != 204:
            self.wfile.write(content)

    def log_message(self, *_):
        pass


def page(seen):
    def text(value):
        return html.escape(str(value))

    entries = "".join(
        f"<article><h2>{text(m['subject'])}</h2><p>{text(m['received'])} · from {text(m['from'])} · to {text(', '.join(m['to']))}"
        f" · login {text(m['login'])}</p><pre>{text(m['text'])}</pre></article>"
        for m in reversed(seen)
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Mail</title>"
        "<style>body{font:1rem system-ui;max-width:60rem;margin:auto;padding:1rem}pre{white-space:pre-wrap}</style>"
        f"<h1>Mail: {len(seen)}</h1>{entries or '<p>None yet.</p>'}"
    )


def main():
    address, smtp_port, http_port = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    Controller(
        Catcher(),
        hostname=address,
        port=smtp_port,
        server_hostname="mail.stack",
        authenticator=login,
        auth_require_tls=False,
        auth_required=False,
        data_size_limit=64 * 1024 * 1024,
    ).start()
    ThreadingHTTPServer((address, http_port), Api).serve_forever()


main()
