"""Tokens, TLS and certificates of clients."""

import datetime
import ipaddress
import json
import os
import signal
import ssl
import time
import urllib.error
import urllib.request

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from grpc_health.v1 import health_pb2, health_pb2_grpc
from running import PATIENCE, Running, infer
from tritonclient.utils import InferenceServerException

PROTOCOLS = ["grpc", "http"]


def bearer(token):
    return {"authorization": f"Bearer {token}"}


@pytest.fixture
def tokens(tmp_path):
    paths = tmp_path / "read", tmp_path / "write"
    paths[0].write_text("see\n")
    paths[1].write_text("change\n")
    return paths


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_tokens(path, tokens, queries, protocol):
    with Running(path, "--read-token-file", tokens[0], "--write-token-file", tokens[1]) as server:
        client = getattr(server, protocol)()
        assert client.is_server_live() and client.is_server_ready()
        for wrong in (None, bearer(""), bearer("se"), bearer("seee"), bearer("sea"), {"authorization": "see"}):
            for ask in (
                lambda headers: infer(server, protocol, headers=headers, queries=queries),
                lambda headers: client.get_server_metadata(headers=headers),
                lambda headers: client.get_model_metadata("glove", headers=headers),
                lambda headers: client.get_model_config("glove", headers=headers),
                lambda headers: client.get_model_repository_index(headers=headers),
                lambda headers: client.load_model("glove", headers=headers),
                lambda headers: client.unload_model("glove", headers=headers),
            ):
                with pytest.raises(InferenceServerException) as caught:
                    ask(wrong)
                assert caught.value.status() in ("StatusCode.UNAUTHENTICATED", "401")
        for token in ("see", "change"):
            assert infer(server, protocol, headers=bearer(token), queries=queries)["counts"][0] == 10
            assert client.get_model_repository_index(headers=bearer(token))
        with pytest.raises(InferenceServerException, match="for changes"):
            client.unload_model("glove", headers=bearer("see"))
        client.load_model("glove", headers=bearer("change"))
        client.close()
        assert server.get("/metrics")[0] == 401
        assert server.get("/metrics", headers=bearer("see"))[0] == 200


def test_a_token_that_changes(path, tokens):
    with Running(path, "--read-token-file", tokens[0]) as server:
        tokens[0].write_text("new")
        assert server.get("/v2", headers=bearer("new"))[0] == 401
        server.send(signal.SIGHUP)
        server.event("loaded", len(server.log))
        assert server.get("/v2", headers=bearer("new"))[0] == 200
        assert server.get("/v2", headers=bearer("see"))[0] == 401
        tokens[0].write_text("")  # the one before holds
        server.send(signal.SIGHUP)
        server.event("reload_failed")
        assert server.get("/v2", headers=bearer("new"))[0] == 200


def test_a_body_is_not_read_without_a_token(path, tokens):
    with Running(path, "--read-token-file", tokens[0]) as server:
        assert server.get("/v2/models/glove/infer", b"x" * 5_000_000)[0] == 401


def test_beyond_this_machine_changes_need_a_token(path):
    with Running(path, "--listen", "0.0.0.0") as server:
        status, text = server.get("/v2/repository/models/glove/unload", b"")
        assert status == 401 and "--write-token-file" in json.loads(text)["error"]
        assert server.get("/v2/models/glove")[0] == 200


class Authority:
    """Signs certificates, for a test."""

    def __init__(self, folder):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "authority of a test")])
        self.path = self.write("ca", self.signed(self.name, self.key.public_key(), True), self.key)[0]

    def signed(self, name, key, is_authority):
        now = datetime.datetime.now(datetime.timezone.utc)
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
            .sign(self.key, hashes.SHA256())
        )

    def write(self, name, certificate, key):
        paths = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        encoding = serialization.Encoding.PEM
        plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        for path, text in zip(paths, (certificate.public_bytes(encoding), key.private_bytes(encoding, *plain)), strict=True):
            path.with_suffix(".new").write_bytes(text)
            os.rename(path.with_suffix(".new"), path)
        return paths

    def issue(self, name):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        return self.write(name, self.signed(subject, key.public_key(), False), key)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def https(server, authority, client=None):
    context = ssl.create_default_context(cafile=authority.path)
    if client:
        context.load_cert_chain(*client)
    url = f"https://127.0.0.1:{server.http_port}/v2/health/ready"
    with urllib.request.urlopen(url, timeout=PATIENCE, context=context) as response:
        return response.status


def grpcs(server, authority, client=None):
    parts = [authority.path.read_bytes(), *(path.read_bytes() for path in reversed(client or ()))]
    with grpc.secure_channel(f"127.0.0.1:{server.grpc_port}", grpc.ssl_channel_credentials(*parts)) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        return stub.Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE).status


def test_tls(path, authority, queries):
    certificate, key = authority.issue("server")
    with Running(path, "--tls-cert", certificate, "--tls-key", key) as server:
        assert https(server, authority) == 200
        assert grpcs(server, authority) == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(OSError):
            server.get("/v2")  # in the clear
        client = server.grpc(ssl=True, root_certificates=str(authority.path))
        assert infer(server, "grpc", client=client, queries=queries)["counts"][0] == 10
        client.close()
        stranger = Authority(authority.folder / "..")
        with pytest.raises(urllib.error.URLError, match="certificate verify failed"):
            https(server, stranger)


def test_certificates_of_clients(path, authority, tmp_path):
    certificate, key = authority.issue("server")
    arguments = ("--tls-cert", certificate, "--tls-key", key, "--tls-client-ca", authority.path)
    with Running(path, *arguments) as server:
        known = authority.issue("client")
        assert https(server, authority, known) == 200
        assert grpcs(server, authority, known) == health_pb2.HealthCheckResponse.SERVING
        (tmp_path / "other").mkdir()
        unknown = Authority(tmp_path / "other").issue("client")
        for client in (None, unknown):
            with pytest.raises(OSError):
                https(server, authority, client)
            with pytest.raises(grpc.RpcError) as caught:
                grpcs(server, authority, client)
            assert caught.value.code() == grpc.StatusCode.UNAVAILABLE


def test_a_certificate_that_is_renewed(path, authority):
    certificate, key = authority.issue("server")
    with Running(path, "--tls-cert", certificate, "--tls-key", key) as server:

        def serial():
            pem = ssl.get_server_certificate(("127.0.0.1", server.http_port), timeout=PATIENCE)
            return x509.load_pem_x509_certificate(pem.encode()).serial_number

        before = serial()
        authority.issue("server")
        end = time.monotonic() + PATIENCE
        while serial() == before:
            assert time.monotonic() < end
            time.sleep(0.1)
        assert https(server, authority) == 200
