"""HTTP to a daemon of our own, with what a browser or a hostile peer would send."""

import http.client
import json
import socket
import urllib.parse


class Web:
    """One connection; `get` and `send` return status, headers and body."""

    def __init__(self, daemon_or_url):
        url = daemon_or_url if isinstance(daemon_or_url, str) else daemon_or_url.ready["http"][0]
        self.url = url
        self.host, self.port = urllib.parse.urlsplit(url).hostname, urllib.parse.urlsplit(url).port
        self.connection = http.client.HTTPConnection(self.host, self.port, timeout=20)

    def send(self, method, path, body=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, body, headers)
        reply = self.connection.getresponse()
        return Answer(reply.status, reply.headers, reply.read())

    def get(self, path, **headers):
        return self.send("GET", path, **headers)

    def raw(self, data, seconds=5):
        """Sends bytes as they are on a connection of their own and returns all that comes back."""
        with socket.create_connection((self.host, self.port), timeout=seconds) as sock:
            sock.sendall(data)
            got = b""
            try:
                while chunk := sock.recv(65536):
                    got += chunk
            except (TimeoutError, ConnectionResetError):
                pass
            return got

    def end(self):
        self.connection.close()


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        return self.json["error"]["code"]
