"""How a client proves itself to the brokers and is sure of theirs: TLS and SASL, from plain options."""

import ssl
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from streams.faults import Fault

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


class SecurityError(Fault):
    """Options that cannot be used."""

    status = 2


@dataclass(frozen=True)
class Security:
    """The options of Kafka clients, by their usual names; the default is an open connection.

    Raises
    ------
    SecurityError
        Options are unknown or incomplete, or a file cannot be read.
    """

    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str = "PLAIN"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None  # who may sign the brokers' certificates; None: whom the system trusts
    cert_file: str | None = None  # the client's own certificate and key, where brokers ask for it
    key_file: str | None = None

    def __post_init__(self) -> None:
        if self.security_protocol not in PROTOCOLS:
            raise SecurityError(
                f"The security protocol is one of {', '.join(PROTOCOLS)}, not {self.security_protocol}."
            )
        if self._with_sasl and self.sasl_mechanism not in MECHANISMS:
            raise SecurityError(f"The SASL mechanism is one of {', '.join(MECHANISMS)}, not {self.sasl_mechanism}.")
        if self._with_sasl and not (self.username and self.password):
            raise SecurityError(f"{self.security_protocol} needs a user name and a password.")
        if self.key_file and not self.cert_file:
            raise SecurityError("A key file needs its certificate file.")
        _ = self.ssl_context  # unusable files are found here, not at the first connection

    @property
    def _with_sasl(self) -> bool:
        return self.security_protocol.startswith("SASL")

    @cached_property
    def ssl_context(self) -> ssl.SSLContext | None:
        """The TLS side of it, or None without TLS."""
        if not self.security_protocol.endswith("SSL"):
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.cert_file:
                context.load_cert_chain(self.cert_file, self.key_file)
        except OSError as error:
            raise SecurityError(f"The TLS files cannot be used: {error}.") from error
        return context

    def for_aiokafka(self) -> dict[str, Any]:
        """Return the keyword arguments for aiokafka's clients."""
        options: dict[str, Any] = {"security_protocol": self.security_protocol, "ssl_context": self.ssl_context}
        if self._with_sasl:
            options["sasl_mechanism"] = self.sasl_mechanism
            options["sasl_plain_username"] = self.username
            options["sasl_plain_password"] = self.password
        return options

    def for_faust(self) -> Any:
        """Return Faust's `broker_credentials`; None for an open connection."""
        import faust  # noqa: PLC0415 - heavy, and only the worker needs it

        if self._with_sasl:
            return faust.SASLCredentials(
                username=self.username,
                password=self.password,
                ssl_context=self.ssl_context,
                mechanism=self.sasl_mechanism,
            )
        return faust.SSLCredentials(self.ssl_context) if self.ssl_context is not None else None
