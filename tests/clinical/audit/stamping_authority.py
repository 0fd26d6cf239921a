"""A time-stamping authority of our own, made of Debian's `openssl`: certificates, and answers."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

CONFIGURATION = """
[ req ]
distinguished_name = name
prompt = no
[ name ]
CN = replaced by -subj
[ root ]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
[ stamping ]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[ web ]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
[ answers ]
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1, millisecs:500
ess_cert_id_alg = sha256
"""

TST_INFO = "1.2.840.113549.1.9.16.1.4"
CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclass(frozen=True)
class Authority:
    """Its files: the configuration, root.pem and root.key, and those that `certify` makes."""

    folder: Path

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            ["openssl", *arguments], cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def certify(self, name: str, use: str, issuer: str = "root") -> None:
        """A key and a certificate for `use` (a section of the configuration)."""
        made = ("-subj", f"/O=Made up/CN={name}", "-keyout", f"{name}.key")
        self.run("req", "-config", "openssl.cnf", *CURVE, *made, "-out", f"{name}.csr")
        by = ("-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key", "-CAcreateserial", "-days", "2")
        extended = ("-extfile", "openssl.cnf", "-extensions", use)
        self.run("x509", "-req", "-in", f"{name}.csr", *by, *extended, "-out", f"{name}.pem")

    def answer(self, asked: bytes, signer: str = "clock", between: str = "") -> bytes:
        """Its answer (TimeStampResp, DER) to a request; with the certificate `between`, if any."""
        (self.folder / "asked.tsq").write_bytes(asked)
        by = ("-signer", f"{signer}.pem", "-inkey", f"{signer}.key", "-out", "answer.tsr")
        asking = ("-config", "openssl.cnf", "-section", "answers", "-queryfile", "asked.tsq")
        chain = ("-chain", f"{between}.pem") if between else ()
        self.run("ts", "-reply", *asking, *by, *chain)
        return (self.folder / "answer.tsr").read_bytes()

    def signed_by(self, answer: bytes, signer: str) -> bytes:
        """The same answer, as if any certificate could sign it."""
        (self.folder / "answer.tsr").write_bytes(answer)
        self.run("ts", "-reply", "-in", "answer.tsr", "-token_out", "-out", "token.der")
        plain = ("-noverify", "-inform", "DER", "-in", "token.der", "-out", "info.der")
        self.run("cms", "-verify", *plain)
        content = ("-binary", "-nodetach", "-econtent_type", TST_INFO, "-in", "info.der")
        by = ("-signer", f"{signer}.pem", "-inkey", f"{signer}.key", "-md", "sha256")
        self.run("cms", "-sign", *content, *by, "-outform", "DER", "-out", "other.der")
        granted = bytes.fromhex("3003020100")
        body = granted + (self.folder / "other.der").read_bytes()
        return b"\x30\x82" + len(body).to_bytes(2, "big") + body

    def certificate(self, name: str) -> bytes:
        """The certificate of that name, DER."""
        self.run("x509", "-in", f"{name}.pem", "-outform", "DER", "-out", f"{name}.der")
        return (self.folder / f"{name}.der").read_bytes()

    @property
    def root(self) -> bytes:
        return (self.folder / "root.pem").read_bytes()


def make_authority(folder: Path) -> Authority:
    """An authority with a root and a certificate for time stamping, named "clock"."""
    folder.mkdir()
    (folder / "openssl.cnf").write_text(CONFIGURATION, encoding="utf-8")
    (folder / "serial").write_text("01\n", encoding="utf-8")
    authority = Authority(folder)
    made = ("-subj", "/O=Made up/CN=root", "-keyout", "root.key", "-out", "root.pem", "-days", "2")
    extended = ("-config", "openssl.cnf", "-extensions", "root")
    authority.run("req", "-x509", *extended, *CURVE, *made)
    authority.certify("clock", "stamping")
    return authority
