"""CURVE keys, as `crims keys new` writes them."""

from __future__ import annotations

import os
from typing import Any, NamedTuple, Union

import zmq
import zmq.auth

Path = Union[str, "os.PathLike[str]"]


class Keys(NamedTuple):
    """A client's own pair, and the daemon's public key."""

    public: bytes
    secret: bytes
    server: bytes

    @staticmethod
    def read(client_key: Path | None, server_key: Path | None) -> Keys | None:
        """Reads NAME.key_secret of the client and server.key; None without either. What is not given may be in the
        environment, as `CRIMS_CLIENT_KEY` and `CRIMS_SERVER_KEY`.

        Raises `ValueError` if only one of them is given or a file is not what it should be, and `OSError`.
        """
        client_key = client_key or os.environ.get("CRIMS_CLIENT_KEY") or None
        server_key = server_key or os.environ.get("CRIMS_SERVER_KEY") or None
        if client_key is None and server_key is None:
            return None
        if client_key is None or server_key is None:
            raise ValueError("client_key (your NAME.key_secret) and server_key (the daemon's server.key) go together")
        public, secret = _load(client_key)
        if secret is None:
            raise ValueError(f"{os.fspath(client_key)} has no secret key: give NAME.key_secret, not NAME.key")
        return Keys(public, secret, _load(server_key)[0])

    def set(self, socket: zmq.Socket[Any]) -> None:
        """Makes a socket use them; before it connects."""
        socket.curve_publickey, socket.curve_secretkey, socket.curve_serverkey = self


def _load(path: Path) -> tuple[bytes, bytes | None]:
    name = os.fspath(path)
    if not os.path.exists(name):
        raise FileNotFoundError(f"there is no key file {name}: `crims keys new NAME -o FOLDER` makes one")
    try:
        return zmq.auth.load_certificate(name)
    except (OSError, ValueError) as error:
        raise ValueError(f"{name} is no key file of `crims keys new`: {error}") from None
