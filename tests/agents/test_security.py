"""How plain options become the credentials of Kafka clients."""

import pytest

from agents.security import Security, SecurityError


def test_an_open_connection_is_the_default():
    """Without options there is neither TLS nor a password."""
    assert Security().for_aiokafka() == {"security_protocol": "PLAINTEXT", "ssl_context": None}
    assert Security().for_faust() is None


def test_a_password_goes_to_both_clients_and_into_no_text():
    """Faust and aiokafka get the same user, password and mechanism; the password is not shown."""
    security = Security("SASL_PLAINTEXT", "SCRAM-SHA-512", "anna", "secret")
    assert security.for_aiokafka() == {
        "security_protocol": "SASL_PLAINTEXT",
        "ssl_context": None,
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "anna",
        "sasl_plain_password": "secret",
    }
    credentials = security.for_faust()
    assert (credentials.protocol.value, credentials.mechanism.value) == ("SASL_PLAINTEXT", "SCRAM-SHA-512")
    assert (credentials.username, credentials.password) == ("anna", "secret")
    assert "secret" not in repr(security)


@pytest.mark.parametrize("protocol", ["SSL", "SASL_SSL"])
def test_tls_verifies_the_broker(protocol):
    """With TLS the broker has to prove its name, in both clients."""
    security = Security(protocol, username="anna", password="secret")
    context = security.for_aiokafka()["ssl_context"]
    assert context.check_hostname
    assert security.for_faust().protocol.value == protocol


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"security_protocol": "TLS"},
            "The security protocol is one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL, not TLS.",
        ),
        (
            {"security_protocol": "SASL_SSL", "sasl_mechanism": "MD5"},
            "The SASL mechanism is one of PLAIN, .*, not MD5.",
        ),
        ({"security_protocol": "SASL_SSL", "username": "anna"}, "SASL_SSL needs a user name and a password."),
        ({"security_protocol": "SSL", "key_file": "key.pem"}, "A key file needs its certificate file."),
        ({"security_protocol": "SSL", "ca_file": "/absent.pem"}, "The TLS files cannot be used: .*No such file"),
    ],
)
def test_says_what_cannot_be_used(options, sentence):
    """Wrong options are one sentence, at once."""
    with pytest.raises(SecurityError, match=sentence):
        Security(**options)
